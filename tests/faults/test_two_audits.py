"""Fault 51 again: two audits that keep what the other removes, applied at the same moment."""

import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import pytest

from fastphash.clean.apply import apply_plan
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.journal import JOURNAL
from fastphash.clean.undo import undo_moves
from fastphash.errors import FastphashError
from tests.faults.test_clean import Small, own_names_in
from tests.faults.test_move import ROOT
from tests.support.disks import elsewhere
from tests.support.examples import campaign_of

PLAY = """
import sys
from tests.faults.test_two_audits import play
play(int(sys.argv[1]), sys.argv[2])
"""
# both move most of the time: the other ways take no name away
MODES = ["move", "move", "move", "copy", "hardlink", "lists"]


def play(rounds, folder):
    """Apply two plans at once, many times; ends with a traceback if an image is gone."""
    rng = random.Random(rounds)
    files = {f"{split}/{i}": f"{'abcdefgh'[i]}1" for split in ("train", "val") for i in range(8)}
    one = Small(folder, files | {"train/own": "y1", "val/own": "z1"})
    other = copy.copy(one)
    other.folder = one.root / "other"
    other.folder.mkdir()
    plans = [one.plan(keep_in=["val"]), other.plan(keep_in=["train"])]
    contents = set(files.values())
    elsewhere_to = tempfile.mkdtemp(dir=elsewhere(one.root))
    for number in range(rounds):
        ways = [rng.choice(MODES), "move"]
        rng.shuffle(ways)
        # to another disk there are no hard links
        disks = [[folder] if way == "hardlink" else [folder, elsewhere_to] for way in ways]
        asides = [Path(rng.choice(disk)) / f"aside{number}-{i}" for i, disk in enumerate(disks)]
        statuses = at_once(zip(plans, ways, asides, strict=True))
        assert statuses == [0, 0], (number, ways)
        left = {
            path.read_text() for split in ("train", "val") for path in (one.root / split).iterdir()
        }
        assert contents <= left, (number, ways)
        assert not own_names_in(one.root, Path(elsewhere_to))
        for plan in plans:
            if (plan.audited.folder / JOURNAL).exists():
                assert undo_moves(plan.audited.folder).skipped == []
        assert {name: (one.root / name).read_text() for name in files} == files
    shutil.rmtree(elsewhere_to)


def at_once(tasks):
    """Apply each plan in a process of its own, all let go together; their exit statuses."""
    gate, opened = os.pipe()
    children = []
    for task in tasks:
        child = os.fork()
        if child == 0:
            os.close(opened)
            os.read(gate, 1)
            os._exit(applied(*task))
        children.append(child)
    os.close(gate)
    # whoever reads sees that it is closed
    os.close(opened)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def applied(plan: CheckedPlan, mode, target):
    try:
        apply_plan(plan, mode, target)
    except FastphashError as error:
        # all of a split may be gone when this one looks at it
        return 0 if "are gone from" in str(error) else 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


@pytest.mark.slow
@pytest.mark.parametrize("times", campaign_of(300, least=60))
def test_51_two_audits_at_the_same_moment(tmp_path, times):
    words = [sys.executable, "-c", PLAY, str(times), str(tmp_path)]
    done = subprocess.run(
        words, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

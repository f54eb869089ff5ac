"""Faults 49 to 54 again: what other programs, mounts and disks do while files are moved."""

import builtins
import contextlib
import copy
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import xxhash

from fastphash.clean.apply import apply_plan
from fastphash.clean.journal import JOURNAL
from fastphash.clean.undo import undo_moves
from fastphash.errors import FastphashError
from fastphash.files import durable_move, exclusive_rename, parquet
from fastphash.files.durable_move import StrandedError, move_file
from fastphash.files.durable_transfer import ChangedError
from fastphash.files.own_copies import TakenError
from fastphash.files.own_names import copy_names, taken_name
from fastphash.results.decisions import Decision, decide
from fastphash.sources.local import folder_source
from tests.faults.test_clean import (
    Killed,
    Small,
    ending_after,
    everything,
    own_names_in,
    place,
    poor_disk,
    readable,
    small,
)
from tests.support.command_line import command, run, screen
from tests.support.disks import elsewhere
from tests.support.examples import slow_but
from tests.support.scenes import save
from tests.support.skipping import missing

__all__ = ["place", "small"]

ROOT = Path(__file__).resolve().parents[2]
NEW = b"new content, only here"


def replace(path, content=NEW):
    """What rsync, converters and editors do: write a new file, and rename it over the old one."""
    new = Path(os.fsdecode(path) + ".new")
    new.write_bytes(content)
    new.replace(os.fsdecode(path))


def digest(path):
    return xxhash.xxh3_128_digest(Path(os.fsdecode(path)).read_bytes())


@contextlib.contextmanager
def just_before(name, happens):
    """Something that happens each time just before a function of the move is called."""
    real = getattr(durable_move, name)

    def call(*arguments):
        happens(*arguments)
        return real(*arguments)

    with mock.patch.object(durable_move, name, call):
        yield


@pytest.fixture(params=["same", "other"])
def aside(request, tmp_path):
    """A folder on the same device as the images, or on another one."""
    where = elsewhere(tmp_path) if request.param == "other" else tmp_path
    with tempfile.TemporaryDirectory(dir=where) as folder:
        yield Path(folder)


# 49


def test_49_replaced_while_it_is_copied(tmp_path):
    """As it is: 40 MB are copied to another device, and another program replaces the file."""
    source = os.fsencode(tmp_path / "k.bmp")
    old = np.random.default_rng(1).bytes(40_000_000)
    Path(os.fsdecode(source)).write_bytes(old)
    with tempfile.TemporaryDirectory(dir=elsewhere(tmp_path)) as folder:
        target = os.fsencode(folder) + b"/k.bmp"

        def watch():
            end = time.monotonic() + 30
            while not os.path.lexists(copy_names(target, digest_of_old)[0]):
                if time.monotonic() > end:
                    return
            replace(source)

        digest_of_old = xxhash.xxh3_128_digest(old)
        other_program = threading.Thread(target=watch)
        other_program.start()
        assert move_file(source, target, digest_of_old)
        other_program.join()
        assert Path(os.fsdecode(source)).read_bytes() == NEW
        assert digest(target) == digest_of_old
        assert not own_names_in(tmp_path, Path(folder))


@pytest.mark.parametrize("moment", ["take_name", "_check_bytes", "_place", "sync_folder"])
def test_49_replaced_at_any_moment(small, aside, moment):
    plan = small.plan()
    row = int(np.flatnonzero(plan.keeper >= 0)[0])
    file = plan.file(row)
    before = everything(small.root)
    replaced = []

    def happens(*_):
        if not replaced:
            replaced.append(file)
            replace(file)

    with just_before(moment, happens):
        applied = apply_plan(plan, "move", aside)
    assert Path(os.fsdecode(file)).read_bytes() == NEW
    if moment == "take_name":
        assert [why for *_, why in applied.skipped] == ["changed since it was hashed"]
        # the program has replaced the old bytes itself; another copy has them too
    else:
        assert not applied.skipped
    assert before <= everything(small.root, aside)
    assert not own_names_in(small.root, aside)
    undone = undo_moves(small.folder)
    assert len(undone.skipped) == (moment != "take_name")
    assert Path(os.fsdecode(file)).read_bytes() == NEW
    assert before <= everything(small.root, aside)


def test_49_written_to_while_it_is_copied(small):
    plan = small.plan()
    row = int(np.flatnonzero(plan.keeper >= 0)[0])
    file = plan.file(row)
    with (
        tempfile.TemporaryDirectory(dir=elsewhere(small.root)) as folder,
        open(file, "r+b") as held,
    ):

        def write():
            held.write(NEW)
            held.flush()

        confirm = mock.Mock(wraps=lambda: confirm.call_count == 2 and write())
        with pytest.raises(ChangedError):
            move_file(file, os.fsencode(folder) + b"/x", plan.digests[row], confirm)
        assert os.listdir(folder) == []
    assert Path(os.fsdecode(file)).read_bytes() == NEW


def test_49_what_can_not_get_its_name_back_is_kept(small, aside):
    plan = small.plan()
    row = int(np.flatnonzero(plan.keeper >= 0)[0])
    file, content = plan.file(row), Path(os.fsdecode(plan.file(row))).read_bytes()
    taken = Path(os.fsdecode(taken_name(file)))

    def vanish():
        replace(file)
        raise FastphashError("its keeper is gone")

    with pytest.raises(StrandedError, match="another file has its name now: it is kept as"):
        move_file(file, os.fsencode(aside) + b"/x", plan.digests[row], vanish)
    assert (Path(os.fsdecode(file)).read_bytes(), taken.read_bytes()) == (NEW, content)
    with pytest.raises(TakenError, match="isn't finished"):
        move_file(file, os.fsencode(aside) + b"/x", xxhash.xxh3_128_digest(NEW))
    assert (Path(os.fsdecode(file)).read_bytes(), taken.read_bytes()) == (NEW, content)
    os.unlink(file)
    durable_move.settle_move(file, os.fsencode(aside) + b"/x", plan.digests[row])
    assert readable(plan, [row]) == [row]
    assert not own_names_in(small.root)


@pytest.mark.parametrize("what", ["a folder", "a pipe", "a link"])
def test_49_something_else_has_the_name_by_then(small, aside, what):
    plan = small.plan()
    row = int(np.flatnonzero(plan.keeper >= 0)[0])
    name = os.fsdecode(plan.file(row))

    def happens(*_):
        if not os.path.isfile(name) or os.path.islink(name):
            return
        os.unlink(name)
        if what == "a folder":
            os.mkdir(name)
            Path(name, "inside").write_bytes(NEW)
        elif what == "a pipe":
            os.mkfifo(name)
        else:
            os.symlink("elsewhere", name)

    with just_before("take_name", lambda path, _: path == plan.file(row) and happens()):
        applied = apply_plan(plan, "move", aside)
    if what != "a link":
        assert len(applied.skipped) == 1
        assert os.path.lexists(name)
    undo_moves(small.folder)
    assert os.path.lexists(name)
    assert not own_names_in(small.root, aside)
    if what == "a folder":
        assert Path(name, "inside").read_bytes() == NEW


# 50


# in a mount namespace of its own, val is mounted at train as well
MOUNTED_TWICE = """
import os, subprocess, sys
from pathlib import Path
from fastphash.clean.apply import apply_plan
from tests.faults.test_clean import Small

root = Path(sys.argv[1])
found = Small(root, {f"{split}/{i}": f"{i}1" for split in ("train", "val") for i in "ab"})
if sys.argv[2] == "links":
    for name in "ab":
        os.link(root / "val" / name, root / name)
if subprocess.run(["mount", "--bind", root / "val", root / "train"]).returncode:
    sys.exit("no mounts")
found.rows = found._rows()
applied = apply_plan(found.plan(), "move", root / "aside")
print(applied.done, *(why for *_, why in applied.skipped), sep="\\n")
"""


@pytest.mark.slow
@pytest.mark.parametrize("links", ["links", "no links"])
def test_50_a_copy_that_is_the_keeper_by_another_mount(tmp_path, links):
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        missing("only root can mount")
    words = ["unshare", "-m", sys.executable, "-c", MOUNTED_TWICE, str(tmp_path), links]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    if "unshare failed" in done.stderr or "no mounts" in done.stderr:
        missing("no mounts here")
    # with a link beside it, only taking the name away shows that the keeper's goes too
    reason = "its keeper 'val/{}' is" if links == "links" else "very file of its keeper 'val/{}'"
    count, *whys = done.stdout.splitlines()
    assert (count, len(whys)) == ("0", 2), done.stdout + done.stderr
    assert all(reason.format(name) in why for name, why in zip("ab", whys, strict=True))
    assert [(tmp_path / "val" / name).read_text() for name in "ab"] == ["a1", "b1"]
    assert not own_names_in(tmp_path)


@pytest.mark.parametrize("device", ["same", "other"])
def test_50_hard_links_to_a_keeper_go_and_come_back(tmp_path, device):
    found = Small(tmp_path, {"val/k": "a1", "train/h": "val/k", "train/i": "val/k"})
    plan = found.plan()
    where = elsewhere(tmp_path) if device == "other" else tmp_path
    with tempfile.TemporaryDirectory(dir=where) as target:
        applied = apply_plan(plan, "move", Path(target))
        assert (applied.done, applied.skipped) == (2, [])
        keeper = int(plan.keeper.max())
        assert readable(plan, range(3)) == [keeper]
        undo_moves(found.folder)
    assert readable(plan, range(3)) == [0, 1, 2]


# 51


def test_51_a_keeper_that_goes_with_its_copy_brings_it_back(small, aside):
    """Two mounts of one share, whose inodes tell nothing: as one name goes, so does the other."""
    plan = small.plan()
    row = next(row for row in np.flatnonzero(plan.keeper >= 0) if plan.splits[row] == "train")
    names = {plan.file(row), plan.file(plan.keeper[row])}

    def mirrored(function):
        real = getattr(durable_move, function)

        def call(path, new):
            real(path, new)
            for one, other in (tuple(names), tuple(names)[::-1]):
                if one == path:
                    os.rename(other, taken_name(other))
                if one == new and os.path.lexists(taken_name(other)):
                    os.rename(taken_name(other), other)

        return mock.patch.object(durable_move, function, call)

    with mirrored("take_name"), mirrored("give_name"):
        applied = apply_plan(plan, "move", aside)
    assert any("its keeper" in why for *_, why in applied.skipped)
    assert set(names) <= {plan.file(row) for row in readable(plan, range(len(plan)))}


@pytest.mark.parametrize("moment", ["take_name", "_check_bytes", "_place"])
def test_51_two_audits_that_keep_what_the_other_removes(tmp_path, aside, moment):
    one = Small(tmp_path, {"train/1": "a1", "train/3": "b1", "val/2": "a1", "val/4": "c1"})
    other = copy.copy(one)
    other.folder = tmp_path / "other"
    other.folder.mkdir()
    plans = [audit.plan(keep_in=keep) for audit, keep in ((one, ["val"]), (other, ["train"]))]
    removed = plans[0].file(int(np.flatnonzero(plans[0].keeper >= 0)[0]))
    done = []

    def happens(path, *_):
        if path in (removed, taken_name(removed)) and not done:
            done.append(apply_plan(plans[1], "move", aside / "2").done)

    with just_before(moment, happens):
        applied = apply_plan(plans[0], "move", aside / "1")
    assert applied.done + done[0] == 1
    assert readable(plans[0], [0, 2])
    for plan in plans:
        if (plan.audited.folder / JOURNAL).exists():
            undo_moves(plan.audited.folder)
    assert readable(plans[0], range(4)) == [0, 1, 2, 3]


@pytest.mark.slow
def test_51_two_audits_in_processes_of_their_own(tmp_path):
    rng = np.random.default_rng(2)
    for i in range(40):
        pixels = rng.integers(0, 255, (96, 96, 3), np.uint8)
        save(tmp_path / f"train/{i}.png", pixels)
        save(tmp_path / f"val/{i}.png", pixels)
    for split in ("train", "val"):
        save(tmp_path / f"{split}/own.png", rng.integers(0, 255, (96, 96, 3), np.uint8))
    for keep in ("train", "val"):
        words = ["audit", "train=train", "val=val", "-o", f"by-{keep}", "--keep-in", keep]
        run(*words, cwd=tmp_path)
        run("clean", f"by-{keep}", cwd=tmp_path)
    with tempfile.TemporaryDirectory(dir=elsewhere(tmp_path)) as folder:
        for _ in range(5):
            both = [
                subprocess.Popen(
                    command("clean", f"by-{keep}", f"{folder}/{keep}", "--apply", "--to", "move"),
                    cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=screen(),
                )
                for keep in ("train", "val")
            ]  # fmt: skip
            for process in both:
                _, errors = process.communicate(timeout=60)
                assert b"Traceback" not in errors
            for i in range(40):
                assert any((tmp_path / split / f"{i}.png").exists() for split in ("train", "val"))
            for keep in ("train", "val"):
                if (tmp_path / f"by-{keep}" / JOURNAL).exists():
                    run("clean", f"by-{keep}", "--undo", cwd=tmp_path)
            assert len(list(tmp_path.glob("*/[0-9]*.png"))) == 80


# 53


class CaseFolded:
    """Calls of the system as on a disk where K.png and k.png are one name.

    Below a folder, each part of a name leads to the entry that differs from it in case only.
    """

    NAMES = ("lstat", "stat", "open", "mkdir", "unlink", "rmdir", "readlink", "symlink", "utime",
             "link", "rename", "replace")  # fmt: skip

    def __init__(self, folder):
        self._root = os.fsencode(folder)
        self._working = False

    @contextlib.contextmanager
    def calls(self):
        changed = [(os, name) for name in self.NAMES]
        changed += [(exclusive_rename, "_rename_in_one_step"), (builtins, "open")]
        with contextlib.ExitStack() as stack:
            for module, name in changed:
                call = partial(self._call, getattr(module, name))
                stack.enter_context(mock.patch.object(module, name, call))
            yield

    def _call(self, function, *arguments, **options):
        if self._working:
            return function(*arguments, **options)
        self._working = True
        try:
            arguments = [self._found(argument) for argument in arguments]
        finally:
            self._working = False
        return function(*arguments, **options)

    def _found(self, path):
        if not isinstance(path, bytes | str | Path):
            return path
        below = os.fsencode(path)
        if not below.startswith(self._root + b"/"):
            return path
        found = self._root
        for part in below[len(self._root) + 1 :].split(b"/"):
            entries = os.listdir(found) if os.path.isdir(found) else []
            same = [entry for entry in entries if entry.lower() == part.lower()]
            found = os.path.join(found, (same or [part])[0])
        return found if isinstance(path, bytes) else os.fsdecode(found)


CLASHING = {"val/k": "a1", "train/IMG_1": "a1", "train/img_1": "a1", "train/Img_1": "a2"}


def move_and_undo(found, target):
    plan = found.plan()
    before = {name: (found.root / name).read_bytes() for name in CLASHING}
    applied = apply_plan(plan, "move", target)
    assert applied.done == 1
    assert [why for *_, why in applied.skipped] == ["its name is taken"] * 2
    assert everything(found.root, target) >= set(before.values())
    assert undo_moves(found.folder).skipped == []
    assert {name: (found.root / name).read_bytes() for name in CLASHING} == before


FOLDING = """
import sys
from pathlib import Path
from tests.faults.test_move import CLASHING, Small, move_and_undo

move_and_undo(Small(sys.argv[1], CLASHING), Path(sys.argv[2]) / "aside")
"""


@pytest.mark.slow
def test_53_names_that_differ_in_case_only_on_a_disk_that_folds_case(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = ["unshare", "-m", sys.executable, "tests/support/folding_disk.py", str(disk)]
    if (
        not shutil.which("unshare")
        or subprocess.run([*mounted, "true"], capture_output=True, check=False, cwd=ROOT).returncode
    ):
        missing("a disk can't be mounted here")
    words = [*mounted, sys.executable, "-c", FOLDING, str(tmp_path), str(disk)]
    done = subprocess.run(
        words, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("poor", [False, True])
def test_53_names_that_differ_in_case_only(tmp_path, poor):
    found = Small(tmp_path, CLASHING)
    with (
        tempfile.TemporaryDirectory(dir=elsewhere(tmp_path)) as folder,
        contextlib.ExitStack() as stack,
    ):
        if poor:
            stack.enter_context(poor_disk(links=False))
        stack.enter_context(CaseFolded(folder).calls())
        move_and_undo(found, Path(folder) / "aside")


def test_53_killed_names_that_differ_in_case_only(tmp_path):
    """Killed at every step: what the first has moved is never taken for the second's."""
    for calls in range(200):
        root = tmp_path / str(calls)
        root.mkdir()
        found = Small(root, {"val/k": "a1", "train/IMG_1": "a1", "train/img_1": "a1"})
        plan = found.plan()
        with tempfile.TemporaryDirectory(dir=elsewhere(tmp_path)) as folder:
            ended = True
            with CaseFolded(folder).calls():
                with ending_after(calls), contextlib.suppress(Killed):
                    apply_plan(plan, "move", Path(folder))
                    ended = False
                if (found.folder / JOURNAL).exists():
                    undo_moves(found.folder)
                    undo_moves(found.folder) if (found.folder / JOURNAL).exists() else None
            assert readable(plan, range(3)) == [0, 1, 2], calls
            assert not own_names_in(root, Path(folder)), calls
        if not ended:
            break
    assert 20 < calls < 199


@pytest.mark.parametrize("mode", ["copy", "hardlink", "symlink"])
def test_53_a_tree_of_names_that_differ_in_case_only(tmp_path, mode):
    found = Small(tmp_path, {"train/IMG_1": "a1", "train/img_1": "a1"})
    decide(found.folder, Decision("not_copies", tuple(map(found.image, found.names))))
    plan = found.plan()
    assert (plan.keeper < 0).all()
    with CaseFolded(tmp_path / "tree").calls():
        for _ in range(2):
            applied = apply_plan(plan, mode, tmp_path / "tree")
            assert len(applied.skipped) == 1
    assert len(list((tmp_path / "tree" / "train").iterdir())) == 1


@pytest.mark.parametrize("taken", ["_new_train.txt", "_train.txt.tmp", "_train.txt.fastphash.tmp"])
def test_53_files_beside_lists_stay(small, place, taken):
    place.mkdir()
    (place / taken).write_text("precious")
    apply_plan(small.plan(), "lists", place)
    assert (place / taken).read_text() == "precious"
    assert sorted(os.listdir(place)) == sorted([taken, "train.txt", "val.txt"])


def test_53_files_beside_other_outputs_stay(small, tmp_path):
    names = ["_x.parquet.tmp", "_x.parquet.fastphash.tmp", "_x.parquet.1.fastphash.tmp"]
    for name in names:
        (tmp_path / name).write_text("precious")
    parquet.write_table(tmp_path / "x.parquet", small.rows.table.select(["path"]))
    assert all((tmp_path / name).read_text() == "precious" for name in names)
    assert sorted(path.name for path in tmp_path.glob("_*")) == sorted(names)


def test_53_files_beside_the_journal_stay(small, aside):
    mine = small.folder / f"_{JOURNAL}.of-last-week.tmp"
    mine.write_text("precious")
    apply_plan(small.plan(), "move", aside)
    undo_moves(small.folder)
    assert mine.read_text() == "precious"


# 54


def test_54_a_second_file_of_the_same_name(small, aside):
    """The journal keeps the move of the first, though the second can't be moved to its place."""
    plan = small.plan()
    row = int(np.flatnonzero(plan.keeper >= 0)[0])
    file = Path(os.fsdecode(plan.file(row)))
    first = file.read_bytes()
    assert apply_plan(plan, "move", aside).done == 3
    # a new file, a copy of another one, with the old name
    (small.root / "val/7").write_bytes(b"d1")
    file.write_bytes(b"d1")
    small.names = sorted(
        str(path.relative_to(small.root)) for path in small.root.glob("[tv][ra]*/*")
    )
    small.rows = small._rows()
    again = apply_plan(small.plan(keep_in=["val"]), "move", aside)
    assert (again.done, [why for *_, why in again.skipped]) == (0, ["its name is taken"])
    file.unlink()
    assert undo_moves(small.folder).skipped == []
    assert file.read_bytes() == first


@pytest.mark.parametrize("disk", slow_but(["good"], ["good", "links only", "poor"]))
@pytest.mark.parametrize("then", slow_but(["undo"], ["again", "undo"]))
def test_54_killed_between_any_two_steps(tmp_path, aside, disk, then):
    """Nothing is tidied up by a process that is killed: the next run does that."""
    files = {"train/1": "a1", "val/5": "a1", "train/4l": "train/1", "train/1l": "val/5"}
    for calls in range(200):
        root = tmp_path / str(calls)
        root.mkdir()
        found = Small(root, {"train/1": "a1", "val/5": "a1"} | files)
        plan = found.plan(keep_in=["val"])
        ended = False
        target = aside / str(calls)
        with contextlib.ExitStack() as stack:
            if disk != "good":
                stack.enter_context(poor_disk(links=disk == "links only"))
            with ending_after(calls), contextlib.suppress(Killed):
                apply_plan(plan, "move", target)
                ended = True
            assert b"a1" in everything(root / "train", target) or ended
            if then == "again":
                applied = apply_plan(plan, "move", target)
                assert applied.done + applied.already == applied.planned - len(applied.skipped)
                assert not own_names_in(root, target), calls
            kill_undo = calls % 7
            if (found.folder / JOURNAL).exists():
                with ending_after(kill_undo), contextlib.suppress(Killed):
                    undo_moves(found.folder)
            if (found.folder / JOURNAL).exists():
                assert undo_moves(found.folder).skipped == [], calls
            assert readable(plan, range(len(plan))) == list(range(len(plan))), calls
            assert not own_names_in(root, target), calls
        if ended:
            break
    assert 10 < calls < 199


def test_54_leftovers_are_no_images(tmp_path):
    for name in ("k.png", "sub/.fastphash-0123", ".fastphash-taken-k.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".fastphash-folder").mkdir()
    (tmp_path / ".fastphash-folder" / "y.png").write_bytes(b"x")
    found = list(folder_source(str(tmp_path), hidden=True).entries())
    assert [entry.path for entry in found if not entry.hidden] == [b"k.png"]
    # but this one holds a user's image
    assert [entry.path for entry in found if entry.unfinished] == [b".fastphash-taken-k.png"]


def test_54_long_names_are_taken_away_too(tmp_path, aside):
    source = os.fsencode(tmp_path) + b"/" + b"n" * 255
    Path(os.fsdecode(source)).write_bytes(NEW)
    assert move_file(source, os.fsencode(aside) + b"/x", xxhash.xxh3_128_digest(NEW))
    assert (aside / "x").read_bytes() == NEW

"""Fault 54 again: moves, trees and undos killed at random moments lose nothing, leave nothing."""

import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest

from fastphash.audits.run import audit
from fastphash.clean.journal import JOURNAL
from fastphash.ingest.options import IngestOptions
from tests.faults.test_clean import own_names_in
from tests.support.command_line import run
from tests.support.disks import elsewhere
from tests.support.examples import campaign_of
from tests.support.forks import command, send
from tests.support.scenes import save, scene, source

TREES = ("copy", "hardlink", "symlink")


class DataSet:
    """Copies by bytes with labels, hard links, symbolic links and chains of these among them."""

    def __init__(self, root, rng, kept=3):
        self.root, self.rng = root, rng
        self.twins = []
        for number in range(kept):
            kept_file = save(root / "val" / f"{number}.png", scene(number))
            for copy in range(3):
                path = root / "train" / f"sub{copy}" / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(kept_file, path)
                path.with_suffix(".txt").write_text(f"labels of {copy} and {number}")
            self._add_links(number)
        save(root / "train" / "own.png", scene(99))
        audit(
            root / "out",
            [source(split, root / split) for split in ("train", "val")],
            ingest=IngestOptions(workers=1),
        )
        run("clean", "out", cwd=root)
        self.before = self.state()

    def _add_links(self, number):
        """A hard link to a copy, one to the keeper, and a chain of links to a copy."""
        train, val = self.root / "train", self.root / "val"
        for original, name in (
            (train / "sub0" / f"{number}.png", train / f"hard_{number}.png"),
            (val / f"{number}.png", train / f"twin_{number}.png"),
        ):
            os.link(original, name)
            self.twins.append((original, name))
        (train / f"link_{number}.png").symlink_to(f"sub1/{number}.png")
        (train / f"chain_{number}.png").symlink_to(f"link_{number}.png")

    def state(self):
        """Bytes of each file, and where each link leads."""
        return {
            path: os.readlink(path) if path.is_symlink() else path.read_bytes()
            for split in ("train", "val")
            for path in (self.root / split).rglob("*")
            if path.is_symlink() or path.is_file()
        }

    def link_again(self):
        """Make names of one file again what another disk made files of their own."""
        for original, name in self.twins:
            if not original.samefile(name):
                name.unlink()
                os.link(original, name)


def killed_after(forks, seconds, words, cwd):
    """Run a command and kill it after so long; whether it was still running."""

    def kill(pid, _, ended):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not ended():
            time.sleep(0.0005)
        if not ended():
            send(pid, signal.SIGKILL)

    return forks.run(command, *words, cwd=cwd, meanwhile=kill).returncode == -signal.SIGKILL


class Campaign:
    """Commands that are killed, and what is put right after each."""

    def __init__(self, forks, data, where, rng):
        self.forks, self.data, self.rng = forks, data, rng
        self.target = where / "aside"
        same = where.stat().st_dev == data.root.stat().st_dev
        self.trees_here = TREES if same else ("copy", "symlink")
        # about how long each takes, found out by killing too late
        self.seconds = dict.fromkeys(("move", "undo", *TREES), 0.3)

    def words(self, mode):
        if mode == "undo":
            return ("clean", "out", "--undo")
        return ("clean", "out", str(self.target), "--apply", "--to", mode)

    def kill(self, mode):
        after = self.rng.uniform(0, self.seconds[mode])
        killed = killed_after(self.forks, after, self.words(mode), self.data.root)
        self.seconds[mode] *= 1.1 if killed else 0.9
        return killed

    def whole(self):
        """Each file is under one of its names: nothing of it is lost."""
        folders = [self.data.root / "train", self.data.root / "val", self.target]
        found = {
            path.read_bytes()
            for folder in folders
            for path in folder.rglob("*")
            if path.is_file() and not path.is_symlink()
        }
        return {content for content in self.data.before.values() if isinstance(content, bytes)} <= (
            found
        )

    def moves(self):
        """Kill a move; perhaps kill it again, or an undo; then undo."""
        kills = self.kill("move")
        assert self.whole()
        for _ in range(self.rng.randrange(3)):
            kills += self.kill(self.rng.choice(["move", "undo"]))
            assert self.whole()
        for _ in range(2):
            if (self.data.root / "out" / JOURNAL).exists():
                run(*self.words("undo"), cwd=self.data.root)
        assert not (self.data.root / "out" / JOURNAL).exists()
        assert self.data.state() == self.data.before
        assert not self.target.exists()
        self.data.link_again()
        return kills

    def trees(self):
        """Kill a tree, and make it again."""
        mode = self.rng.choice(self.trees_here)
        kills = self.kill(mode)
        assert self.data.state() == self.data.before
        run(*self.words(mode), cwd=self.data.root)
        kept = {path.relative_to(self.target) for path in self.target.rglob("*.png")}
        assert {Path("val") / f"{i}.png" for i in range(3)} | {Path("train/own.png")} == kept
        assert not own_names_in(self.target)
        shutil.rmtree(self.target)
        return kills


@pytest.mark.slow
@pytest.mark.parametrize("device", ["same", "other"])
@pytest.mark.parametrize("most", campaign_of(100, least=25))
def test_54_killed_at_random_moments(forks, tmp_path, device, most):
    rng = random.Random(most)
    data = DataSet(tmp_path, rng)
    where = elsewhere(tmp_path) if device == "other" else tmp_path
    with tempfile.TemporaryDirectory(dir=where) as folder:
        campaign = Campaign(forks, data, Path(folder), rng)
        killed = 0
        while killed < most:
            killed += campaign.moves() if rng.random() < 0.7 else campaign.trees()
            assert not own_names_in(tmp_path, Path(folder))
            assert sorted(os.listdir(folder)) == []

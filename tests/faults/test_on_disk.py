"""Joins on the disk that are killed, or for which the disk is too small."""

import contextlib
import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastphash.errors import StoreError
from fastphash.external.buckets import Buckets
from fastphash.external.scratch import using_scratch
from fastphash.store import lock
from tests.support.command_line import run, run_process
from tests.support.examples import campaign_of, slow_but
from tests.support.forks import command, command_on_disk
from tests.support.scenes import planted
from tests.support.stores import write_hashes

WORDS = ("a.parquet", "b.parquet", "--radius", "4", "-o", "pairs.parquet")
ON_DISK = ("--scratch", "scratch", "--memory", "100M")


def write_tables(folder, rows):
    """Two tables of hashes, of which some are near one another, and the pairs of the two."""
    rng = np.random.default_rng(62)
    hashes = rng.integers(0, 2**64, 2 * rows, dtype=np.uint64)
    hashes[rows : rows + rows // 10] = hashes[: rows // 10] ^ np.uint64(9)
    for name, some in (("a", hashes[:rows]), ("b", hashes[rows:])):
        names = np.char.add(name, np.arange(rows).astype(str))
        write_hashes(folder / f"{name}.parquet", path=names, phash=some)
    run("join", *WORDS, cwd=folder)
    pairs = folder / "pairs.parquet"
    wanted = pairs.read_bytes()
    pairs.unlink()
    return wanted


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def left_of(folder):
    """What is in a folder; it may be there, empty, if the run that made it was killed at once."""
    return files_in(folder) if folder.exists() else []


@pytest.mark.parametrize("kills", [1, *slow_but([], [10]), *campaign_of(40)])
def test_62_killed_while_joining_on_the_disk(tmp_path, forks, kills):
    wanted = write_tables(tmp_path, 20_000)
    rng = np.random.default_rng(kills)
    done = killed = 0
    while killed < kills:
        words = ("join", *WORDS, *ON_DISK, "--overwrite")
        ended = forks.run(command, *words, cwd=tmp_path, seconds=rng.uniform(0.02, 0.6))
        killed += ended.returncode != 0
        done += ended.returncode == 0
        if not ended.returncode:
            assert (tmp_path / "pairs.parquet").read_bytes() == wanted
            assert left_of(tmp_path / "scratch") == []
    run("join", *WORDS, *ON_DISK, "--overwrite", cwd=tmp_path)
    assert (tmp_path / "pairs.parquet").read_bytes() == wanted
    drafts = {name for name in files_in(tmp_path) if name.endswith(".tmp")}
    assert left_of(tmp_path / "scratch") == []
    expected = {"a.parquet", "b.parquet", "pairs.parquet"}
    assert {*files_in(tmp_path)} - drafts - {"scratch"} == expected


def all_files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def kill_until(kills, forks, words, whole, seconds):
    """Run a command on the disk again and again, killed meanwhile, until so many were killed.

    ``whole()`` looks at what is there each time when one has ended by itself, and takes it away.
    """
    rng = np.random.default_rng(kills)
    killed = 0
    while killed < kills:
        after = rng.uniform(0.02, seconds)
        ended = forks.run(command_on_disk, *words, cwd=whole.folder, seconds=after)
        if ended.returncode == -signal.SIGKILL:
            killed += 1
            seconds *= 1.05
        else:
            assert ended.returncode == 0, ended.stderr.decode()
            whole()
            seconds *= 0.9
    run(*words, cwd=whole.folder)
    whole()


class SameAsInMemory:
    """Holds what a command on the disk leaves to what the same command leaves in memory."""

    def __init__(self, folder, out, words):
        self.folder, self._out = folder, folder / out
        run(*words, cwd=folder)
        self._wanted = self._found()
        self._remove()
        self._before = {*files_in(folder)}

    def __call__(self):
        assert self._found() == self._wanted
        self._remove()
        left = {*files_in(self.folder)} - self._before
        assert {name for name in left if not name.endswith(".tmp")} <= {"scratch"}
        assert left_of(self.folder / "scratch") == []
        shutil.rmtree(self.folder / "scratch", ignore_errors=True)

    def _found(self):
        return all_files(self._out) if self._out.is_dir() else self._out.read_bytes()

    def _remove(self):
        shutil.rmtree(self._out) if self._out.is_dir() else self._out.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("kills", campaign_of(60, least=10))
def test_62_killed_while_auditing_on_the_disk(tmp_path, forks, kills):
    planted(tmp_path)
    words = ("audit", "train=train", "val=val", "-o", "out", "--workers", "1")
    whole = SameAsInMemory(tmp_path, "out", words)
    kill_until(kills, forks, (*words, "--scratch", "scratch"), whole, 1.5)


@pytest.mark.slow
@pytest.mark.parametrize("kills", campaign_of(60, least=10))
def test_62_killed_while_grouping_on_the_disk(tmp_path, forks, kills):
    write_tables(tmp_path, 20_000)
    words = ("group", "a.parquet", "-o", "groups.parquet", "--radius", "4", "--overwrite")
    whole = SameAsInMemory(tmp_path, "groups.parquet", words)
    kill_until(kills, forks, (*words, *ON_DISK), whole, 0.5)


@pytest.mark.slow
def test_62_the_disk_is_full(tmp_path):
    wanted = write_tables(tmp_path, 50_000)
    # no file may grow over so many bytes: those of pieces are larger
    small = limited_to(resource.RLIMIT_FSIZE, 100_000)
    done = run_process("join", *WORDS, *ON_DISK, status=1, cwd=tmp_path, preexec_fn=small)
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    (folder,) = (tmp_path / "scratch").iterdir()
    assert not list(folder.glob("*-values"))
    done = run("join", *WORDS, *ON_DISK, cwd=tmp_path)
    assert "Going on in 'scratch'" in done.stderr
    assert (tmp_path / "pairs.parquet").read_bytes() == wanted
    assert files_in(tmp_path) == ["a.parquet", "b.parquet", "pairs.parquet"]


def limited_to(what, most):
    """What limits a process that is to be started."""
    return lambda: resource.setrlimit(what, (most, most))


@pytest.mark.slow
def test_62_the_disk_is_too_small(tmp_path):
    wanted = write_tables(tmp_path, 200_000)
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=72m", "none", disk]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("may not mount a file system")
    try:
        (disk / "ballast").write_bytes(bytes(6 << 20))
        words = ("join", *WORDS, "--scratch", "disk/scratch")
        done = run(*words, status=2, cwd=tmp_path)
        assert "this join needs 3.2 MB of disk for a while" in done.stderr
        (disk / "ballast").unlink()
        run(*words, cwd=tmp_path)
        assert (tmp_path / "pairs.parquet").read_bytes() == wanted
        assert files_in(disk) == []
    finally:
        subprocess.run(["umount", disk], check=True)
        shutil.rmtree(disk)


def test_62_a_write_that_the_disk_takes_half_of(tmp_path):
    """The system writes what fits, and no later write may come to tell of it."""
    rows = np.arange(40_000, dtype=np.uint64)[:, None]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with using_scratch(tmp_path / "scratch", "key") as scratch:
        filled = Buckets(scratch, "numbers", 1, 1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                filled.add(rows, np.zeros(rows.size, np.int64))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_62_the_last_of_two_joins_removes_the_folder(tmp_path):
    folder = tmp_path / "scratch"
    with contextlib.ExitStack() as second, contextlib.ExitStack() as first:
        first.enter_context(using_scratch(folder, "first"))
        second.enter_context(using_scratch(folder, "second"))
        first.close()
        assert folder.exists()
    assert files_in(tmp_path) == []


def test_62_another_process_removes_the_folder_as_it_ends(tmp_path, monkeypatch):
    """Two joins share a scratch folder: one ends while the other makes it."""
    made, locks = [], lock.FileLock

    def vanishing(path, **options):
        if not made:
            path.parent.rmdir()
        made.append(path)
        return locks(path, **options)

    monkeypatch.setattr(lock, "FileLock", vanishing)
    with using_scratch(tmp_path / "scratch", "key") as scratch:
        assert scratch.path.is_dir()
    assert len(made) == 2
    assert files_in(tmp_path) == []


def test_62_no_room_for_a_name_in_the_scratch_folder(tmp_path, monkeypatch):
    """What can't be used is no folder of the next run's."""

    def refuse(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "touch", refuse)
        with (
            pytest.raises(OSError, match="No space left"),
            using_scratch(tmp_path / "scratch", "key"),
        ):
            pass
    assert files_in(tmp_path) == []


HOLD = """
import sys
from pathlib import Path
from fastphash.external.scratch import using_scratch
with using_scratch(Path(sys.argv[1]), "key"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_62_one_process_at_a_time(tmp_path):
    words = [sys.executable, "-c", HOLD, tmp_path / "scratch"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(StoreError, match="another process is writing"),
            using_scratch(tmp_path / "scratch", "key"),
        ):
            pass
        holder.stdin.close()
        assert holder.wait() == 0
    assert files_in(tmp_path) == []

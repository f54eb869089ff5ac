"""Files whose size or time no ordinary file has: each costs itself at most, never the run."""

import os
import tempfile
from pathlib import Path
from unittest import mock

import pytest

from fastphash.ingest import worker
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.ingest.worker import Hasher, Recipe
from fastphash.sources import local
from fastphash.sources.local import LocalReader
from tests.support.batches import reader
from tests.support.disks import in_memory
from tests.support.fault_runs import outcome
from tests.support.scenes import save, scene, source
from tests.support.skipping import missing

SECOND = 10**9
# 2300, 1600, the first and last time in 64 bits, those beside them, and a million years from now
TIMES = [
    10413792000 * SECOND,
    -11676096000 * SECOND,
    2**63 - 1,
    -(2**63),
    2**63,
    -(2**63) - 1,
    31_536_000_000_000 * SECOND,
]


@pytest.fixture
def folder():
    """In memory, where files may have any time and size; with a sound image."""
    with tempfile.TemporaryDirectory(dir=in_memory()) as made:
        save(Path(made) / "in" / "sound.png", scene(0))
        yield Path(made) / "in"


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("workers", [0, 1])
def test_a_time_that_64_bits_do_not_hold_costs_nothing(folder, time, workers):
    path = save(folder / "far.png", scene(1))
    try:
        os.utime(path, ns=(0, time))
    except OverflowError:
        missing("no such time here")
    if path.stat().st_mtime_ns != time:
        missing("the disk keeps no such time")
    hashed, rejected = outcome(folder, workers=workers)
    assert (sorted(hashed), rejected) == (["far.png", "sound.png"], {})
    again, _ = outcome(folder, workers=workers)
    assert again == hashed


def test_a_file_with_such_a_time_is_read_again_only_if_it_has_changed(folder, monkeypatch):
    path = save(folder / "far.png", scene(1))
    read, whole = [], LocalReader.read
    monkeypatch.setattr(
        LocalReader, "read", lambda self, name: read.append(name) or whole(self, name)
    )
    counts = []
    for time in (TIMES[0], TIMES[0], TIMES[0] + 1, TIMES[1]):
        if not counts or time != path.stat().st_mtime_ns:
            os.utime(path, ns=(0, time))
        if path.stat().st_mtime_ns != time:
            missing("the disk keeps no such time")
        tally = hash_into(folder.parent / "s", [source("all", folder)], IngestOptions(workers=0))
        counts.append((tally["all"].hashed, tally["all"].kept, len(read)))
    assert counts == [(2, 0, 2), (0, 2, 2), (0, 2, 3), (0, 2, 4)]


@pytest.mark.parametrize("size", [2**63 - 1, 2**63 - 40, 2**62, 2**50])
@pytest.mark.parametrize("name", ["x.png", "x"])
def test_a_sparse_image_of_any_size_is_rejected(folder, name, size):
    (folder / name).write_bytes((folder / "sound.png").read_bytes())
    enlarge(folder / name, size)
    hashed, rejected = outcome(folder, workers=1)
    assert list(hashed) == ["sound.png"]
    assert rejected == {name: "read: the file is larger than the memory that is left"}


def enlarge(path, size):
    try:
        os.truncate(path, size)
    except OSError:
        missing("the disk has no such size")


@pytest.mark.parametrize("size", [2**63 - 1, 5 << 30])
def test_a_sparse_file_that_is_no_image_is_not_read(folder, monkeypatch, size):
    (folder / "x.jpg").touch()
    enlarge(folder / "x.jpg", size)
    monkeypatch.setattr(local, "_read_all", read := mock.Mock(side_effect=local._read_all))
    hashed, rejected = outcome(folder, workers=0)
    assert list(hashed) == ["sound.png"]
    assert rejected == {"x.jpg": "identify: not an image of a supported format"}
    assert read.call_count == 1


ERRORS = [ValueError("of\nthis one"), OverflowError(), RuntimeError("x" * 1000), KeyError("k")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("step", ["read", "decode"])
def test_an_error_that_nobody_foresaw_costs_one_input_and_is_said(folder, monkeypatch, error, step):
    bad = save(folder / "bad.png", scene(1)).read_bytes()
    place, name = (LocalReader, "read") if step == "read" else (worker, "decode")
    real = getattr(place, name)

    def fails(*arguments, **how):
        if b"bad.png" in arguments or bad in arguments:
            raise error
        return real(*arguments, **how)

    monkeypatch.setattr(place, name, fails)
    batch = Hasher(Recipe()).hash_files(reader(folder), [b"bad.png", b"sound.png"])
    assert batch.paths == [b"sound.png"]
    assert len(batch.hashes) == len(batch.stamps) == 1
    ((path, stage, reason),) = batch.rejected
    assert (path, stage) == (b"bad.png", "worker")
    assert reason.startswith(f"{type(error).__name__}: ")
    assert reason.endswith("(a fault of fastphash: please report it)")
    assert len(reason) < 400
    assert "\n" not in reason


def test_an_interrupt_still_ends_the_run(folder, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalReader, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Hasher(Recipe()).hash_files(reader(folder), [b"sound.png"])

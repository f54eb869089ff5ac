import os
import shutil
from dataclasses import replace

import pytest

from fastphash.ingest import worker
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.sources import local
from fastphash.sources.local import LocalReader
from fastphash.store.store import MANIFEST, Store, open_store
from tests.support.executors import ONE_WORKER
from tests.support.references import imagehashes
from tests.support.scenes import save, scene, scenes, source
from tests.support.stores import part_bytes, paths, read_store, rejected

IN_PROCESS = IngestOptions(workers=0)


def test_a_second_run_keeps_everything_and_starts_no_worker(tmp_path, no_workers):
    folder = scenes(tmp_path / "in", range(3))
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    before = part_bytes(tmp_path / "s"), (tmp_path / "s" / MANIFEST).read_bytes()
    no_workers()
    tally = hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)["all"]
    assert (tally.kept, tally.hashed, tally.changed, tally.gone) == (3, 0, 0, 0)
    assert (part_bytes(tmp_path / "s"), (tmp_path / "s" / MANIFEST).read_bytes()) == before


def test_a_changed_file_is_hashed_again_in_its_place(tmp_path, small):
    folder = scenes(tmp_path / "in", range(12))
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    before, old = part_bytes(tmp_path / "s"), read_store(tmp_path / "s")
    save(folder / "007.png", scene(70, 50, 50))
    tally = hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)["all"]
    assert (tally.kept, tally.hashed, tally.changed, tally.inputs) == (11, 1, 1, 12)
    after = part_bytes(tmp_path / "s")
    assert before.keys() - after.keys() == {"part-000001.parquet"}
    assert after.keys() - before.keys() == {"part-000003.parquet"}
    assert all(after[name] == before[name] for name in before.keys() & after.keys())
    new = read_store(tmp_path / "s")
    assert new["path"].equals(old["path"])
    differ = [i for i, (a, b) in enumerate(zip(old["phash"], new["phash"], strict=True)) if a != b]
    assert differ == [7]
    assert new["phash"][7].as_py() == imagehashes(folder / "007.png")[0]


def never_decoded(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("an image was decoded")

    monkeypatch.setattr(worker, "decode", refuse)


TOUCHES = {
    "other time": lambda path: os.utime(path, ns=(1, 1)),
    "other rights": lambda path: path.chmod(0o600),
    "another name": lambda path: os.link(path, path.parent.parent / "link"),
    "another inode": lambda path: shutil.copy2(path, path.parent.parent / "x").replace(path),
}


@pytest.mark.parametrize("touch", TOUCHES.values(), ids=TOUCHES)
def test_a_file_touched_is_read_but_not_decoded(tmp_path, touch, monkeypatch):
    folder = scenes(tmp_path / "in", range(2))
    hash_into(tmp_path / "s", [source("all", folder)], IN_PROCESS)
    before = read_store(tmp_path / "s")
    touch(folder / "001.png")
    never_decoded(monkeypatch)
    tally = hash_into(tmp_path / "s", [source("all", folder)], IN_PROCESS)["all"]
    assert (tally.inputs, tally.kept, tally.changed, tally.hashed) == (2, 2, 0, 0)
    after, status = read_store(tmp_path / "s"), (folder / "001.png").stat()
    now = [after[name][1].as_py() for name in ("mtime_ns", "inode", "ctime_ns")]
    assert now == [status.st_mtime_ns, status.st_ino, status.st_ctime_ns]
    stamps = ["mtime_ns", "inode", "ctime_ns"]
    assert after.drop_columns(stamps).equals(before.drop_columns(stamps))
    # and is believed from then on
    monkeypatch.setattr(LocalReader, "read", None)
    assert hash_into(tmp_path / "s", [source("all", folder)], IN_PROCESS)["all"].kept == 2


def test_a_touched_file_that_is_no_longer_there_or_an_image_counts_once(tmp_path):
    folder = scenes(tmp_path / "in", range(4))
    hash_into(tmp_path / "s", [source("all", folder)], IN_PROCESS)
    for seed in range(4):
        os.utime(folder / f"{seed:03d}.png", ns=(1, 1))
    data = (folder / "001.png").read_bytes()
    (folder / "001.png").write_bytes(bytes(len(data)))
    (folder / "002.png").chmod(0)

    def vanish(stage, *_):
        if stage == "starting workers":
            (folder / "003.png").unlink()

    source_ = source("all", folder)
    tally = hash_into(tmp_path / "s", [source_], IN_PROCESS, progress=vanish)["all"]
    readable = os.geteuid() == 0
    assert (tally.inputs, tally.kept, tally.hashed) == (4, 1 + readable, 0)
    assert (tally.rejected, tally.changed) == (3 - readable, 3 - readable)


def test_rehash_reads_everything_and_writes_nothing_new(tmp_path, monkeypatch):
    folder = scenes(tmp_path / "in", range(3))
    hash_into(tmp_path / "s", [source("all", folder)], IN_PROCESS)
    before = part_bytes(tmp_path / "s"), (tmp_path / "s" / MANIFEST).read_bytes()
    read = []
    whole = LocalReader.read
    monkeypatch.setattr(
        LocalReader, "read", lambda self, path: read.append(path) or whole(self, path)
    )
    never_decoded(monkeypatch)
    again = replace(IN_PROCESS, rehash=True)
    tally = hash_into(tmp_path / "s", [source("all", folder)], again)["all"]
    assert (tally.inputs, tally.kept, tally.changed) == (3, 3, 0)
    assert read == [b"000.png", b"001.png", b"002.png"]
    assert (part_bytes(tmp_path / "s"), (tmp_path / "s" / MANIFEST).read_bytes()) == before


def test_rehash_finds_what_no_stamp_shows(tmp_path, monkeypatch):
    folder = scenes(tmp_path / "in", range(3))
    hash_into(tmp_path / "s", [source("all", folder)], IN_PROCESS)
    # a disk that says the same of a file whatever is done to it
    path = folder / "001.png"
    old, stamp = path.stat(), local._stamp
    path.write_bytes(path.read_bytes()[:-4] + bytes(4))
    monkeypatch.setattr(
        local, "_stamp", lambda now: stamp(old if now.st_ino == old.st_ino else now)
    )
    assert hash_into(tmp_path / "s", [source("all", folder)], IN_PROCESS)["all"].kept == 3
    again = replace(IN_PROCESS, rehash=True)
    tally = hash_into(tmp_path / "s", [source("all", folder)], again)["all"]
    assert (tally.kept, tally.changed) == (2, 1)


def test_a_file_that_is_gone_is_dropped_and_so_is_an_empty_part(tmp_path, small):
    folder = scenes(tmp_path / "in", range(12))
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    for seed in (3, 5, 6, 7, 8, 9):
        (folder / f"{seed:03d}.png").unlink()
    tally = hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)["all"]
    assert (tally.kept, tally.gone, tally.inputs) == (6, 6, 6)
    assert paths(tmp_path / "s") == [f"{seed:03d}.png" for seed in (0, 1, 2, 4, 10, 11)]
    assert list(part_bytes(tmp_path / "s")) == ["part-000002.parquet", "part-000003.parquet"]


def test_new_files_go_into_a_new_part(tmp_path):
    folder = scenes(tmp_path / "in", [1, 3])
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    before = part_bytes(tmp_path / "s")
    scenes(folder, [2, 4])
    tally = hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)["all"]
    assert (tally.kept, tally.hashed, tally.changed) == (2, 2, 0)
    after = part_bytes(tmp_path / "s")
    assert list(after) == ["part-000000.parquet", "part-000001.parquet"]
    assert after["part-000000.parquet"] == before["part-000000.parquet"]
    assert paths(tmp_path / "s") == ["001.png", "003.png", "002.png", "004.png"]


def test_the_same_runs_over_the_same_files_make_the_same_bytes(tmp_path, small):
    folder = tmp_path / "in"

    def hash_twice():
        for store, count in (("one", 1), ("other", 2)):
            hash_into(tmp_path / store, [source("all", folder)], IngestOptions(workers=count))

    for seed in range(9):
        os.utime(save(folder / f"{seed}.png", scene(seed)), ns=(seed, seed))
    hash_twice()
    (folder / "3.png").unlink()
    os.utime(folder / "4.png", ns=(44, 44))
    os.utime(save(folder / "35.png", scene(35)), ns=(35, 35))
    hash_twice()
    assert part_bytes(tmp_path / "one") == part_bytes(tmp_path / "other")


def test_other_splits_stay_as_they_are(tmp_path):
    a, b = scenes(tmp_path / "a", range(3)), scenes(tmp_path / "b", range(3, 5))
    (a / "broken.png").touch()
    hash_into(tmp_path / "s", [source("a", a)], ONE_WORKER)
    (a / "000.png").unlink()
    tallies = hash_into(tmp_path / "s", [source("b", b)], ONE_WORKER)
    assert list(tallies) == ["b"]
    assert read_store(tmp_path / "s")["split"].to_pylist() == ["a"] * 3 + ["b"] * 2
    assert list(rejected(tmp_path / "s")) == [("a", "broken.png")]
    assert open_store(tmp_path / "s").roots == {"a": str(a), "b": str(b)}


def test_an_image_that_has_become_damaged_is_rejected_and_dropped(tmp_path):
    folder = scenes(tmp_path / "in", range(3))
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    (folder / "001.png").write_bytes(b"")
    tally = hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)["all"]
    assert (tally.kept, tally.hashed, tally.rejected, tally.changed) == (2, 0, 1, 1)
    assert paths(tmp_path / "s") == ["000.png", "002.png"]
    assert list(rejected(tmp_path / "s")) == [("all", "001.png")]


def test_an_image_that_has_been_mended_is_no_longer_rejected(tmp_path):
    folder = scenes(tmp_path / "in", range(2))
    (folder / "002.png").touch()
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    scenes(folder, [2])
    tally = hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)["all"]
    assert (tally.kept, tally.hashed, tally.rejected) == (2, 1, 0)
    assert rejected(tmp_path / "s") == {}


def test_an_image_that_has_become_a_pipe_is_counted_once(tmp_path):
    folder = scenes(tmp_path / "in", range(3))
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    (folder / "001.png").unlink()
    os.mkfifo(folder / "001.png")
    tally = hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)["all"]
    assert tally.inputs == 3
    assert (tally.kept, tally.skipped, tally.rejected) == (2, 1, 0)


def test_a_run_that_changes_nothing_writes_nothing(tmp_path, monkeypatch):
    folder = scenes(tmp_path / "in", range(3))
    (folder / "broken.png").write_bytes(b"broken")
    (folder / "notes.txt").write_text("no image")
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    monkeypatch.setattr(Store, "save", None)
    tally = hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)["all"]
    assert (tally.inputs, tally.kept, tally.rejected, tally.skipped) == (5, 3, 1, 1)

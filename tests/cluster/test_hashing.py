import io
import pickle
import shutil
from functools import partial

import numpy as np
import pytest

from fastphash.cluster import hash_stages as stages
from fastphash.cluster.executor import SparkExecutor
from fastphash.cluster.fragments import read_fragment, write_fragment
from fastphash.cluster.join_stages import batch_of
from fastphash.errors import StoreError
from fastphash.ingest.api import hash_into
from fastphash.ingest.executor import Task, hash_entries
from fastphash.ingest.options import IngestOptions
from fastphash.ingest.pool import Workers, start_workers
from fastphash.sources.local import LocalReader, folder_source
from fastphash.sources.protocol import Entry
from fastphash.store.cleanup import has_work
from fastphash.store.create import FRAGMENTS_FOLDER
from tests.support.command_line import run
from tests.support.deadly_recipe import DEADLY, DeadlyRecipe
from tests.support.stores import part_bytes, read_store, rejected

IN_PROCESS = IngestOptions(workers=0)


@pytest.fixture(scope="module")
def images(tmp_path_factory, encoded, photo):
    """Forty pictures, one of which is damaged, and a file of text."""
    folder = tmp_path_factory.mktemp("images")
    for number in range(40):
        data = encoded(photo(50 + number, 70, number), "PNG" if number % 2 else "JPEG")
        (folder / f"{number:02d}.img").write_bytes(data[: len(data) // 2] if number == 7 else data)
    (folder / "notes.txt").write_text("no image")
    return folder


def tasks_of(folder):
    paths = sorted(path.name.encode() for path in folder.iterdir())
    return [Task(LocalReader(bytes(folder)), paths[i : i + 15], {}) for i in range(0, 41, 15)]


def shard(tasks, name="x"):
    return batch_of(stages.SHARDS, [3], [name], [pickle.dumps(tasks)])


def test_a_shard_becomes_a_fragment(images, tmp_path):
    tasks = tasks_of(images)
    start = partial(start_workers, IN_PROCESS)
    (made,) = stages.hash_shards(iter([shard(tasks)]), str(tmp_path), start)
    fragment, results = read_fragment(tmp_path / "x")
    assert made.to_pylist() == [{"shard": 3, "rows": 39, "rejected": 1, "digest": fragment.digest}]
    with start() as executor:
        expected = list(executor.map(tasks))
    assert [batch.paths for batch in results] == [batch.paths for batch in expected]
    assert [batch.rejected for batch in results] == [batch.rejected for batch in expected]
    for batch, other in zip(results, expected, strict=True):
        np.testing.assert_array_equal(batch.hashes["phash"], other.hashes["phash"])
        np.testing.assert_array_equal(batch.thumbnails, other.thumbnails)
        assert batch.evidence == other.evidence
        assert batch.stamps == other.stamps


def test_a_finished_fragment_is_not_made_again(images, tmp_path):
    def never():
        raise AssertionError

    once = shard(tasks_of(images))
    start = partial(start_workers, IN_PROCESS)
    (made,) = stages.hash_shards(iter([once]), str(tmp_path), start)
    (again,) = stages.hash_shards(iter([once]), str(tmp_path), never)
    assert again.equals(made)
    whole = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(whole[:-1])
    (third,) = stages.hash_shards(iter([once]), str(tmp_path), start)
    assert third.equals(made)
    assert (tmp_path / "x").read_bytes() == whole


class Deadly:
    def __reduce__(self):
        return (shutil.rmtree, ("/nowhere",))


@pytest.mark.parametrize("planted", [Deadly(), io.BytesIO, np.load])
def test_a_planted_fragment_calls_nothing(tmp_path, planted):
    write_fragment(tmp_path / "x", [planted])
    with pytest.raises(StoreError, match="is no fragment"):
        read_fragment(tmp_path / "x")


def test_a_damaged_fragment_is_named(tmp_path):
    write_fragment(tmp_path / "x", [])
    assert read_fragment(tmp_path / "x")[1] == []
    data = bytearray((tmp_path / "x").read_bytes())
    data[-1] ^= 1
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(StoreError, match="x is damaged"):
        read_fragment(tmp_path / "x")


def test_fragments_are_work_that_the_next_run_goes_on_with(tmp_path):
    assert not has_work(tmp_path)
    (tmp_path / FRAGMENTS_FOLDER).mkdir()
    assert not has_work(tmp_path)
    write_fragment(tmp_path / FRAGMENTS_FOLDER / "x.batches", [])
    assert has_work(tmp_path)


def deadly_workers():
    """One worker, which images that contain DEADLY end."""
    return Workers(1, DeadlyRecipe())


@pytest.mark.slow
def test_a_decoder_that_crashes_ends_no_executor(spark, images, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(4):
        shutil.copy(images / f"{number:02d}.img", folder)
    (folder / "deadly.png").write_bytes((images / "01.img").read_bytes() + DEADLY)
    entries = [Entry(path.name.encode()) for path in sorted(folder.iterdir())]
    executor = SparkExecutor(spark, IngestOptions(), tmp_path)
    executor._start = deadly_workers
    with executor:
        (batch,) = hash_entries(executor, LocalReader(bytes(folder)), entries)
    assert len(batch.paths) == 4
    ((path, stage, _),) = batch.rejected
    assert (path, stage) == (b"deadly.png", "worker")
    # the workers of Spark are there still
    assert spark.range(5).count() == 5


@pytest.mark.slow
def test_a_store_has_the_bytes_of_one_machine(spark, images, tmp_path, monkeypatch):
    monkeypatch.setattr("fastphash.cluster.executor._SHARD_TASKS", 1)
    monkeypatch.setattr("fastphash.cluster.executor._JOB_SHARDS", 2)
    monkeypatch.setattr("fastphash.ingest.executor._TASK_INPUTS", 6)
    folder = tmp_path / "images"
    shutil.copytree(images, folder)
    assert_equal_stores(spark, folder, tmp_path, rows=39)
    # changed, gone and new ones
    (folder / "05.img").write_bytes((folder / "06.img").read_bytes())
    (folder / "09.img").unlink()
    (folder / "11.img").unlink()
    (folder / "zz.img").write_bytes((folder / "02.img").read_bytes())
    assert_equal_stores(spark, folder, tmp_path, rows=38)


def assert_equal_stores(spark, folder, tmp_path, rows):
    """Hash a folder with and without Spark, into stores that may be there."""
    start = {"local": start_workers}
    start["spark"] = partial(SparkExecutor, spark, store=tmp_path / "spark")
    for name, starting in start.items():
        sources = [folder_source(f"all={folder}")]
        options = IngestOptions(workers=1)
        tallies = hash_into(tmp_path / name, sources, options, start_executor=starting)
        assert tallies["all"].rejected == 1
    assert part_bytes(tmp_path / "spark") == part_bytes(tmp_path / "local")
    assert rejected(tmp_path / "spark") == rejected(tmp_path / "local")
    assert read_store(tmp_path / "spark").num_rows == rows
    assert not (tmp_path / "spark" / FRAGMENTS_FOLDER).exists()


@pytest.mark.slow
def test_fragments_that_a_failure_left_are_used(spark, images, tmp_path):
    def failing(batches):
        yield next(iter(batches))
        raise KeyboardInterrupt

    entries = [Entry(path) for task in tasks_of(images) for path in task.paths]
    reader = LocalReader(bytes(images))
    executor = SparkExecutor(spark, IN_PROCESS, tmp_path)
    with pytest.raises(KeyboardInterrupt), executor:
        list(failing(hash_entries(executor, reader, entries)))
    (left,) = (tmp_path / FRAGMENTS_FOLDER).iterdir()
    before = left.stat().st_mtime_ns
    with SparkExecutor(spark, IN_PROCESS, tmp_path) as executor:
        batches = hash_entries(executor, reader, entries)
        next(batches)
        assert left.stat().st_mtime_ns == before
        list(batches)
    assert not (tmp_path / FRAGMENTS_FOLDER).exists()


@pytest.mark.slow
@pytest.mark.usefixtures("spark")
def test_an_audit_has_the_files_of_one_machine(images, tmp_path):
    val = tmp_path / "val"
    val.mkdir()
    for number in range(0, 20, 3):
        shutil.copy(images / f"{number:02d}.img", val / f"copy{number}.img")
    for engine in ("local", "spark"):
        words = ["audit", f"train={images}", f"val={val}", "-o", str(tmp_path / engine)]
        run(*words, "--engine", engine)
    for name in ("leaks.parquet", "groups.parquet", "summary.json", "rejected.parquet"):
        made = [(tmp_path / engine / name).read_bytes() for engine in ("local", "spark")]
        assert made[0] == made[1], name
    assert part_bytes(tmp_path / "spark" / "hashes") == part_bytes(tmp_path / "local" / "hashes")
    assert "hash" in run("info", str(tmp_path / "spark")).stdout

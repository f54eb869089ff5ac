"""Sources that are no folders go through an update like any other."""

import io

import pytest
from PIL import Image

from fastphash.errors import StoreError, UsageError
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from tests.support.executors import InProcess
from tests.support.memory_source import MemorySource
from tests.support.scenes import scene, scenes, source
from tests.support.stores import paths, read_store, rejected


def png(seed):
    file = io.BytesIO()
    Image.fromarray(scene(seed)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def images():
    """Three images, one that is broken, and a text: bytes and times by path."""
    return {
        b"a/0.png": (png(0), 1),
        b"a/1.png": (png(1), 1),
        b"b/2.png": (png(2), 1),
        b"b/broken.png": (b"no image", 1),
        b"notes.txt": (b"no image either", 1),
    }


def update(store, *sources, **options):
    """Bring a store up to date in this process; returns the tally of the first split."""
    options = IngestOptions(**options)
    tallies = hash_into(store, sources, options, start_executor=InProcess)
    return tallies[sources[0].split]


def test_images_in_memory_are_hashed_like_files(tmp_path, images):
    tally = update(tmp_path / "s", MemorySource("all", images))
    assert (tally.inputs, tally.hashed, tally.rejected, tally.skipped) == (5, 3, 1, 1)
    assert paths(tmp_path / "s") == ["a/0.png", "a/1.png", "b/2.png"]
    assert rejected(tmp_path / "s").keys() == {("all", "b/broken.png")}
    update(tmp_path / "files", source("all", scenes(tmp_path / "in", range(3))))
    hashes = [read_store(tmp_path / name)["phash"].to_pylist() for name in ("s", "files")]
    assert hashes[0] == hashes[1]


def test_only_what_changed_in_memory_is_hashed_again(tmp_path, images):
    update(tmp_path / "s", MemorySource("all", images))
    images[b"a/1.png"] = (png(3), 2)
    images[b"c/4.png"] = (png(4), 2)
    del images[b"b/2.png"]
    tally = update(tmp_path / "s", MemorySource("all", images))
    assert (tally.kept, tally.changed, tally.hashed, tally.gone) == (1, 1, 2, 1)
    assert paths(tmp_path / "s") == ["a/0.png", "a/1.png", "c/4.png"]


def test_images_gone_from_memory_may_be_kept(tmp_path, images):
    update(tmp_path / "s", MemorySource("all", images))
    del images[b"b/2.png"]
    assert update(tmp_path / "s", MemorySource("all", images), keep_missing=True).missing == 1


def test_a_source_that_is_empty_all_at_once_loses_nothing(tmp_path, images):
    update(tmp_path / "s", MemorySource("all", images))
    with pytest.raises(StoreError, match=r"all files of split 'all' \(3\) are gone from memory"):
        update(tmp_path / "s", MemorySource("all", {}))
    assert len(paths(tmp_path / "s")) == 3


def test_under_another_root_everything_is_hashed_again(tmp_path, images):
    update(tmp_path / "s", MemorySource("all", images))
    tally = update(tmp_path / "s", MemorySource("all", images, root=b"elsewhere"))
    assert (tally.kept, tally.changed, tally.hashed) == (0, 3, 3)


def test_folders_and_other_sources_stand_side_by_side(tmp_path, images):
    folder = source("files", scenes(tmp_path / "in", range(2)))
    update(tmp_path / "s", folder, MemorySource("memory", images))
    assert len(paths(tmp_path / "s")) == 5
    with pytest.raises(UsageError, match="are the same folder"):
        update(tmp_path / "s", MemorySource("one", images), MemorySource("two", images))


def test_an_executor_gets_new_paths_in_order_and_again_those_without_a_hash(tmp_path, images):
    executors = []

    def start(options):
        executors.append(InProcess(options))
        return executors[-1]

    for _ in range(2):
        hash_into(tmp_path / "s", [MemorySource("all", images)], start_executor=start)
    given = [[task.paths for task in executor.tasks] for executor in executors]
    assert given == [[sorted(images)], [[b"b/broken.png", b"notes.txt"]]]

import numpy as np
import pytest
import simplejpeg

from fastphash.demo import scene
from fastphash.errors import UsageError
from fastphash.images.encode import encode
from fastphash.ingest.api import hash_images, hash_into
from fastphash.ingest.options import worker_count
from fastphash.ingest.pool import Workers
from fastphash.ingest.worker import Recipe
from tests.support.batches import hash_all
from tests.support.deadly_recipe import DEADLY, DeadlyRecipe
from tests.support.references import imagehashes
from tests.support.scenes import scenes, source
from tests.support.stores import paths, rejected


def deadly(folder, *names):
    """Images that a worker with `DeadlyRecipe` dies of."""
    for name in names:
        with open(folder / name, "ab") as file:
            file.write(DEADLY)


def test_only_the_file_that_a_worker_dies_of_is_rejected(tmp_path, small):
    folder = scenes(tmp_path / "in", range(14))
    deadly(folder, "005.png", "012.png")
    names = [b"%03d.png" % seed for seed in range(14)]
    with Workers(2, DeadlyRecipe()) as pool:
        whole = hash_all(pool, folder, names)
    assert whole.paths == [name for name in names if name not in (b"005.png", b"012.png")]
    assert [(r.path, r.stage) for r in whole.rejected] == [
        (b"005.png", "worker"),
        (b"012.png", "worker"),
    ]
    assert all("the worker process died" in r.reason for r in whole.rejected)
    assert whole.hashes["phash"][0, :, 0].tolist() == imagehashes(folder / "000.png")


def test_a_store_is_finished_although_workers_died(tmp_path):
    folder = scenes(tmp_path / "in", range(5))
    deadly(folder, "003.png")
    tally = hash_into(
        tmp_path / "s",
        [source("all", folder)],
        start_executor=lambda _: Workers(2, DeadlyRecipe()),
    )["all"]
    assert (tally.hashed, tally.rejected, tally.inputs) == (4, 1, 5)
    assert paths(tmp_path / "s") == ["000.png", "001.png", "002.png", "004.png"]
    ((stage, reason),) = rejected(tmp_path / "s").values()
    assert (stage, reason) == (
        "worker",
        "the worker process died of it twice, by SIGSEGV",
    )


def test_workers_are_counted_and_checked():
    assert worker_count(None) >= 1
    assert worker_count(3) == 3
    for count in (0, -1):
        with pytest.raises(UsageError, match=f"not {count}"):
            worker_count(count)
        with pytest.raises(UsageError, match=f"not {count}"):
            Workers(count, Recipe())


def test_damage_of_which_libjpeg_only_warns_is_rejected_by_workers(tmp_path):
    data = encode(scene(np.random.default_rng(0)), "JPEG", 85)
    paths = []
    for seed in (17, 50, 111, 155, 158, 198, 233, 290):  # libjpeg gives pixels, Pillow refuses
        rng = np.random.default_rng(seed)
        damaged = bytearray(data)
        for _ in range(2):
            damaged[rng.integers(600, len(data) - 2)] ^= 1 << rng.integers(8)
        paths.append(tmp_path / f"{seed}.jpg")
        paths[-1].write_bytes(damaged)
        assert simplejpeg.decode_jpeg(bytes(damaged), strict=False) is not None
    found = hash_images(paths, workers=1)
    assert (found.table.num_rows, found.rejected.num_rows) == (0, len(paths))
    assert set(found.rejected["stage"].to_pylist()) == {"decode"}

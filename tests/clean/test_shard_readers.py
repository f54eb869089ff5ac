"""Loaders read new containers: every kept sample, byte for byte."""

import gc
import warnings

import numpy as np
import pytest

from fastphash.sources.open_containers import close_containers
from tests.support.command_line import run
from tests.support.containers import files_of, make_parquet, make_tar
from tests.support.scenes import scenes

# seeds of the pictures; 3 and 7 are copies of 1
SEEDS = (0, 1, 2, 1, 4, 5, 6, 1)
KEPT = (0, 1, 2, 4, 5, 6)


@pytest.fixture
def pictures(tmp_path):
    named = dict(files_of(scenes(tmp_path / "pictures", SEEDS)))
    yield [named[f"{seed:03d}.png"] for seed in SEEDS]
    close_containers()


def cleaned(folder, pattern):
    run("audit", f"train={pattern}", "-o", "out", "--workers", "1", cwd=folder)
    run("clean", "out", cwd=folder)
    run("clean", "out", "--apply", cwd=folder)
    run("clean", "out", "clean", "--apply", "--to", "copy", cwd=folder)


@pytest.mark.slow
def test_webdataset(pictures, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    samples = [
        (f"{number:04d}.{ending}", data)
        for number, picture in enumerate(pictures)
        # a copy of another class would stay
        for ending, data in (("png", picture), ("cls", b"%d" % SEEDS[number]))
    ]
    for shard, some in enumerate((samples[:6], samples[6:])):
        make_tar(tmp_path / f"{shard}.tar", some)
    cleaned(tmp_path, "*.tar")
    shards = sorted(map(str, (tmp_path / "clean" / "train").iterdir()))
    with warnings.catch_warnings():
        # it leaves files open
        warnings.simplefilter("ignore", ResourceWarning)
        read = list(webdataset.WebDataset(shards, shardshuffle=False))
        gc.collect()
    assert [(one["__key__"], one["png"], one["cls"]) for one in read] == [
        (f"{number:04d}", pictures[number], b"%d" % SEEDS[number]) for number in KEPT
    ]


@pytest.mark.slow
def test_datasets(pictures, tmp_path):
    datasets = pytest.importorskip("datasets")
    named = [(f"{number}.png", picture) for number, picture in enumerate(pictures)]
    for shard, some in enumerate((named[:3], named[3:])):
        make_parquet(tmp_path / f"{shard}.parquet", some)
    cleaned(tmp_path, "*.parquet")

    def load(pattern):
        return datasets.load_dataset(
            "parquet", data_files=str(tmp_path / pattern), split="train", cache_dir=tmp_path / "hf"
        )

    new, old = load("clean/train/*.parquet"), load("[01].parquet")
    assert [row["image"]["bytes"] for row in new] == [pictures[number] for number in KEPT]
    # the numbers of the lists choose the same rows
    chosen = old.select(np.load(tmp_path / "out" / "clean" / "train.keep.npy"))
    assert chosen.to_list() == new.to_list()

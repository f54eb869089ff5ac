"""Recipes of docs/how-to/python-sources.md, each on a data set of its kind."""

import contextlib
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fastphash as fp
from fastphash.store.open import read_hashes
from tests.support.scenes import save, scene

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "python-sources.md"
# the last is a copy of the first
SEEDS = (1, 2, 3, 1)


def recipe(heading):
    """The blocks of Python below a heading, as one program."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder ``photos`` with files whose names are in order."""
    monkeypatch.chdir(tmp_path)
    return [save(tmp_path / "photos" / f"{i}.png", scene(s)) for i, s in enumerate(SEEDS)]


def run(heading):
    """The names that a recipe defines."""
    names = {}
    exec(compile(recipe(heading), heading, "exec"), names)
    return names


def stored(split, photos):
    """The keys of a split, whose hashes are those of the files."""
    rows = read_hashes(f"hashes@{split}")
    files = fp.hash_images(photos, workers=0).table
    assert rows.table["phash"].to_pylist() == files["phash"].to_pylist()
    return rows.table["path"].to_pylist()


@pytest.mark.slow
def test_datasets(photos, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    pytest.importorskip("datasets")
    images = [{"bytes": file.read_bytes(), "path": file.name} for file in photos]
    pq.write_table(pa.table({"image": images, "label": [*SEEDS]}), "photos.parquet")
    names = run("Hugging Face `datasets`")
    assert stored("datasets", photos) == ["0", "1", "2", "3"]
    assert names["clean"]["label"] == [1, 2, 3]


def test_torch(photos):
    assert len(run("PyTorch")["photos"]) == len(photos)
    assert stored("torch", photos) == ["0", "1", "2", "3"]


def test_lmdb(photos):
    lmdb = pytest.importorskip("lmdb")
    with (
        contextlib.closing(lmdb.open("photos.lmdb")) as database,
        database.begin(write=True) as put,
    ):
        for file in photos:
            put.put(file.stem.encode(), file.read_bytes())
    run("LMDB")
    assert stored("lmdb", photos) == ["0", "1", "2", "3"]


def test_hdf5(photos):
    h5py = pytest.importorskip("h5py")
    with h5py.File("photos.h5", "w") as file:
        file["images"] = np.stack([scene(seed) for seed in SEEDS])
    run("HDF5")
    assert stored("hdf5", photos) == ["0", "1", "2", "3"]

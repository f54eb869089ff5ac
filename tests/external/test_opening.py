"""Streams say how many rows each split has, whatever they are made of."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.errors import UsageError
from fastphash.external import streams
from fastphash.external.opening import open_streams
from tests.support.stores import write_store

SPLITS = ["train", "val", "train", "train", "test"] * 3


def write_table(path, splits, row_group_size=4):
    rows = np.arange(len(splits), dtype=np.uint64)
    table = pa.table({"path": rows.astype(str), "split": splits, "phash": rows})
    pq.write_table(table, path, row_group_size=row_group_size)
    return str(path)


@pytest.mark.parametrize("encode", [False, True])
@pytest.mark.parametrize("split", [None, "train"])
def test_of_a_file(tmp_path, monkeypatch, encode, split):
    monkeypatch.setattr(streams, "BATCH_ROWS", 5)
    column = pa.array(SPLITS)
    path = write_table(tmp_path / "a.parquet", column.dictionary_encode() if encode else column)
    wanted = {name: n for name, n in Counter(SPLITS).items() if split in (None, name)}
    target = path if split is None else f"{path}@{split}"
    assert open_streams([target], {}, None).count_splits() == wanted


def test_of_a_file_without_splits(tmp_path):
    table = pa.table({"path": ["x", "y"], "phash": pa.array([1, 2], pa.uint64())})
    pq.write_table(table, tmp_path / "photos.parquet")
    pq.write_table(table.slice(2), tmp_path / "none.parquet")
    assert open_streams([str(tmp_path / "photos.parquet")], {}, None).count_splits() == {
        "photos": 2
    }
    assert open_streams([str(tmp_path / "none.parquet")], {}, None).count_splits() == {}


def test_of_several_files(tmp_path):
    one = write_table(tmp_path / "a.parquet", ["train", "val", "val"])
    other = write_table(tmp_path / "b.parquet", ["test"])
    assert open_streams([one, other], {}, None).count_splits() == {"train": 1, "val": 2, "test": 1}
    again = write_table(tmp_path / "c.parquet", ["more", "val"])
    with pytest.raises(UsageError, match="have a split 'val'"):
        open_streams([one, again], {}, None)


@pytest.mark.parametrize("split", [None, "train"])
def test_of_a_store(tmp_path, split):
    pieces = [SPLITS[:4], SPLITS[4:], ["train"]]
    write_store(tmp_path / "s", *({"path": [*map(str, range(len(p)))], "split": p} for p in pieces))
    target = str(tmp_path / "s") if split is None else f"{tmp_path / 's'}@{split}"
    wanted = Counter(name for piece in pieces for name in piece if split in (None, name))
    assert open_streams([target], {}, None).count_splits() == wanted

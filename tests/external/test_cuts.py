"""Chunks that are cut out of streams, pickled and read elsewhere."""

import os
import pickle
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.errors import StoreError, UsageError
from fastphash.external import streams
from fastphash.external.file_stream import FileStream
from fastphash.external.opening import open_or_read, open_streams
from fastphash.external.several_streams import SeveralStreams
from fastphash.external.store_stream import StoreStream
from fastphash.external.table_stream import TableStream, stream_of
from fastphash.hashing.definition import Definition
from fastphash.store.open import read_hashes
from tests.support.cluster import table_of
from tests.support.examples import slow_but
from tests.support.stores import hashes, write_hashes, write_store

NAMES = Definition().columns


def columns_of(rows, seed, split):
    named = {name: hashes(rows, seed + t) for t, name in enumerate(NAMES)}
    return {"path": [f"{seed}-{row}.jpg" for row in range(rows)], "split": split, **named}


@pytest.fixture
def store(tmp_path):
    write_store(
        tmp_path / "store",
        columns_of(5, 10, ["a"] * 5),
        columns_of(6, 20, ["a", "b"] * 3),
        columns_of(4, 30, ["b"] * 4),
    )
    return tmp_path / "store"


@pytest.fixture(params=[1, 6, 11, 1000])
def batch_rows(request, monkeypatch):
    monkeypatch.setattr(streams, "BATCH_ROWS", request.param)
    return request.param


def read_cuts(stream, orientations=None, elsewhere=None):
    """All hashes (n, orientations) of a stream, by cuts that another folder reads."""
    orientations = stream.known if orientations is None else orientations
    cuts = [pickle.dumps(stream.cut(chunk)) for chunk in stream.chunks()]
    here = os.getcwd()
    if elsewhere:
        os.chdir(elsewhere)
    try:
        pieces, row = [np.empty((0, len(orientations)), np.uint64)], 0
        for cut in map(pickle.loads, cuts):
            for first, columns in cut.read(orientations):
                assert first == row
                pieces.append(np.stack(columns, axis=1))
                row += len(pieces[-1])
    finally:
        os.chdir(here)
    return np.concatenate(pieces)


def expected(target, orientations):
    return read_hashes(target).hashes[:, list(orientations)]


@pytest.mark.usefixtures("batch_rows")
@pytest.mark.parametrize("split", slow_but(["@b"], ["", "@a", "@b"]))
def test_cuts_of_a_store(store, split, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    stream = open_or_read([f"store{split}"], {}, None)
    assert isinstance(stream, StoreStream)
    (tmp_path / "other").mkdir()
    for orientations in (range(8), (3, 0)):
        found = read_cuts(stream, orientations, tmp_path / "other")
        np.testing.assert_array_equal(found, expected(f"store{split}", orientations))


@pytest.mark.usefixtures("batch_rows")
@pytest.mark.parametrize("split", slow_but(["@b"], ["", "@a", "@b"]))
def test_cuts_of_rows_in_memory_name_the_parts_of_their_store(store, split, tmp_path):
    rows = read_hashes(f"{store}{split}")
    for some in (rows, rows.take(np.arange(0, len(rows), 2))):
        stream = stream_of(some)
        assert len(stream) == len(some)
        np.testing.assert_array_equal(read_cuts(stream, range(8), tmp_path), some.hashes)
        assert all(len(pickle.dumps(stream.cut(chunk))) < 4000 for chunk in stream.chunks())
    backwards = rows.take(np.arange(len(rows))[::-1])
    np.testing.assert_array_equal(read_cuts(stream_of(backwards)), backwards.hashes)


def test_cuts_of_rows_without_a_file_have_their_hashes():
    rows = table_of(np.random.default_rng(1).integers(0, 2**64, (10, 8), np.uint64))
    for batch_rows in (1, 3, 10, 11):
        stream = TableStream(rows, batch_rows)
        assert len(stream.chunks()) == -(-10 // batch_rows)
        np.testing.assert_array_equal(read_cuts(stream), rows.hashes)
        read = [batch for c in stream.chunks() for batch in stream.read(c, (4,))]
        np.testing.assert_array_equal(
            np.concatenate([b.columns[0] for b in read]), rows.hashes[:, 4]
        )
    # a slice of a long column doesn't travel with all of it
    long = TableStream(table_of(hashes(10_000)), 10)
    assert len(pickle.dumps(long.cut(long.chunks()[3]))) < 2000
    assert not TableStream(table_of(np.empty(0, np.uint64))).chunks()


def test_equal_hashes_have_equal_keys():
    one, other = table_of(hashes(9)), table_of(hashes(9, 1))
    assert TableStream(one).key == TableStream(one, 2).key != TableStream(other).key


@pytest.mark.usefixtures("batch_rows")
def test_cuts_of_a_parquet_file(tmp_path, monkeypatch):
    table = pa.table({"path": [f"{i}" for i in range(10)], "phash": hashes(10)})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=3)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    rows = read_hashes("x.parquet")
    for stream in (open_or_read(["x.parquet"], {}, None), stream_of(rows)):
        assert isinstance(stream, FileStream)
        np.testing.assert_array_equal(read_cuts(stream, (0,), tmp_path / "other"), rows.hashes)


def test_another_machine_has_other_numbers_for_the_same_file(tmp_path):
    """And of a shared disk the size and time."""
    path = write_hashes(tmp_path / "x.parquet", path=["a", "b"], phash=hashes(2))
    stream = open_or_read([str(path)], {}, None)
    cut = pickle.dumps(stream.cut(*stream.chunks()))
    other = tmp_path / "other.parquet"
    shutil.copy2(path, other)
    other.replace(path)
    (batch,) = pickle.loads(cut).read((0,))
    np.testing.assert_array_equal(batch.columns[0], hashes(2))
    for change in (lambda: os.utime(path, (1, 1)), path.unlink):
        change()
        with pytest.raises(StoreError, match=r"x\.parquet( was replaced|: No such file)"):
            list(pickle.loads(cut).read((0,)))


@pytest.mark.usefixtures("batch_rows")
def test_cuts_of_several(store, tmp_path):
    write_store(tmp_path / "other", columns_of(4, 50, ["c"] * 4))
    both = SeveralStreams(
        [open_streams([f"{store}@b"], {}, None), open_streams([str(tmp_path / "other")], {}, None)]
    )
    found = read_cuts(both, range(8))
    whole = np.concatenate(
        [read_hashes(f"{store}@b").hashes, read_hashes(str(tmp_path / "other")).hashes]
    )
    np.testing.assert_array_equal(found, whole)


def test_tables_that_no_stream_reads_are_read_at_once(tmp_path):
    (tmp_path / "x.csv").write_text("path,phash\na,00000000000000ff\nb,8000000000000000\n")
    texts = write_hashes(
        tmp_path / "x.parquet", path=["a", "b"], phash=["00000000000000ff", "0" * 16]
    )
    for path in (tmp_path / "x.csv", texts):
        stream = open_or_read([str(path)], {}, None)
        assert isinstance(stream, TableStream)
        np.testing.assert_array_equal(read_cuts(stream), read_hashes(str(path)).hashes)
        assert stream.take(np.array([1])).table["path"].to_pylist() == ["b"]
        assert stream.narrow(["split", "width"]).table.column_names == ["split"]
    with pytest.raises(UsageError, match="no split 'y'"):
        open_or_read([f"{texts}@y"], {}, None)


def test_columns_of_other_names_and_one_split_of_a_file(tmp_path):
    path = write_hashes(tmp_path / "y.parquet", file=["a", "b"], h=hashes(2), split=["s", "t"])
    names = {"path": "file", "phash": "h"}
    stream = open_or_read([f"{path}@t"], names, None)
    np.testing.assert_array_equal(read_cuts(stream), hashes(2)[1:, None])


def test_orientations_that_some_rows_lack_are_left_out(tmp_path):
    hashes_of_t = {"phash_rotate_180": hashes(2, 1), "phash_transpose": [1, None]}
    path = write_hashes(tmp_path / "x.parquet", path=["a", "b"], phash=hashes(2), **hashes_of_t)
    table = read_hashes(str(path))
    for stream in (open_or_read([str(path)], {}, None), stream_of(table), TableStream(table)):
        assert stream.known == (0, 2)
        np.testing.assert_array_equal(read_cuts(stream), table.hashes[:, [0, 2]])

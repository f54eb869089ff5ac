import itertools
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.errors import StoreError
from fastphash.files import atomic, parquet, table_formats


@pytest.fixture
def table():
    rng = np.random.default_rng(1)
    n = 20_000
    return pa.table(
        {
            "split": pa.array(rng.choice(["train", "val", "test"], n)).dictionary_encode(),
            "path": [f"{i}.png" for i in rng.integers(0, n, n)],
            "phash": rng.integers(0, 2**64, n, np.uint64),
        }
    )


def names(folder):
    return sorted(os.listdir(folder))


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "x"
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(b"new")
        assert not path.exists()
        assert temporary.name.startswith("_")
        assert temporary.parent == tmp_path
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_file_that_fails_leaves_the_old_one_and_nothing_else(tmp_path, error):
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def fail_halfway():
        with atomic.replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        fail_halfway()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call):
    def fail(*_):
        raise OSError(5, "Input/output error")

    path = tmp_path / "x"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="Input/output"), atomic.replacing(path) as temporary:
        temporary.write_bytes(b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


def test_pieces_that_fail_leave_no_file(tmp_path, table):
    def pieces():
        yield table
        raise StoreError("a damaged part")

    with pytest.raises(StoreError, match="a damaged part"):
        parquet.write_tables(tmp_path / "x.parquet", table.schema, pieces(), count_by="split")
    assert names(tmp_path) == []


def test_leftovers_of_a_killed_run_are_removed_and_nothing_else(tmp_path):
    ours = ["_part-000000.parquet.fastphash.tmp", "__manifest.json.1.fastphash.tmp"]
    others = ["__manifest.json.tmp", "_manifest.json", "_notes.tmp", "a.tmp"]
    for name in ours + others:
        (tmp_path / name).touch()
    atomic.remove_leftovers(tmp_path)
    assert names(tmp_path) == others


def test_a_table_is_read_as_it_was_written(tmp_path, table):
    path = tmp_path / "x.parquet"
    parquet.write_table(path, table)
    assert parquet.read_table(path).equals(table)
    assert parquet.read_table(path, ["phash"]).column_names == ["phash"]
    assert parquet.read_schema(path).equals(table.schema)


_COUNT_THREADS = """
import os, sys
from pathlib import Path
from fastphash.files import parquet
def threads():
    return len(os.listdir("/proc/self/task"))
before = threads()
table = parquet.read_table(Path(sys.argv[1]))
parquet.write_table(Path(sys.argv[2]), table)
print(threads() - before)
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted in /proc")
def test_no_thread_is_left_that_could_abort_the_end_of_the_process(tmp_path, table):
    path = tmp_path / "x.parquet"
    parquet.write_table(path, table)
    command = [sys.executable, "-c", _COUNT_THREADS, path, tmp_path / "y.parquet"]
    assert subprocess.check_output(command, text=True) == "0\n"


def test_pieces_are_counted_as_they_are_written(tmp_path, table):
    path = tmp_path / "x.parquet"
    pieces = [table.slice(0, 7), table.slice(7, 0), table.slice(7)]
    counts = parquet.write_tables(path, table.schema, iter(pieces), count_by="split")
    values, numbers = np.unique(table["split"].to_pylist(), return_counts=True)
    assert counts == dict(zip(values.tolist(), numbers.tolist(), strict=True))
    assert parquet.read_table(path).equals(table)


def test_no_pieces_are_an_empty_table(tmp_path, table):
    path = tmp_path / "x.parquet"
    assert parquet.write_tables(path, table.schema, [], count_by="split") == {}
    assert parquet.read_table(path).equals(table.schema.empty_table())


def test_nulls_are_not_counted():
    column = pa.chunked_array([pa.array(["b", None, "a"]), pa.array(["b"])])
    assert list(parquet.count_values(column).items()) == [("b", 2), ("a", 1)]


def test_names_are_counted_as_they_are_stored():
    """As texts, one for each row, these would take more than a column of texts can hold."""
    long = "x" * (1 << 20)
    rows = pa.array(np.zeros(2100, np.int32))
    chunks = [pa.DictionaryArray.from_arrays(rows, pa.array(names)) for names in ([long], ["y"])]
    assert parquet.count_values(pa.chunked_array(chunks)) == {long: 2100, "y": 2100}


def encoded_anew(piece):
    """The same rows, with a dictionary of their own."""
    split = piece["split"].cast(pa.string()).combine_chunks().dictionary_encode()
    return piece.set_column(0, "split", split)


@pytest.mark.parametrize("cuts", [[1], [8191], [8192], [8193, 8194], [5000, 10_000, 15_000]])
@pytest.mark.parametrize("change", [lambda piece: piece, encoded_anew], ids=["cut", "encoded anew"])
def test_equal_rows_are_equal_bytes_however_they_are_cut(
    tmp_path, table, cuts, change, monkeypatch
):
    monkeypatch.setattr(parquet, "LONG_ROW_GROUP", parquet.ROW_GROUP)
    parquet.write_table(tmp_path / "whole", table)
    ends = [0, *cuts, table.num_rows]
    pieces = [change(table.slice(a, b - a)) for a, b in itertools.pairwise(ends)]
    parquet.write_tables(tmp_path / "pieces", table.schema, pieces, count_by="split")
    assert (tmp_path / "pieces").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_table_of_any_length_has_few_row_groups(tmp_path):
    # the writer keeps what it knows of each until the end
    rows = parquet.LONG_ROW_GROUP + 1
    table = pa.table({"kind": pa.array(["near"] * rows).dictionary_encode()})
    pieces = (table.slice(start, 10_000) for start in range(0, rows, 10_000))
    parquet.write_tables(tmp_path / "x", table.schema, pieces, count_by="kind")
    table_formats.write_tables(tmp_path / "y.parquet", table.schema, [table], count_by="kind")
    for name in ("x", "y.parquet"):
        metadata = pq.read_metadata(tmp_path / name)
        counts = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        assert counts == [parquet.LONG_ROW_GROUP, 1]


def test_a_flipped_bit_in_any_page_is_found(tmp_path, table):
    path = tmp_path / "x.parquet"
    parquet.write_table(path, table)
    sound = path.read_bytes()
    group = pq.read_metadata(path).row_group(1)
    for i in range(group.num_columns):
        column = group.column(i)
        size = column.total_compressed_size
        for place in np.linspace(column.data_page_offset + size // 2, size, 5).astype(int):
            data = bytearray(sound)
            data[place] ^= 1 << (place % 8)
            path.write_bytes(data)
            with pytest.raises(StoreError, match=str(path)):
                parquet.read_table(path)


@pytest.mark.parametrize("data", [b"", b"no Parquet", b"PAR1" + bytes(40) + b"PAR1"])
def test_a_file_that_is_not_parquet_is_named_in_one_line(tmp_path, data):
    path = tmp_path / "x.parquet"
    path.write_bytes(data)
    for read in (parquet.read_table, parquet.read_schema):
        with pytest.raises(StoreError, match=str(path)) as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    for read in (parquet.read_table, parquet.read_schema, atomic.read_json):
        with pytest.raises(StoreError, match=str(tmp_path / "x")):
            read(tmp_path / "x")


def test_json_keeps_names_that_are_not_utf8(tmp_path):
    value = {"b": "\udcff", "a": [1, None, "é"]}
    atomic.write_json(tmp_path / "x.json", value)
    assert atomic.read_json(tmp_path / "x.json") == value
    assert (tmp_path / "x.json").read_bytes().isascii()


@pytest.mark.parametrize(
    "value", [[], [1], [{}, []], [{"b": "\udcff\n  ", "a": ["x", {"c": []}]}, None, "é"]]
)
def test_an_array_is_written_element_by_element_as_it_is_at_once(tmp_path, value):
    atomic.write_json(tmp_path / "whole.json", value)
    assert atomic.write_json_array(tmp_path / "x.json", iter(value)) == len(value)
    assert (tmp_path / "x.json").read_bytes() == (tmp_path / "whole.json").read_bytes()


def test_an_array_that_is_not_finished_is_no_file(tmp_path):
    def elements():
        yield {"a": 1}
        assert not (tmp_path / "x.json").exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic.write_json_array(tmp_path / "x.json", elements())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"{", b"\xff"])
def test_a_file_that_is_not_json_is_named_in_one_line(tmp_path, data):
    path = tmp_path / "x.json"
    path.write_bytes(data)
    with pytest.raises(StoreError, match="not JSON") as caught:
        atomic.read_json(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)

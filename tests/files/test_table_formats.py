import csv
import json
import math
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.errors import StoreError, UsageError
from fastphash.files import parquet
from fastphash.files.table_formats import (
    ENDINGS,
    format_of,
    read_batches,
    read_column_names,
    read_columns,
    write_table,
    write_tables,
)

NAMES = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-rf.png",
    "@SUM(A1)",
    "\tx",
    "\r=1",
    "\n=1",
    "'quoted",
    "''",
    'a,"b".png',
    "two\nlines",
    "\N{FULLWIDTH EQUALS SIGN}1",
    "plain.png",
    "",
    "\u202egnp.exe",
    "caf\ufffd",
]


def read_csv(path):
    """Rows of a file of ours: dicts; an apostrophe in front was put there."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: text.removeprefix("'") for name, text in row.items()} for row in rows]


def read_lines(path):
    return [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]


def table(names=NAMES):
    rows = len(names)
    return pa.table(
        {
            "split": pa.array(["train"] * rows).dictionary_encode(),
            "path": pa.array(names, pa.string()),
            "phash": pa.array([2**64 - 1 - i for i in range(rows)], pa.uint64()),
            "distance": pa.array([None, *range(1, rows)], pa.uint8()),
            "score": pa.array([0.9, math.nan, *[0.25] * (rows - 2)][:rows], pa.float32()),
            "path_bytes": pa.array([b"\xff\n", *[None] * (rows - 1)], pa.binary()),
            "digest": pa.array([bytes(16)] * rows, pa.binary(16)),
            "confirmed": pa.array([True] * rows),
        }
    )


def test_csv_holds_every_name_and_no_formula(tmp_path):
    path = tmp_path / "t.csv"
    write_table(path, table())
    rows = read_csv(path)
    assert [row["path"] for row in rows] == NAMES
    with open(path, encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r\n＝＋－＠")]  # noqa: RUF001
    first = rows[0]
    assert first["phash"] == "ffffffffffffffff"
    assert first["path_bytes"] == "ff0a"
    assert first["digest"] == "00" * 16
    assert (first["score"], rows[1]["score"]) == ("0.9", "")
    assert (first["distance"], rows[1]["distance"]) == ("", "1")


def test_json_lines_hold_the_same(tmp_path):
    path = tmp_path / "t.jsonl"
    write_table(path, table())
    rows = read_lines(path)
    assert path.read_text().isascii()
    assert [row["path"] for row in rows] == NAMES
    assert rows[0] == {
        "split": "train",
        "path": NAMES[0],
        "phash": "ffffffffffffffff",
        "distance": None,
        "score": 0.9,
        "path_bytes": "ff0a",
        "digest": "00" * 16,
        "confirmed": True,
    }
    assert rows[1]["score"] is None


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=9))
def test_any_text_comes_back(tmp_path_factory, names):
    folder = tmp_path_factory.getbasetemp()
    names = [name.replace("\0", "") for name in names]
    for ending, read in ((".csv", read_csv), (".jsonl", read_lines)):
        write_table(folder / f"any{ending}", table(names))
        assert [row["path"] for row in read(folder / f"any{ending}")] == names


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("rows", [0, 1, 20_000])
def test_pieces_make_the_same_file_as_a_whole(tmp_path, ending, rows):
    whole = pa.table(
        {
            "kind": pa.array(["near", "exact"] * (rows // 2) + ["near"] * (rows % 2), pa.string()),
            "distance": pa.array(np.arange(rows) % 7, pa.uint8()),
        }
    )
    write_tables(tmp_path / f"a{ending}", whole.schema, [whole], count_by="kind")
    pieces = [whole.slice(start, 777) for start in range(0, rows, 777)]
    # pieces and chunks without rows come first
    pieces = [whole.slice(0, 0), *(pa.concat_tables([whole.slice(0, 0), one]) for one in pieces)]
    counts = write_tables(tmp_path / f"b{ending}", whole.schema, pieces, count_by="kind")
    assert sum(counts.values()) == rows
    assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()
    if ENDINGS[ending] == "csv":
        lines = (tmp_path / "a.csv").read_text().splitlines()
        assert lines[0] == '"kind","distance"'
        assert len(lines) == rows + 1
    elif ENDINGS[ending] == "json":
        assert len(read_lines(tmp_path / f"a{ending}")) == rows
    else:
        assert parquet.read_table(tmp_path / f"a{ending}").equals(whole)


def test_nothing_is_left_of_a_file_that_could_not_be_written(tmp_path):
    def pieces():
        yield pa.table({"kind": ["near"]})
        raise KeyboardInterrupt

    schema = pa.schema([("kind", pa.string())])
    for ending in ENDINGS:
        with pytest.raises(KeyboardInterrupt):
            write_tables(tmp_path / f"x{ending}", schema, pieces(), count_by="kind")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "wanted", "form"),
    [
        ("a.csv", None, "csv"),
        ("A.CSV", None, "csv"),
        ("a.b.parquet", None, "parquet"),
        ("a.jsonl", None, "json"),
        ("a.json", "json", "json"),
        ("a", None, "parquet"),
        ("a", "csv", "csv"),
        ("a.txt", "csv", "csv"),
        (".csv", None, "parquet"),
    ],
)
def test_the_ending_says_the_format(name, wanted, form):
    assert format_of(Path(name), wanted) == form


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a.xlsx", None),
        ("a.tsv", None),
        ("a.parquet.gz", None),
        ("a.csv", "json"),
        ("a.json", "csv"),
    ],
)
def test_other_endings_are_refused_by_name(name, wanted):
    with pytest.raises(UsageError, match=name.replace(".", r"\.")) as caught:
        format_of(Path(name), wanted)
    if wanted is None:
        for ending in ENDINGS:
            assert ending in str(caught.value)


@pytest.mark.parametrize("ending", ENDINGS)
def test_columns_are_read_from_each_format(tmp_path, ending):
    path = tmp_path / f"t{ending}"
    plain = table(["a.png", "1.png", "caf\ufffd"])
    write_table(path, plain)
    assert set(read_column_names(path)) == set(plain.column_names)
    read = read_columns(path, {"path", "distance", "gone"}, {"path"})
    assert sorted(read.column_names) == ["distance", "path"]
    assert read["path"].cast(pa.binary()).to_pylist() == plain["path"].cast(pa.binary()).to_pylist()
    assert read["distance"].to_pylist() == [None, 1, 2]


def test_bytes_and_numbers_are_names_where_a_csv_has_them(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"path\n\xff.png\n007\n")
    assert read_columns(path, ["path"], ["path"])["path"].to_pylist() == [b"\xff.png", b"007"]


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_columns_of_one_name_are_an_error_where_they_are_read(tmp_path, ending):
    path, names = tmp_path / f"t{ending}", ["path", "path", "note", "note", "score"]
    columns = [pa.array([name]) for name in names]
    write_table(path, pa.Table.from_arrays(columns, names))
    assert read_columns(path, ["score"]).to_pylist() == [{"score": "score"}]
    with pytest.raises(UsageError, match=rf"t\{ending}' has several columns 'path'$"):
        read_columns(path, ["path", "score"])
    with pytest.raises(UsageError, match=r"has several columns 'path' and 'note'$"):
        read_columns(path, ["path", "note"])


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".jsonl"])
@pytest.mark.parametrize("content", [b"", b'{"a": [1\n', None])
def test_columns_of_what_is_no_table(tmp_path, ending, content):
    path = tmp_path / f"t{ending}"
    if content is not None:
        path.write_bytes(content)
    if content and ending == ".csv":
        assert read_columns(path, ["path"]).column_names == []
        return
    with pytest.raises(StoreError, match=r"t\..*: "):
        read_columns(path, ["path"])


@pytest.mark.parametrize(
    ("ending", "content", "said"),
    [
        (".csv", b"", "it is empty: a table begins with a line of the names of its columns"),
        (".csv", b"a,b\n1,2\n1,2,3\n", "line 3 has 3 cells and the first one 2: '1,2,3'"),
        (".csv", b'a,b\n"x\ny",2\n\xff\n', r"line 4 has 1 cell and the first one 2: '\\xff'"),
        (".csv", b"a,b\n" + b"1,2\n" * 300_000 + b"1\n", "line 300,002 has 1 cell"),
        (".jsonl", b"", "it is empty: each line of JSON lines is an object"),
        (".jsonl", b'{"a":1}\n\n{"a":\n', """line 3 is no object of JSON: '{"a":'"""),
        (".jsonl", b'{"a":1}\n{"a":"x"}\n', "line 2: 'a' is text, and a number before: 'x'"),
        (".jsonl", b"[1]\n", r"line 1 is no object of JSON: '[1]'"),
    ],
)
def test_the_line_that_is_wrong_is_named(tmp_path, ending, content, said):
    path = tmp_path / f"t{ending}"
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        for _ in read_batches(path, read_column_names(path)):
            pass
    assert str(caught.value).startswith(f"{path}: {said}")
    with pytest.raises(StoreError, match=re.escape(said)):
        read_columns(path, ["a"])

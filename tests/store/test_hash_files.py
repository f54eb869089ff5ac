"""Tables of hashes as other programs write them, read and made stores."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash import to_hex
from fastphash.errors import DefinitionError, StoreError
from fastphash.hashing.definition import FOREIGN, parse_definition
from fastphash.store import imports
from fastphash.store.hash_files import IMAGEDEDUP, HashDecoder
from fastphash.store.imports import import_hashes
from fastphash.store.open import (
    check_comparable,
    read_hashes,
    read_rejected,
    read_together,
)
from fastphash.store.store import open_store
from tests.support.command_line import FAILED, USAGE, error_of, run
from tests.support.stores import read_store

UNREAD = "is no hash of 64 bits, or not written as the first one of its column"
WORDS = st.lists(st.none() | st.integers(0, 2**64 - 1), max_size=9)
COLUMNS = {"path": "url", "phash": "image_phash"}


def octets(word):
    return None if word is None else word.to_bytes(8)


def digits(word):
    return None if word is None else to_hex(word)


def signed(word):
    return None if word is None else word - (word >> 63 << 64)


FORMS = {
    "uint64": lambda words: pa.array(words, pa.uint64()),
    "two's complement": lambda words: pa.array(map(signed, words), pa.int64()),
    "hex": lambda words: pa.array(map(digits, words), pa.string()),
    "large hex": lambda words: pa.array(map(digits, words), pa.large_string()),
    "a view of hex": lambda words: pa.array(map(digits, words), pa.string_view()),
    "a view of bytes": lambda words: pa.array(map(octets, words), pa.binary_view()),
    "repeated hex": lambda words: pa.array(map(digits, words), pa.string()).dictionary_encode(),
    "capitals": lambda words: pa.array([w and w.upper() for w in map(digits, words)], pa.binary()),
    "eight bytes": lambda words: pa.array(map(octets, words), pa.binary(8)),
    "bytes": lambda words: pa.array(map(octets, words), pa.binary()),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(words=WORDS, cut=st.integers(0, 9))
def test_hashes_of_every_form_are_read_in_any_pieces(form, words, cut):
    decoder, column = HashDecoder(), form(words)
    pieces = [column.slice(0, cut), column.slice(cut)]
    read = [decoder.decode(pa.chunked_array([piece])).combine_chunks() for piece in pieces]
    assert pa.concat_arrays(read).to_pylist() == words


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["0123456789abcdef", "0123456789abcdeg", "12", None],
         [0x123456789ABCDEF, None, None, None]),
        (["", "5", "18446744073709551615", "-1", "18446744073709551616", "1.5"],
         [None, 5, 2**64 - 1, 2**64 - 1, None, None]),
        (["1234567890123456", "17"], [0x1234567890123456, None]),
        ([b"12345678", b"123"], [int.from_bytes(b"12345678"), None]),
        ([b"1234567", b"12345678"], [None, int.from_bytes(b"12345678")]),
        (["12345678", "1234567"], [12345678, 1234567]),
        ([b"0123456789abcdef", b"12345678"], [0x123456789ABCDEF, None]),
        (pa.array([1, -1], pa.int32()), [1, None]),
        (pa.nulls(2), [None, None]),
    ],
)  # fmt: skip
def test_what_is_no_hash_is_null_and_one_column_has_one_form(values, read):
    assert HashDecoder().decode(pa.chunked_array([values])).to_pylist() == read


@pytest.fixture
def coyo(tmp_path):
    """A table with hex digits under other names, two of them no hashes."""
    table = pa.table(
        {
            "path": [0.5] * 4,
            "url": ["a", "b", "c", "d"],
            "image_phash": ["0" * 16, None, "f" * 15, "f" * 16],
        }
    )
    pq.write_table(table, tmp_path / "coyo.parquet")
    pq.write_table(table.take([0, 3]), tmp_path / "good.parquet")
    return tmp_path


def test_columns_have_the_names_that_are_said(coyo):
    rows = read_hashes(str(coyo / "good.parquet"), columns=COLUMNS)
    assert rows.table["path"].to_pylist() == ["a", "d"]
    assert rows.hashes[:, 0].tolist() == [0, 2**64 - 1]
    assert rows.definition == FOREIGN
    with pytest.raises(StoreError, match="no column 'nope', which `columns` names as path: it has"):
        read_hashes(str(coyo / "good.parquet"), columns={"path": "nope"})
    with pytest.raises(StoreError, match=r"'phash', row 2: without a value: `fastphash convert`"):
        read_hashes(str(coyo / "coyo.parquet"), columns=COLUMNS)


def test_rows_without_a_hash_are_rejected_by_convert(coyo, monkeypatch):
    monkeypatch.setattr(imports, "_PART_ROWS", 1)
    words = ("--columns", "path=url,phash=image_phash", "--as", "foreign:coyo")
    table = pq.read_table(coyo / "coyo.parquet")
    views = table.set_column(2, "image_phash", table["image_phash"].cast(pa.string_view()))
    pq.write_table(views, coyo / "coyo.parquet")
    done = run("convert", "coyo.parquet", "store", *words, cwd=coyo)
    assert done.stdout == "2 images to store, hashes foreign, called coyo\n"
    assert done.stderr.splitlines()[-1].startswith("2 rows without a hash: fastphash info store")
    assert read_store(coyo / "store")["path"].to_pylist() == ["a", "d"]
    rejected = open_store(coyo / "store").rejected()
    assert rejected.select(["path", "stage", "reason"]).to_pylist() == [
        {"path": "b", "stage": "read", "reason": "without a value"},
        {"path": "c", "stage": "read", "reason": f"'fffffffffffffff' {UNREAD}"},
    ]


def test_a_table_is_converted_some_rows_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(imports, "_PART_ROWS", 100_000)
    hashes = np.random.default_rng(1).integers(0, 2**64, 300_000, np.uint64, endpoint=False)
    names = [f"{i}" for i in range(hashes.size)]
    table = pa.table({"path": names, "phash": hashes, "split": ["x", "y"] * 150_000})
    pq.write_table(table, tmp_path / "all.parquet")
    seen = []
    done = import_hashes(
        tmp_path / "all.parquet", tmp_path / "s", progress=lambda *call: seen.append(call[1])
    )
    store = open_store(tmp_path / "s")
    assert done.rows == seen[-1] == 300_000
    assert len(store.parts) == len(seen) > 1
    assert list(store.roots) == ["x", "y"]
    assert read_store(tmp_path / "s")["phash"].to_numpy().tolist() == hashes.tolist()


def test_a_table_that_ends_in_a_bad_row_leaves_no_part(tmp_path, monkeypatch):
    monkeypatch.setattr(imports, "_PART_ROWS", 2)
    monkeypatch.setattr("fastphash.files.parquet.LONG_ROW_GROUP", 2)
    splits = pa.array(["x"] * 5 + [None])
    for column in (splits, splits.fill_null("x")):
        table = pa.table({"path": [*"abcdef"], "phash": range(6), "split": column})
        pq.write_table(table, tmp_path / "all.parquet")
        if column.null_count:
            with pytest.raises(StoreError, match="the first is row 6"):
                import_hashes(tmp_path / "all.parquet", tmp_path / "s")
            assert not [*(tmp_path / "s").glob("part-*")]
    assert import_hashes(tmp_path / "all.parquet", tmp_path / "s").rows == 6
    names = {part.name for part in open_store(tmp_path / "s").parts}
    assert {path.name for path in (tmp_path / "s").glob("*part-*")} == names


def test_csv_has_text_that_is_no_number(tmp_path):
    (tmp_path / "a.csv").write_text(
        "path,note,phash\n001,x,1234567812345678\n002,y,ffffffffffffffff\n"
    )
    (tmp_path / "b.jsonl").write_text('{"path": "001", "phash": "1234567812345678"}\n')
    run("join", "a.csv", "b.jsonl", "-o", "pairs.csv", cwd=tmp_path)
    assert '"a","001","b","001","unverified",0' in (tmp_path / "pairs.csv").read_text()
    rows = read_hashes(str(tmp_path / "a.csv"))
    assert rows.table["path"].to_pylist() == ["001", "002"]
    assert to_hex(rows.hashes[:, 0]) == ["1234567812345678", "f" * 16]
    (tmp_path / "a.csv").write_text("path,phash\n001,12345678\n002,7\n")
    assert read_hashes(str(tmp_path / "a.csv")).hashes[:, 0].tolist() == [12345678, 7]


def test_rows_without_a_path_are_rejected_by_their_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(imports, "_PART_ROWS", 1)
    table = pa.table({"path": ["a", None, "c", None], "phash": [b"12345678"] * 3 + [b"1234567"]})
    pq.write_table(table, tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("path,phash\na,1\n,2\n")
    for name, lost in (("a.parquet", ["row 2", "row 4"]), ("b.csv", ["row 2"])):
        run("convert", name, f"{name}.store", cwd=tmp_path)
        rejected = open_store(tmp_path / f"{name}.store").rejected()
        assert rejected["path"].to_pylist() == lost
        assert set(rejected["reason"].to_pylist()) == {"without a path"}
    with pytest.raises(StoreError, match=r"'path', row 2: without a value: `fastphash convert`"):
        read_hashes(str(tmp_path / "a.parquet"))
    pq.write_table(table.slice(3).set_column(0, "path", [["d"]]), tmp_path / "c.parquet")
    done = run("join", "c.parquet", "b.csv", "-o", "p.csv", status=FAILED, cwd=tmp_path)
    assert "column 'phash', row 1: '1234567' is no hash of 64 bits" in error_of(done)


def test_an_image_that_imagededup_names_twice_costs_one_line(tmp_path):
    (tmp_path / "x.json").write_text('{"a": "%s", "b": "%s", "a": "%s"}' % (("0" * 16,) * 3))
    for words in (["convert", "x.json", "s"], ["group", "x.json", "-o", "g.csv"]):
        done = run(*words, status=FAILED, cwd=tmp_path)
        assert "x.json: 'a' is named 2 times; every image must be named once" in error_of(done)


def test_hashes_of_imagededup_join_only_one_another(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"x.jpg": "9fee256239984d71"}))
    run("join", "a.json", "b.json", "-o", "pairs.csv", cwd=tmp_path)
    run("convert", "b.json", "b", cwd=tmp_path)
    run("convert", "b.json", "ours", "--as", "imagehash", cwd=tmp_path)
    ours, theirs, store = (read_hashes(str(tmp_path / name)) for name in ("ours", "a.json", "b"))
    assert (
        theirs.definition
        == store.definition
        == IMAGEDEDUP
        == parse_definition("foreign:imagededup")
    )
    check_comparable(theirs, store)
    for other in (ours, read_hashes(str(tmp_path / "ours" / "part-000000.parquet"))):
        with pytest.raises(DefinitionError, match="foreign, called imagededup"):
            check_comparable(theirs, other)
    assert len(read_together([str(tmp_path / "a.json"), str(tmp_path / "b")])) == 2


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--columns", "phash"], USAGE, "'phash' names no column: write phash=COLUMN"),
        (["--columns", "size=x"], USAGE, "no column 'size' in a table of hashes: use path, split"),
        (["--columns", "path=url,phash=url"], USAGE, "column 'url' can't be both path and phash"),
        (["--columns", "path=a,path=b"], USAGE, "path is named twice"),
        (["--columns", "path=x"], FAILED, "no column 'x', which --columns names as path: it has"),
        ([], FAILED, "no column 'phash': a file of hashes has path and phash. Name"),
        (["--columns", "path=url,phash=path"], FAILED, "it holds double: hashes are whole numbers"),
    ],
)  # fmt: skip
def test_columns_that_are_not_there_cost_one_line(coyo, words, status, message):
    for command in (["group", "good.parquet", "-o", "g.csv"], ["convert", "good.parquet", "s"]):
        assert message in error_of(run(*command, *words, status=status, cwd=coyo))
        assert not (coyo / "s").exists()


@pytest.mark.parametrize("text", ["{}", '{"a": 5}', '{"a": "\\ud800"}', '{"\\ud800": "a"}', "{"])
def test_json_of_something_else_costs_one_line(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    done = run("convert", "x.json", "s", cwd=tmp_path, status=None)
    assert done.returncode == (0 if text == "{}" else FAILED)
    assert text == "{}" or "x.json" in error_of(done)


@pytest.fixture
def several(tmp_path):
    """A table of dhash and PDQ, with its quality; row b has no PDQ."""
    pdq = [bytes(range(32)), None, bytes(32)]
    columns = {"path": ["a", "b", "c"], "dhash": pa.array([1, 2, 3], pa.uint64()), "pdq": pdq}
    pq.write_table(pa.table(columns | {"pdq_quality": [100, 99, 0]}), tmp_path / "t.parquet")
    return tmp_path


def test_a_table_of_several_hashes_is_converted_to_a_store_of_several(several):
    done = run("convert", "t.parquet", "s", "--hash", "dhash, pdq", cwd=several)
    assert done.stdout.startswith("2 images to s, hashes dhash, foreign (")
    assert done.stdout.endswith("), pdq too\n")
    assert "1 row without a hash" in done.stderr
    assert "also has" not in done.stderr
    (row,) = read_rejected(str(several / "s")).to_pylist()
    assert (row["path"], row["reason"]) == ("b", "pdq: without a value")
    rows = read_hashes(str(several / "s"))
    assert rows.algorithms == ["dhash", "pdq"]
    assert rows.hashes.tolist() == [[1], [3]]
    pdq = rows.compared_by("pdq")
    assert pdq.table["pdq"].to_pylist() == [bytes(range(32)), bytes(32)]
    assert pdq.table["pdq_quality"].to_pylist() == [100, 0]


def test_what_convert_leaves_is_said(several):
    done = run("convert", "t.parquet", "one", cwd=several)
    assert "3 images to one, hashes dhash, foreign" in done.stdout
    assert done.stderr == "t.parquet also has pdq: --hash dhash,pdq takes all\n"
    assert not run("convert", "t.parquet", "other", "--hash", "dhash", cwd=several).stderr
    run("convert", "t.parquet", "s", "--hash", "pdq,dhash", cwd=several)
    done = run("convert", "s", "s.json", cwd=several)
    assert done.stdout == "2 entries to s.json, hashes pdq\n"
    assert done.stderr == "s also has dhash: --hash names another\n"
    assert not run("convert", "s", "d.json", "--hash", "dhash", cwd=several).stderr
    done = run("convert", "s.json", "again", "--hash", "pdq", cwd=several)
    assert not done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("t.parquet", "x", "--hash", "dhash,ahash"), "no hash 'ahash': it has dhash and pdq"),
        (("s", "s.json", "--hash", "pdq,dhash"), "s.json holds one hash of each image"),
        (("a.json", "x", "--hash", "pdq,dhash"), "a.json holds one hash of each image"),
        (("t.parquet", "x", "--hash", "dhash,pdq", "--as", "imagehash"), "pdq is made by pdqhash"),
    ],
)
def test_hashes_that_convert_can_not_take_are_refused(several, words, message):
    run("convert", "t.parquet", "s", "--hash", "pdq,dhash", cwd=several)
    (several / "a.json").write_text('{"a": "0123456789abcdef"}')
    assert message in error_of(run("convert", *words, cwd=several, status=USAGE))
    assert not (several / "x").exists()


def test_commands_that_compare_one_hash_refuse_several(several):
    words = ("group", "t.parquet", "-o", "g.parquet", "--hash", "dhash, pdq")
    done = run(*words, cwd=several, status=USAGE)
    assert "one hash is compared, not dhash and pdq: --hash names one" in error_of(done)

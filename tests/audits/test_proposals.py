"""Pairs and vectors that others propose, read from tables."""

import csv
import math
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.audits.proposals import (
    NEIGHBOURS,
    check_proposals,
    propose,
    read_proposals,
)
from fastphash.errors import UsageError
from fastphash.files.table_formats import write_table
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.results.audit_folder import HASHES, read_splits
from fastphash.verification.criteria import CopyCriteria
from tests.support.scenes import scenes, source

TRAIN, VAL = range(6), range(4, 10)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Train has 000.png to 005.png; val 004.png to 009.png, the first two as in train."""
    folder = tmp_path_factory.mktemp("splits")
    splits = [
        source(name, scenes(folder / name, seeds))
        for name, seeds in (("train", TRAIN), ("val", VAL))
    ]
    hash_into(folder / HASHES, splits, IngestOptions(workers=0))
    return read_splits(folder, ["train", "val"])


def names_of(rows, pairs):
    """Each pair as sorted names like train/000."""
    names = [
        f"{split}/{path.decode().removesuffix('.png')}"
        for split, path in zip(rows.splits, rows.paths.to_pylist(), strict=True)
    ]
    return [tuple(sorted((names[a], names[b]))) for a, b in pairs.tolist()]


def written(path, /, **columns):
    """The columns as a table in the format of the name."""
    if path.suffix == ".csv":
        with open(path, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(columns)
            table.writerows(zip(*columns.values(), strict=True))
    elif path.suffix == ".jsonl":
        write_table(path, pa.table(columns))
    else:
        pq.write_table(pa.table(columns), path)
    return path


SIDES = {
    "evaluation": ("split", "path", "other_split", "other_path"),
    "join": ("needle_split", "needle_path", "haystack_split", "haystack_path"),
}


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize("sides", SIDES)
def test_pairs_with_splits(rows, tmp_path, form, sides):
    values = (
        ["train", "val", "train", "train", "val"],
        ["000.png", "005.png", "000.png", "nowhere.png", "005.png"],
        ["val", "train", "val", "train", "val"],
        ["009.png", "001.png", "009.png", "001.png", "005.png"],
    )
    path = written(tmp_path / f"t.{form}", **dict(zip(SIDES[sides], values, strict=True)))
    check_proposals(path)
    found = read_proposals(path, rows)
    # a pair that comes again, one with itself, and one with a name that nothing has
    assert names_of(rows, found.pairs) == [("train/000", "val/009"), ("train/001", "val/005")]
    assert found[1:] == (5, 1, 0)


@pytest.mark.parametrize(
    ("column", "values", "first"),
    [
        ("score", [0.2, 0.9], "train/002"),
        ("distance", [2, 9], "train/001"),
        ("score", ["low", "high"], "train/001"),
        ("score", [math.nan, 0.1], "train/002"),
        ("other", [0.2, 0.9], "train/001"),
    ],
)
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_order(rows, tmp_path, column, values, first, form):
    path = written(
        tmp_path / f"t.{form}",
        path=["train/001.png", "train/002.png"],
        other_path=["val/006.png", "val/007.png"],
        **{column: values},
    )
    found = read_proposals(path, rows)
    assert names_of(rows, found.pairs)[0][0] == first


def test_names_without_splits(rows, tmp_path):
    root = rows.store.roots["val"]
    path = written(
        tmp_path / "t.csv",
        needle=["000.png", "val/004.png", os.path.join(root, "005.png"), "004.png"],
        haystack=["train/001.png", "001.png", "009.png", "train/000.png"],
    )
    found = read_proposals(path, rows)
    assert sorted(names_of(rows, found.pairs)) == [
        ("train/000", "train/001"),
        ("train/001", "val/004"),
        ("val/005", "val/009"),
    ]
    # 004.png is in both splits
    assert found.unknown == 1


def test_absolute_names_with_splits_and_types_of_text(rows, tmp_path):
    root = rows.store.roots["val"]
    path = written(
        tmp_path / "t.parquet",
        split=pa.array(["val"]).dictionary_encode(),
        path=pa.array([os.path.join(root, "005.png")], pa.large_string()),
        other_split=pa.array(["train"], pa.large_string()),
        other_path=pa.array(["?"]),
        other_path_bytes=pa.array([b"000.png"]),
    )
    found = read_proposals(path, rows)
    assert names_of(rows, found.pairs) == [("train/000", "val/005")]


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.float32()),
        pa.list_(pa.float64()),
        pa.list_(pa.float16()),
        pa.large_list(pa.float32()),
        pa.list_(pa.float32(), 3),
        pa.list_(pa.int8()),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["vector", "embedding"])
def test_vectors(rows, tmp_path, kind, name):
    vectors = np.array([[1, 0, 0], [0, 1, 0], [8, 1, 0], [0, 0, 1]], np.float16)
    path = written(
        tmp_path / "t.parquet",
        path=["train/000.png", "train/001.png", "val/009.png", "val/008.png"],
        **{name: pa.array(list(vectors), pa.list_(pa.float16())).cast(kind)},
    )
    check_proposals(path)
    found = read_proposals(path, rows)
    assert names_of(rows, found.pairs)[:2] == [("train/000", "val/009"), ("train/001", "val/009")]
    assert len(found.pairs) == 6
    assert found[1:] == (4, 0, 0)


def test_vectors_say_how_far_they_are(rows, tmp_path):
    names = [f"train/00{number}.png" for number in range(6)]
    vectors = pa.array(np.eye(6).tolist(), pa.list_(pa.float64()))
    path = written(tmp_path / "t.parquet", path=names, vector=vectors)
    told = []
    propose(path, rows, CopyCriteria(2), lambda *what: told.append(what))
    assert ("finding neighbours", 6, 6) in told
    (total,) = {total for stage, _, total in told if stage == "comparing proposed pairs"}
    assert total == len(read_proposals(path, rows).pairs) > 0


def test_bad_vectors_cost_themselves(rows, tmp_path):
    vectors = [[1, 0], [math.nan, 1], None, [0, 0], [1, 2, 3], [1, 1], [], [math.inf, 0], [1, None]]
    names = [f"train/00{i}.png" for i in range(6)] + [f"val/00{i}.png" for i in (6, 7, 8)]
    path = written(
        tmp_path / "t.parquet",
        path=[*names, "gone.png"],
        vector=pa.array([*vectors, [2, 2]], pa.list_(pa.float64())),
    )
    found = read_proposals(path, rows)
    assert names_of(rows, found.pairs) == [("train/000", "train/005")]
    assert found[1:] == (10, 1, 7)


def test_vectors_as_lines_of_json(rows, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text(
        "".join(
            f'{{"split": "val", "path": "00{i}.png", "embedding": [{i}, 1.5, -2.25]}}\n'
            for i in (7, 8)
        )
    )
    assert names_of(rows, read_proposals(path, rows).pairs) == [("val/007", "val/008")]


def test_files_of_the_same_bytes_take_no_places(tmp_path):
    """Twenty files of the same bytes count as one, so that the others are near one another."""
    folder = scenes(tmp_path / "all", range(3))
    for i in range(20):
        (folder / f"again{i}.png").write_bytes((folder / "000.png").read_bytes())
    hash_into(tmp_path / HASHES, [source("all", folder)], IngestOptions(workers=0))
    rows = read_splits(tmp_path, ["all"])
    names = [path.decode() for path in rows.paths.to_pylist()]
    near = {"001.png": [0.9, 0.1], "002.png": [0.1, 0.9]}
    path = written(
        tmp_path / "t.parquet", path=names, vector=[near.get(name, [1.0, 1.0]) for name in names]
    )
    found = read_proposals(path, rows)
    assert len(found.pairs) == 3 < NEIGHBOURS
    assert ("all/001", "all/002") in names_of(rows, found.pairs)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1], "b": [2]}, "has the columns 'a' and 'b': proposals are pairs"),
        ({"path": ["000.png"]}, "has the columns 'path': proposals are pairs"),
        ({"path": ["000.png"], "vector": ["[1]"]}, "column 'vector' holds string, not lists"),
        ({"path": ["000.png"], "vector": [["1"]]}, "not lists of numbers"),
        (
            {"path": ["000.png"], "split": [2.5], "vector": [[1.0]]},
            "columns 'path' and 'split' are no text",
        ),
        (
            {"path": ["000.png"], "split": [b"\xff"], "vector": [[1.0]]},
            "columns 'path' and 'split' are no text in UTF-8",
        ),
        ({"path": ["000.png"], "other_path": [["a"]]}, "column 'other_path' is no text"),
        ({"path": [1.5], "other_path": ["000.png"]}, "column 'path' is no text"),
    ],
)
def test_tables_that_can_not_be_used(rows, tmp_path, columns, message):
    path = written(tmp_path / "t.parquet", **columns)
    with pytest.raises(UsageError, match=message):
        check_proposals(path)
    with pytest.raises(UsageError, match=message):
        read_proposals(path, rows)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_vectors_as_text_are_refused_in_any_format(tmp_path, form):
    path = written(tmp_path / f"t.{form}", path=["000.png"], vector=["[1.0, 2.0]"])
    with pytest.raises(UsageError, match="column 'vector' holds string, not lists of numbers"):
        check_proposals(path)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_columns_of_one_name_are_refused(tmp_path, form):
    names = ["path", "path", "other_path"]
    table = pa.Table.from_arrays([pa.array(["000.png"])] * 3, names)
    path = tmp_path / f"t.{form}"
    write_table(path, table)
    with pytest.raises(UsageError, match="has several columns 'path'"):
        check_proposals(path)


@pytest.mark.parametrize(
    "columns", [{"vector": [[1.0], [2.0]]}, {"other_path": ["000.png", "y.png"]}]
)
def test_unknown_names_are_counted_even_where_all_are(rows, tmp_path, columns):
    path = written(tmp_path / "t.parquet", path=["x.png", "004.png"], **columns)
    check_proposals(path)
    found = read_proposals(path, rows)
    assert found.pairs.shape == (0, 2)
    assert (found.given, found.unknown) == (2, 2)


ODD = ["=1.png", "+1.png", "-1.png", "@1.png", "'1.png", "'=1.png", "\uff1d1.png", "''x", "\t.png"]


@pytest.mark.parametrize("splits", [["+a", "b"], ["a", "b"]])
def test_marks_of_our_own_csv_are_undone(tmp_path, splits):
    """An apostrophe stands before each name that a spreadsheet would take for a formula."""
    for split in splits:
        folder = scenes(tmp_path / "of" / split, range(len(ODD)))
        for old, new in zip(sorted(folder.iterdir()), ODD, strict=True):
            old.rename(folder / new)
    sources = [source(split, tmp_path / "of" / split) for split in splits]
    hash_into(tmp_path / HASHES, sources, IngestOptions(workers=0))
    rows = read_splits(tmp_path, splits)
    one, other = splits
    # a name that some image has as it is stands for itself
    names = [name for name in ODD if name not in {"=1.png", "'1.png"}]
    columns = {
        "split": [one] * len(names),
        "path": names,
        "other_split": [other] * len(names),
        "other_path": names,
    }
    for form in ("csv", "jsonl", "parquet"):
        write_table(tmp_path / f"t.{form}", pa.table(columns))
        found = read_proposals(tmp_path / f"t.{form}", rows)
        assert found.unknown == 0
        paths = rows.paths.to_pylist()
        named = [{paths[a].decode(), paths[b].decode()} for a, b in found.pairs.tolist()]
        assert named == [{name} for name in names]


def test_files_that_can_not_be_read(rows, tmp_path):
    with pytest.raises(UsageError, match=r"can't read .*No such file"):
        check_proposals(tmp_path / "gone.parquet")
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="can't read"):
        check_proposals(damaged)
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    with pytest.raises(UsageError, match="can't read"):
        check_proposals(empty)
    with pytest.raises(UsageError, match=r"'t\.txt' is no name of a table"):
        check_proposals(tmp_path / "t.txt")


@pytest.mark.parametrize("columns", [{"vector": pa.array([], pa.list_(pa.float32()))}, {}])
def test_an_empty_table_proposes_nothing(rows, tmp_path, columns):
    columns = columns or {"other_path": pa.array([], pa.string())}
    path = written(tmp_path / "t.parquet", path=pa.array([], pa.string()), **columns)
    assert read_proposals(path, rows).pairs.shape == (0, 2)

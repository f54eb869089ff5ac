"""Which copy stays, and the reason given."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.errors import UsageError
from fastphash.labels.levels import LEVEL, LISTED, UNKNOWN
from fastphash.results.priority import (
    is_for_evaluation,
    keep_in_first,
    keeper_reasons,
    order_splits,
    priority,
)
from tests.support.plain_tables import plain_priority, table
from tests.support.stores import hashes_of


def images(*rows):
    """Rows of (path, what differs from a JPEG of 100 x 100 in split s)."""
    usual = {"split": "s", "size": 5000, "width": 100, "height": 100, "format": "JPEG", LEVEL: 3}
    full = [{"path": path, **usual, **given} for path, given in rows]
    columns = {name: [row[name] for row in full] for name in full[0]}
    columns["split"] = pa.array(columns["split"]).dictionary_encode()
    columns[LEVEL] = pa.array(columns[LEVEL], pa.uint8())
    return hashes_of(columns)


def first(*rows):
    """The path that stays, and why it stays rather than each other."""
    table = images(*rows)
    order = priority(table, order_splits(table))
    reasons = keeper_reasons(table, order[1:], np.repeat(order[:1], order.size - 1))
    return table.table["path"][int(order[0])].as_py(), reasons.to_pylist()


@pytest.mark.parametrize(
    ("stays", "goes", "reason"),
    [
        (("small", {"width": 9, LEVEL: 0}), ("large", {}), "annotated"),
        (("small", {"width": 9, LEVEL: 0}), ("large", {LEVEL: 1}), "annotated"),
        (("small", {"width": 9, LEVEL: 1}), ("large", {LEVEL: 2}), "listed among the labels"),
        (("large (1).jpg", {"width": 101}), ("a.png", {"format": "PNG"}), "more pixels"),
        (("a.png", {"format": "PNG"}), ("z.png", {"format": "PNG", "size": 90_000}), "first name"),
        (("b.bmp", {"format": "BMP"}), ("aa.png", {"format": "PNG", "size": 9}), "shorter name"),
        (("z (1).png", {"format": "PNG"}), ("a.jpg", {"size": 90_000}), "less compressed"),
        (("z (1).jpg", {}), ("a.gif", {"format": "GIF", "size": 90_000}), "less compressed"),
        (("z (1).jpg", {"size": 6000}), ("a.jpg", {}), "less compressed"),
        # some bytes of metadata are no less compression
        (("cat.jpg", {}), ("cat (1).jpg", {"size": 5010}), "name without copy mark"),
        (("longer/cat.jpg", {}), ("._cat.jpg", {}), "name without copy mark"),
        (("z.jpg", {}), ("a_1.jpg", {}), "shorter name"),
        (("a.jpg", {}), ("b.jpg", {}), "first name"),
        (("z", {"split": "val", "width": 9}), ("a", {LEVEL: 0}), "val before s"),
    ],
)
def test_the_original_stays_and_the_first_difference_is_the_reason(stays, goes, reason):
    assert first(goes, stays) == first(stays, goes) == (stays[0], [reason])


def test_of_marked_copies_alone_one_stays():
    assert first(("IMG (2).jpg", {}), ("IMG (1).jpg", {})) == ("IMG (1).jpg", ["first name"])


def test_names_that_are_not_utf_8_are_compared_by_their_bytes():
    columns = {
        "split": pa.array(["s"] * 2).dictionary_encode(),
        "path": ["�", "�"],
        "path_bytes": pa.array([b"\xff", b"\xfe"], pa.binary()),
    }
    assert priority(hashes_of(columns), ["s"]).tolist() == [1, 0]


def test_a_keeper_has_no_reason():
    table = images(("a", {}), ("b", {}))
    assert keeper_reasons(table, np.array([0, 1]), np.array([0, 0])).to_pylist() == [
        None,
        "first name",
    ]


@given(st.integers(0, 99), st.randoms())
def test_the_order_is_total_and_that_of_any_shuffle(seed, random):
    rows = table(seed, 30, ["train", "val", "extra"])
    shuffle = np.arange(len(rows))
    random.shuffle(shuffle)
    shuffled = rows.take(shuffle)
    order = priority(rows, order_splits(rows))
    assert sorted(order.tolist()) == list(range(len(rows)))
    assert shuffle[priority(shuffled, order_splits(shuffled))].tolist() == order.tolist()
    assert order.tolist() == plain_priority(rows, [])


@pytest.mark.parametrize(
    ("counts", "labelled", "order"),
    [
        ({"train": 5, "val": 9, "test": 8}, (), ["test", "val", "train"]),
        ({"Train": 5, "VAL2017": 9}, (), ["VAL2017", "Train"]),
        ({"train": 5, "testset": 9}, (), ["testset", "train"]),
        ({"train": 5, "validationdata": 9}, (), ["validationdata", "train"]),
        ({"cars": 5, "buses": 4, "trams": 4}, (), ["buses", "trams", "cars"]),
        ({"train_val": 5, "holdout": 9}, (), ["holdout", "train_val"]),
        ({"raw": 2, "labelled": 9}, {"labelled"}, ["labelled", "raw"]),
        ({"val": 9, "train": 5}, {"train"}, ["val", "train"]),
    ],
)
def test_splits_keep_their_images_in_order(counts, labelled, order):
    rows = images(
        *(
            (f"{i}.jpg", {"split": split, LEVEL: LISTED if split in labelled else UNKNOWN})
            for split, number in counts.items()
            for i in range(number)
        )
    )
    assert order_splits(rows) == order


def test_splits_to_keep_come_before_the_others():
    assert keep_in_first(["val", "x", "train"], []) == ["val", "x", "train"]
    assert keep_in_first(["val", "x", "train"], ["train", "x"]) == ["train", "x", "val"]


def test_rows_keep_their_order_without_others_of_their_splits():
    rows = images(*((f"{i}.jpg", {"split": "ab"[i > 2]}) for i in range(8)))
    whole = priority(rows, split_order := order_splits(rows))
    some = np.array([0, 1, 7])
    ranked = some[priority(rows.take(some), split_order)]
    assert ranked.tolist() == [row for row in whole.tolist() if row in some]


@pytest.mark.parametrize(
    "name",
    [
        *("val", "valid", "Validation", "test-A", "my_test", "eval", "dev_1", "val2017"),
        *("testset", "valset", "test_split", "validationdata", "TestSet2", "valimages", "valimgs"),
        *("testdataset", "evalsplit", "images_valset", "dataset-test", "devsets", "holdoutdata"),
    ],
)
def test_splits_for_evaluation_are_known_by_a_word(name):
    assert is_for_evaluation(name)


@pytest.mark.parametrize(
    "name",
    [
        *("train", "interval", "contest", "trainval", "evaluated", "train_val", "latest", "mytest"),
        *("trainset_val", "contestset", "latestimages", "trainingdata-test", "images", "dataset"),
        *("asset", "greatestset", "trainvalset", "2017", "", "测试"),
    ],
)
def test_other_splits_are_not_for_evaluation(name):
    assert not is_for_evaluation(name)


def test_a_split_to_keep_that_is_not_there_is_named():
    with pytest.raises(UsageError, match="no split 'test' to keep images in: there are a, b"):
        keep_in_first(["b", "a"], ["test"])

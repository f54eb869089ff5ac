"""An audit held against true pairs: figures against plain counting, and the command."""

import csv
import json
from itertools import combinations

import numpy as np
import pytest
from helpers import run
from hypothesis import given
from hypothesis import strategies as st
from test_clean import audited as audit_of

from fastphash import demo, tables
from fastphash.audited import open_audit
from fastphash.errors import UsageError
from fastphash.evaluate import FIGURES, PAIRS, UNLISTED, Truth, evaluate, read_truth
from fastphash.store import REJECTED_SCHEMA

HASHES = [0, 0, 0, 3, 7, 2**64 - 1]


def plain_audit(hashes, contents=None):
    """An audit of images of which nothing is known but hashes and bytes."""
    contents = list(range(len(hashes))) if contents is None else contents
    rows = np.repeat(np.array(hashes, np.uint64)[:, None], 8, axis=1)
    splits = ["train", "val"] * len(contents)
    found = audit_of("/", contents, rows, contents, splits[: len(contents)], thumbnails=False)
    found.summary["min_score"] = None
    found.rejected = REJECTED_SCHEMA.empty_table()
    return found


def truth_of(*pairs):
    return Truth(np.array(pairs, np.int64).reshape(-1, 2), 0)


pairs_of_six = st.sets(
    st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda pair: pair[0] < pair[1])
)


@given(st.lists(st.sampled_from(HASHES), min_size=6, max_size=6), pairs_of_six, st.integers(0, 5))
def test_figures_are_those_of_plain_counting(hashes, true, radius):
    found = evaluate(plain_audit(hashes), truth_of(*sorted(true)), radius=radius).summary
    tree = list(range(6))
    for _ in range(6):
        for a, b in true:
            tree[a] = tree[b] = min(tree[a], tree[b])
    apart = {(i, j): (hashes[i] ^ hashes[j]).bit_count() for i, j in combinations(range(6), 2)}
    for bits, row in found["by_distance"].items():
        accused = {pair for pair, distance in apart.items() if distance <= int(bits)}
        right = {(i, j) for i, j in accused if tree[i] == tree[j]}
        assert (row["accused"], row["right"]) == (len(accused), len(right))
        assert row["found"] == len(accused & true)
        assert row["precision"] == (len(right) / len(accused) if accused else None)
        assert row["recall"] == (len(accused & true) / len(true) if true else None)
    # nobody looked: equal hashes are collisions, and those at a distance near copies
    near = {pair for pair, distance in apart.items() if 0 < distance <= radius}
    assert found["pairs"]["accused"] == found["by_kind"]["near"]["accused"] == len(near)
    assert found["images"]["accused"] == len({row for pair in near for row in pair})
    assert found["beyond_radius"] == sum(apart[pair] > radius for pair in true)


def test_pairs_of_the_same_bytes_are_right_though_nobody_lists_them():
    found = evaluate(plain_audit([5, 5, 2**64 - 1], [0, 0, 2]), truth_of((0, 2)))
    assert found.summary["pairs"]["accused"] == found.summary["pairs"]["right"] == 1
    assert found.summary["pairs"]["recall"] == 0
    assert found.pairs["status"].to_pylist() == ["same bytes", "missed"]
    assert found.pairs["distance"].to_pylist() == [0, 62]


def test_average_precision_of_a_ranking():
    # at 0 bits one right pair of one, at 2 bits two of three, at 4 bits all three true ones of five
    hashes = [0, 0, 2**40, 2**40 + 3, 2**50, 2**50 + 3, 2**60, 2**60 + 15, 2**20, 2**20 + 15]
    audit = plain_audit(hashes)
    true = [(0, 1), (2, 3), (6, 7)]
    found = evaluate(audit, truth_of(*true), radius=4).summary["pairs"]["average_precision"]
    close = {
        (i, j) for i, j in combinations(range(10), 2) if (hashes[i] ^ hashes[j]).bit_count() <= 4
    }
    recall = before = expected = 0
    for bits in range(5):
        near = {pair for pair in close if (hashes[pair[0]] ^ hashes[pair[1]]).bit_count() <= bits}
        recall = len(near & set(true)) / 3
        expected += (recall - before) * (len(near & set(true)) / len(near) if near else 0)
        before = recall
    assert found == pytest.approx(expected)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The demo's data set, audited, with a table of what was planted."""
    folder = tmp_path_factory.mktemp("evaluate")
    truth = demo.make(folder / "data")
    (folder / "data" / "train" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    run("audit", "train=data/train", "val=data/val", "-o", "out", cwd=folder)
    write(folder / "truth.csv", [(copy, original) for _, copy, original in truth])
    return folder


def write(path, pairs, header=("needle", "haystack")):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *pairs])


def test_what_was_planted_is_found_and_nothing_else(planted, tmp_path):
    done = run("evaluate", planted / "out", planted / "truth.csv", "-o", tmp_path / "e", "--json")
    found = json.loads(done.stdout)
    assert found["pairs"]["precision"] == found["pairs"]["recall"] == found["pairs"]["f1"] == 1
    assert found["images"]["precision"] == 1
    assert found["pairs"]["average_precision"] == pytest.approx(1)
    assert json.loads((tmp_path / "e" / FIGURES).read_text()) == found
    pairs = tables.read_table(tmp_path / "e" / PAIRS)
    assert set(pairs["status"].to_pylist()) == {"true", "implied"}
    assert "0 of 0 pairs" in (tmp_path / "e" / UNLISTED).read_text()


def test_unlisted_pairs_come_out_as_a_page(planted, tmp_path):
    lines = (planted / "truth.csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.reader(lines))[1:]
    write(tmp_path / "half.csv", [row for row in rows if "rotate_90" not in row[0]])
    done = run("evaluate", planted / "out", tmp_path / "half.csv", "-o", tmp_path / "e")
    assert "By score" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    page = (tmp_path / "e" / UNLISTED).read_text(encoding="utf-8")
    assert page.count("<article") >= 5
    assert "rotate_90_0" in page
    assert "http:" not in page.replace("http://www.w3.org", "")
    assert "https:" not in page


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("train/nobody.png", "train/scene_000.png")], "line 2: 'train/nobody.png' is no image"),
        ([("train/scene_000.png", "train/scene_000.png")], "line 2: .* no copy of itself"),
        ([("train/scene_000.png", "")], "line 2: a pair has two names"),
        ([], "lists no pairs"),
    ],
)
def test_a_bad_table_is_an_error_that_names_the_line(planted, tmp_path, pairs, message):
    write(tmp_path / "truth.csv", pairs)
    with pytest.raises(UsageError, match=message):
        read_truth(tmp_path / "truth.csv", open_audit(planted / "out"))


def test_a_table_without_the_columns_or_that_is_not_there(planted, tmp_path):
    audit = open_audit(planted / "out")
    write(tmp_path / "truth.csv", [], header=("a", "b"))
    with pytest.raises(UsageError, match="no column 'needle'"):
        read_truth(tmp_path / "truth.csv", audit)
    with pytest.raises(UsageError, match=r"can.t read .*No such file"):
        read_truth(tmp_path / "none.csv", audit)


def test_names_may_be_absolute_and_repeated_and_rejected_images_are_missed(planted, tmp_path):
    data = planted / "data"
    write(
        tmp_path / "truth.csv",
        [
            (data / "train/scene_000.png", "train/scene_001.png"),
            ("train/scene_001.png", data / "train/scene_000.png"),
            ("train/broken.png", "train/scene_001.png"),
        ],
    )
    truth = read_truth(tmp_path / "truth.csv", open_audit(planted / "out"))
    assert len(truth.pairs) == 1
    assert truth.without_hash == 1
    found = evaluate(open_audit(planted / "out"), truth).summary
    assert found["true_pairs"] == 2
    assert found["without_hash"] == 1


def test_nothing_is_replaced_unasked(planted, tmp_path):
    arguments = ("evaluate", planted / "out", planted / "truth.csv", "-o", tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    done = run(*arguments, status=2)
    assert "--overwrite" in done.stderr
    run(*arguments, "--overwrite")
    assert (tmp_path / "mine.txt").read_text() == "mine"

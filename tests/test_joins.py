import subprocess
import sys
import tracemalloc
from itertools import pairwise
from unittest import mock

import naive
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash import joins
from fastphash.errors import TooManyPairsError, UsageError
from fastphash.joins import Index, has_partner, hits, join, matches, self_join
from fastphash.words import INVERSE

TOP = 2**64 - 1
ALL, ONE = tuple(range(8)), (0,)
words = st.sampled_from([0, 1, 2, 2**63, TOP]) | st.integers(0, TOP)
widths = st.sampled_from([1, 8])
knowns = st.sets(st.integers(1, 7)).map(lambda some: (0, *sorted(some)))


@st.composite
def hashes(draw, width=None):
    rows = draw(st.integers(0, 14))
    shape = (rows, draw(widths) if width is None else width)
    return draw(hnp.arrays(np.uint64, shape, elements=words))


def known_of(rows):
    return ALL if rows.shape[1] == 8 else ONE


def brute(left, right):
    """(left, right, orientation) by (left, right)."""
    found = naive.matches(left, right, known_of(left), known_of(right))
    return [(i, j, naive.first_bit(bits)) for i, j, bits in found]


def triples(pairs):
    assert [column.dtype for column in pairs] == [np.int64, np.int64, np.uint8, np.uint8]
    assert not pairs.distance.any()
    return list(
        zip(pairs.left.tolist(), pairs.right.tolist(), pairs.orientation.tolist(), strict=True)
    )


EMPTY_ONE, EMPTY_EIGHT = np.empty((0, 1), np.uint64), np.empty((0, 8), np.uint64)
SAME = np.full((9, 8), TOP, np.uint64)


@given(hashes(), hashes())
@example(EMPTY_ONE, EMPTY_EIGHT)
@example(EMPTY_EIGHT, SAME)
@example(SAME, EMPTY_ONE)
@example(SAME, SAME)
@example(SAME[:1], SAME[:, :1])
def test_join_finds_every_pair(needles, haystack):
    assert triples(join(needles, haystack)) == brute(needles, haystack)


@given(hashes())
@example(EMPTY_ONE)
@example(EMPTY_EIGHT)
@example(SAME)
@example(SAME[:1])
def test_self_join_finds_every_pair_once(rows):
    expected = [row for row in brute(rows, rows) if row[0] < row[1]]
    assert triples(self_join(rows)) == expected


@given(hashes(), hashes())
def test_both_directions_find_the_same(a, b):
    there = matches(Index(a), Index(b))
    back = matches(Index(b), Index(a))
    found = {(i, j): bits for block in there for i, j, bits in zip(*block, strict=True)}
    mirrored = {(j, i): bits for block in back for i, j, bits in zip(*block, strict=True)}
    assert found.keys() == mirrored.keys()
    for pair, bits in found.items():
        undone = sum(1 << INVERSE[t] for t in range(8) if mirrored[pair] >> t & 1)
        assert bits == undone


@given(hashes(8), hashes(8), knowns, knowns)
def test_only_known_orientations_are_compared(needles, haystack, left_known, right_known):
    left, right = Index(needles, left_known), Index(haystack, right_known)
    found = [row for block in matches(left, right) for row in zip(*block, strict=True)]
    expected = naive.matches(needles, haystack, left_known, right_known)
    assert found == expected
    partners = {i for i, _, _ in expected}
    assert np.flatnonzero(hits(left, right) > 0).tolist() == sorted(partners)


@given(hashes(8), knowns)
@example(SAME[:1], ALL)
@example(SAME[:2], ALL)
def test_rows_with_a_partner_are_those_of_some_pair(rows, known):
    pairs = naive.matches(rows, rows, known, known)
    expected = sorted({i for i, j, _ in pairs if i != j})
    assert np.flatnonzero(has_partner(Index(rows, known))).tolist() == expected


@pytest.mark.parametrize("block", [1, 2, 5, 50])
@given(hashes(), hashes())
@example(SAME, SAME[:3])
def test_small_blocks_change_nothing(block, needles, haystack):
    with mock.patch.object(joins, "_BLOCK", block):
        assert triples(join(needles, haystack)) == brute(needles, haystack)
        expected = [row for row in brute(needles, needles) if row[0] < row[1]]
        assert triples(self_join(needles)) == expected


def test_blocks_hold_few_pairs_and_whole_needles():
    rows = np.repeat(np.arange(20, dtype=np.uint64), 5)
    with mock.patch.object(joins, "_BLOCK", 60):
        blocks = list(matches(Index(rows), Index(rows)))
    assert [block.left.size for block in blocks] == [60] * 8 + [20]
    lefts = [set(block.left.tolist()) for block in blocks]
    assert not any(a & b for a, b in pairwise(lefts))


def test_one_column_means_upright():
    a, b = np.array([1, 2, 3], np.uint64), np.array([3, 3, 1], np.uint64)
    assert triples(join(a, b)) == [(0, 2, 0), (2, 0, 0), (2, 1, 0)]
    assert triples(join(a[:, None], b)) == triples(join(a, b))


def test_turned_needle_is_named_by_what_turns_it():
    haystack = np.array([[10, 11, 12, 13, 14, 15, 16, 17]], np.uint64)
    for t in range(8):
        needle = np.arange(100, 108, dtype=np.uint64)[None]
        needle[0, t] = 10
        assert triples(join(needle, haystack)) == [(0, 0, t)]
        assert triples(join(needle, haystack[:, 0])) == [(0, 0, t)]
        assert triples(join(haystack, needle)) == [(0, 0, INVERSE[t])]


# limits


@given(hashes(), hashes())
@example(SAME, SAME)
def test_limit_is_the_number_of_pairs_that_pass(needles, haystack):
    for find, arrays in ((join, (needles, haystack)), (self_join, (needles,))):
        count = find(*arrays).left.size
        assert find(*arrays, max_pairs=count).left.size == count
        if count:
            with pytest.raises(TooManyPairsError) as caught:
                find(*arrays, max_pairs=count - 1)
            assert (caught.value.pairs, caught.value.limit) == (count, count - 1)


@pytest.mark.parametrize("block", [1, 3])
@given(hashes())
@example(np.array([[1] * 8, [2, 1, 1, 1, 1, 1, 1, 1]], np.uint64))
def test_limit_holds_in_small_blocks(block, rows):
    with mock.patch.object(joins, "_BLOCK", block):
        count = self_join(rows).left.size
        for limit in range(count):
            with pytest.raises(TooManyPairsError):
                self_join(rows, max_pairs=limit)


def test_million_equal_hashes_are_counted_and_not_listed():
    rows = np.full(1_000_000, 0xD879F8F8, np.uint64)
    tracemalloc.start()
    try:
        with pytest.raises(TooManyPairsError, match="499,999,500,000 pairs") as caught:
            self_join(rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.pairs == 499_999_500_000
    assert peak < 200e6
    with pytest.raises(TooManyPairsError) as caught:
        join(rows, rows[:3], max_pairs=2_999_999)
    assert caught.value.pairs == 3_000_000


# wrong usage


@pytest.mark.parametrize(
    ("radius", "message"),
    [(-1, "0 to 64, not -1"), (65, "0 to 64, not 65"), (1, "radius 0 only"), (64, "radius 0 only")],
)
def test_radius_out_of_range_is_refused(radius, message):
    rows = np.zeros(3, np.uint64)
    with pytest.raises(UsageError, match=message):
        join(rows, rows, radius)
    with pytest.raises(UsageError, match=message):
        self_join(rows, radius=radius)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros(3, np.int64), "uint64, not int64"),
        (np.zeros(3), "uint64, not float64"),
        (np.zeros(3, np.uint32), "uint64, not uint32"),
        (["d879f8f8d879f8f8"], "uint64, not <U16"),
        (np.zeros((3, 2), np.uint64), r"\(n, 8\), not \(3, 2\)"),
        (np.zeros((3, 8, 1), np.uint64), r"\(n, 8\), not \(3, 8, 1\)"),
        (np.uint64(3), r"\(n, 8\), not \(\)"),
    ],
)
def test_arrays_of_another_kind_are_refused_by_name(rows, message):
    fine = np.zeros(3, np.uint64)
    for arguments in ((rows, fine), (fine, rows)):
        with pytest.raises(UsageError, match=message):
            join(*arguments)
    with pytest.raises(UsageError, match=message):
        self_join(rows)


@pytest.mark.parametrize("rows", [[], np.empty(0), np.empty(0, np.uint64), EMPTY_EIGHT])
def test_nothing_joins_nothing(rows):
    assert triples(join(rows, rows)) == []
    assert triples(join(rows, SAME)) == []
    assert triples(join(SAME, rows)) == []
    assert triples(self_join(rows)) == []


def test_joining_leaves_its_input_alone():
    rows = np.random.default_rng(0).integers(0, 3, (20, 8)).astype(np.uint64)
    before = rows.copy()
    self_join(rows)
    assert np.array_equal(rows, before)


@pytest.mark.parametrize("first", ["group", "self_join", "hash_images", "to_hex"])
def test_public_functions_do_not_depend_on_what_was_used_before(first):
    script = f"import fastphash as fp; fp.{first}; print(*map(callable, (fp.join, fp.phash)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert run.stdout.split() == [b"True", b"True"]

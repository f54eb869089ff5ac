import subprocess
import sys
import tracemalloc
from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash.base.vocabulary import INVERSE
from fastphash.errors import TooManyPairsError, UsageError
from fastphash.joins import matching
from fastphash.joins.api import join, self_join
from fastphash.joins.index import Index
from fastphash.joins.matching import matches
from fastphash.joins.options import JoinOptions
from fastphash.joins.relation import concatenated
from tests.support import naive

TOP = 2**64 - 1
ALL, ONE = tuple(range(8)), (0,)
words = st.sampled_from([0, 1, 2, 2**63, TOP]) | st.integers(0, TOP)
widths = st.sampled_from([1, 8])
seeds = st.integers(0, 2**32 - 1)
radii = st.integers(0, 4) | st.integers(0, 64)
knowns = st.sets(st.integers(1, 7)).map(lambda some: (0, *sorted(some)))


@st.composite
def hashes(draw, width=None):
    rows = draw(st.integers(0, 14))
    shape = (rows, draw(widths) if width is None else width)
    return draw(hnp.arrays(np.uint64, shape, elements=words))


@st.composite
def sides(draw, width=None):
    """Two matrices of hashes that are near one another or not."""
    if draw(st.booleans()):
        return draw(hashes(width)), draw(hashes(width))
    left, right = draw(st.integers(0, 40)), draw(st.integers(0, 40))
    rows = naive.crowd(draw(seeds), left + right, 8)
    a, b = (draw(widths) if width is None else width for _ in range(2))
    return rows[:left, :a], rows[left:, :b]


def known_of(rows):
    return ALL if rows.shape[1] == 8 else ONE


def brute(left, right, radius):
    return naive.matches(left, right, radius, known_of(left), known_of(right))


def brute_within(rows, radius):
    return [pair for pair in brute(rows, rows, radius) if pair[0] < pair[1]]


def listed(blocks):
    """(left, right, distance, mask) of all blocks."""
    found = concatenated(list(blocks))
    assert [column.dtype for column in found] == [np.int64, np.int64, np.uint8, np.uint8]
    return list(zip(*(column.tolist() for column in found), strict=True))


def rows_of(pairs):
    assert [column.dtype for column in pairs] == [np.int64, np.int64, np.uint8, np.uint8]
    return list(zip(*(column.tolist() for column in pairs), strict=True))


def oriented(found):
    return [(i, j, distance, naive.first_bit(bits)) for i, j, distance, bits in found]


EMPTY_ONE, EMPTY_EIGHT = np.empty((0, 1), np.uint64), np.empty((0, 8), np.uint64)
SAME = np.full((9, 8), TOP, np.uint64)
ENDS = np.array([[0] * 8, [TOP] * 8, [0] * 8], np.uint64)


@given(sides(), radii)
@example((EMPTY_ONE, EMPTY_EIGHT), 3)
@example((EMPTY_EIGHT, SAME), 64)
@example((SAME, EMPTY_ONE), 0)
@example((SAME, SAME), 0)
@example((SAME[:1], SAME[:, :1]), 1)
@example((ENDS, SAME), 63)
@example((ENDS, SAME), 64)
@example((ENDS[:, :1], SAME[:, :1]), 64)
def test_join_finds_every_pair(pair, radius):
    assert rows_of(join(*pair, radius)) == oriented(brute(*pair, radius))


@given(sides(), radii)
@example((EMPTY_ONE, EMPTY_EIGHT), 64)
@example((SAME, SAME[:1]), 0)
@example((SAME[:, :1], SAME[:1]), 8)
@example((ENDS, ENDS[:, :1]), 63)
@example((ENDS[:, :1], ENDS), 64)
def test_self_join_finds_every_pair_once(pair, radius):
    for rows in pair:
        assert rows_of(self_join(rows, radius)) == oriented(brute_within(rows, radius))


@pytest.mark.parametrize("radius", range(65))
def test_joins_are_complete_at_every_radius(radius):
    for seed in range(7):
        rows = naive.crowd(seed, 60, 8)
        for width in (1, 8):
            a, b = rows[:30, :width], rows[30:]
            assert listed(matches(Index(a), Index(b), radius)) == brute(a, b, radius)
            assert listed(matches(Index(a), None, radius)) == brute_within(a, radius)


@given(sides(), radii)
def test_both_directions_find_the_same(pair, radius):
    a, b = (Index(rows) for rows in pair)
    found = {(i, j): rest for i, j, *rest in listed(matches(a, b, radius))}
    mirrored = {(j, i): rest for i, j, *rest in listed(matches(b, a, radius))}
    assert found.keys() == mirrored.keys()
    for rows, (distance, bits) in found.items():
        undone = sum(1 << INVERSE[t] for t in range(8) if mirrored[rows][1] >> t & 1)
        assert (distance, bits) == (mirrored[rows][0], undone)


@given(sides(8), knowns, knowns, radii)
def test_only_known_orientations_are_compared(pair, left_known, right_known, radius):
    left, right = Index(pair[0], left_known), Index(pair[1], right_known)
    expected = naive.matches(*pair, radius, left_known, right_known)
    assert listed(matches(left, right, radius)) == expected
    expected = naive.matches(pair[0], pair[0], radius, left_known, left_known)
    expected = [found for found in expected if found[0] < found[1]]
    assert listed(matches(left, None, radius)) == expected


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("rows", "pairs"), [(1, 1), (5, 3), (7, 1000), (1000, 4)])
@settings(max_examples=20)
@given(sides(), radii)
@example((SAME, SAME[:3]), 0)
def test_little_memory_changes_nothing(rows, pairs, threads, sides, radius):
    left, right = (Index(side) for side in sides)
    effort = JoinOptions(memory=1, threads=threads)
    with (
        mock.patch.object(matching, "_LEAST_ROWS", rows),
        mock.patch.object(matching, "_LEAST_PAIRS", pairs),
    ):
        across = listed(matches(left, right, radius, options=effort))
        within = listed(matches(left, None, radius, options=effort))
    assert across == brute(*sides, radius)
    assert within == brute_within(sides[0], radius)


def test_blocks_hold_few_pairs_and_whole_needles():
    rows = np.repeat(np.arange(20, dtype=np.uint64), 5)
    with mock.patch.object(matching, "_LEAST_PAIRS", 60):
        blocks = list(matches(Index(rows), Index(rows), 0, options=JoinOptions(memory=1)))
    assert sum(block.left.size for block in blocks) == 500
    assert max(block.left.size for block in blocks) <= 60
    assert all(a.left.max() < b.left.min() for a, b in pairwise(blocks))


def test_needle_with_more_pairs_than_a_block_holds_is_given_out_whole():
    with mock.patch.object(matching, "_LEAST_PAIRS", 4):
        blocks = list(matches(Index(SAME[:2]), Index(SAME), 0, options=JoinOptions(memory=1)))
    assert [block.left.tolist() for block in blocks] == [[0] * 9, [1] * 9]


@pytest.mark.parametrize("width", [1, 8])
def test_planted_pairs_are_found_among_many(width):
    rng = np.random.default_rng(width)
    rows = rng.integers(0, TOP, (20_000, width), np.uint64, endpoint=True)
    left, right = np.arange(300), np.arange(19_700, 20_000)
    turned = rng.integers(0, width, 300)
    rows[right, 0] = rows[left, turned]
    expected = []
    for i, j in zip(left.tolist(), right.tolist(), strict=True):
        flips = rng.permutation(64)[: i % 7].tolist()
        rows[j, 0] ^= np.uint64(sum(1 << bit for bit in flips))
        expected.append((i, j, i % 7, int(turned[i])))
    assert rows_of(self_join(rows, 6)) == expected
    assert rows_of(join(rows[:10_000], rows[10_000:, :1], 6)) == [
        (i, j - 10_000, distance, turn) for i, j, distance, turn in expected
    ]


def test_one_column_means_upright():
    a, b = np.array([1, 2, 3], np.uint64), np.array([3, 3, 1], np.uint64)
    assert rows_of(join(a, b)) == [(0, 2, 0, 0), (2, 0, 0, 0), (2, 1, 0, 0)]
    assert rows_of(join(a[:, None], b)) == rows_of(join(a, b))


def test_turned_needle_is_named_by_what_turns_it():
    rng = np.random.default_rng(0)
    haystack, needles = rng.integers(0, TOP, (2, 8, 8), np.uint64)
    for t in range(8):
        needle = needles[t : t + 1]
        needle[0, t] = haystack[0, 0] ^ np.uint64(5)
        assert rows_of(join(needle, haystack[:1], 2)) == [(0, 0, 2, t)]
        assert rows_of(join(needle, haystack[:1, 0], 2)) == [(0, 0, 2, t)]
        assert rows_of(join(haystack[:1], needle, 2)) == [(0, 0, 2, INVERSE[t])]
        assert not rows_of(join(needle, haystack[:1], 1))


def test_ties_go_to_the_first_orientation():
    rows = np.array([[0, 1, 2, 4, 8, 16, 32, 64]] * 2, np.uint64)
    assert rows_of(self_join(rows, 1)) == [(0, 1, 0, 0)]
    rows[1, 0] = 3
    assert listed(matches(Index(rows), None, 1)) == [(0, 1, 1, 0b11111110)]
    assert rows_of(self_join(rows, 1)) == [(0, 1, 1, 1)]


# limits


@given(sides(), radii)
@example((SAME, SAME), 0)
@example((ENDS, SAME), 64)
def test_limit_is_the_number_of_pairs_that_pass(pair, radius):
    for find, arrays in ((join, pair), (self_join, pair[:1])):
        count = find(*arrays, radius).left.size
        assert find(*arrays, radius, max_pairs=count).left.size == count
        if count:
            with pytest.raises(TooManyPairsError) as caught:
                find(*arrays, radius, max_pairs=count - 1)
            assert (caught.value.pairs, caught.value.limit) == (count, count - 1)


@pytest.mark.parametrize("pairs", [1, 3])
@settings(max_examples=30)
@given(hashes(), radii)
@example(np.array([[1] * 8, [2, 1, 1, 1, 1, 1, 1, 1]], np.uint64), 0)
@example(SAME, 5)
def test_limit_holds_in_little_memory(pairs, rows, radius):
    effort = JoinOptions(memory=1)
    with (
        mock.patch.object(matching, "_LEAST_PAIRS", pairs),
        mock.patch.object(matching, "_LEAST_ROWS", 4),
    ):
        count = len(listed(matches(Index(rows), None, radius, options=effort)))
        for limit in {count - 1, count // 2, 0} & set(range(count)):
            with pytest.raises(TooManyPairsError) as caught:
                listed(matches(Index(rows), None, radius, max_pairs=limit, options=effort))
            assert caught.value.limit == limit
            assert limit < caught.value.pairs <= count


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


@pytest.mark.parametrize("radius", [4, 8])
def test_ball_with_too_many_pairs_is_refused(radius):
    with pytest.raises(TooManyPairsError) as caught:
        self_join(naive.ball(20_000, 4), radius, max_pairs=100_000)
    assert caught.value.limit == 100_000 < caught.value.pairs


# wrong usage


@pytest.mark.parametrize(
    ("radius", "message"),
    [
        (-1, "0 to 64, not -1"),
        (65, "0 to 64, not 65"),
        (1.0, "whole number of bits, not 1.0"),
        (True, "whole number of bits, not True"),
        ("1", "whole number of bits, not '1'"),
    ],
)
def test_what_is_no_radius_is_refused(radius, message):
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
    for radius in (0, 1, 64):
        assert rows_of(join(rows, rows, radius)) == []
        assert rows_of(join(rows, SAME, radius)) == []
        assert rows_of(join(SAME, rows, radius)) == []
        assert rows_of(self_join(rows, radius)) == []


def test_joining_leaves_its_input_alone():
    rows = np.random.default_rng(0).integers(0, 3, (20, 8)).astype(np.uint64)
    before = rows.copy()
    rows.flags.writeable = False
    for radius in (0, 1, 30):
        self_join(rows, radius)
        join(rows[:, 0], rows, radius)
    assert np.array_equal(rows, before)


@pytest.mark.parametrize("first", ["group", "self_join", "hash_images", "to_hex"])
def test_public_functions_do_not_depend_on_what_was_used_before(first):
    script = f"import fastphash as fp; fp.{first}; print(*map(callable, (fp.join, fp.phash)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert run.stdout.split() == [b"True", b"True"]

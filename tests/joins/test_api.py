import subprocess
import sys
import tracemalloc
from functools import partial

import numpy as np
import pytest
from hypothesis import example, given

from fastphash.base.vocabulary import INVERSE
from fastphash.errors import TooManyPairsError, UsageError
from fastphash.external.api import join, self_join
from fastphash.joins.batches import find_matches
from fastphash.joins.index import Index
from tests.joins.sides import (
    EMPTY_EIGHT,
    EMPTY_ONE,
    ENDS,
    SAME,
    listed,
    radii,
    rows_of,
    sides,
    twin_matches,
    twin_matches_within,
)
from tests.support import naive
from tests.support.hash_strategies import TOP


def oriented(matches):
    return [(i, j, distance, naive.first_bit(mask)) for i, j, distance, mask in matches]


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
    assert rows_of(join(*pair, radius)) == oriented(twin_matches(*pair, radius))


@given(sides(), radii)
@example((EMPTY_ONE, EMPTY_EIGHT), 64)
@example((SAME, SAME[:1]), 0)
@example((SAME[:, :1], SAME[:1]), 8)
@example((ENDS, ENDS[:, :1]), 63)
@example((ENDS[:, :1], ENDS), 64)
def test_self_join_finds_every_pair_once(pair, radius):
    for rows in pair:
        assert rows_of(self_join(rows, radius)) == oriented(twin_matches_within(rows, radius))


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


def test_hashes_that_agree_in_no_bit_are_joined():
    rows = np.array([0, TOP] * 1000, np.uint64)
    assert self_join(rows, 3).left.size == 1000 * 999


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
    assert listed(find_matches(Index(rows), None, 1)) == [(0, 1, 1, 0b11111110)]
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
        (np.zeros((3, 2), np.uint64), r"\(n, 8, 4\), not \(3, 2\)"),
        (np.zeros((3, 8, 2), np.uint64), r"\(n, 8, 4\), not \(3, 8, 2\)"),
        (np.uint64(3), r"\(n, 8, 4\), not \(\)"),
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


@pytest.mark.slow
@pytest.mark.parametrize("first", ["group", "self_join", "hash_images", "to_hex"])
def test_public_functions_do_not_depend_on_what_was_used_before(first):
    script = f"import fastphash as fp; fp.{first}; print(*map(callable, (fp.join, fp.phash)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert run.stdout.split() == [b"True", b"True"]


def test_a_join_in_little_memory_is_the_same():
    hashes = naive.crowd(3, 400)[:, 0]
    whole, part = (self_join(hashes, 4, memory=memory) for memory in (None, 100 << 20))
    assert all(map(np.array_equal, whole, part))
    whole, part = (join(hashes[:200], hashes, 4, memory=memory) for memory in (None, 100 << 20))
    assert all(map(np.array_equal, whole, part))


@pytest.mark.parametrize("memory", [0, -1, 1 << 20, 1e9, "1G"])
def test_too_little_memory_is_refused(memory):
    hashes = naive.crowd(3, 9)[:, 0]
    for search in (partial(self_join, hashes), partial(join, hashes, hashes)):
        with pytest.raises(UsageError, match=r"104,857,600 at least"):
            search(radius=4, memory=memory)

"""Joins of hashes of 256 bits: complete, whatever the hashes, in little memory."""

import contextlib
import tracemalloc
from itertools import product
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.defaults import LEAST_MEMORY
from fastphash.errors import TooManyPairsError, UsageError
from fastphash.external.api import join, self_join
from fastphash.joins import batches, search
from fastphash.joins.batches import find_matches
from fastphash.joins.bit_order import reorder_bits
from fastphash.joins.bit_statistics import measure_bits
from fastphash.joins.index import Index
from fastphash.joins.options import JoinOptions
from fastphash.joins.planner import choose_words
from fastphash.joins.search import plan_search
from tests.joins.sides import (
    listed,
    rows_of,
    twin_matches,
    twin_matches_within,
    wide_radii,
    wide_sides,
)
from tests.support.examples import examples, slow_but
from tests.support.hash_strategies import TOP, seeds

EMPTY = np.empty((0, 4), np.uint64)
FULL = np.full((5, 8, 4), TOP, np.uint64)
ENDS = np.array([[[0] * 4] * 8, [[TOP] * 4] * 8, [[0] * 4] * 8], np.uint64)
WORDS = range(4)


def uniform(size, seed=0):
    return np.random.default_rng(seed).integers(0, TOP, (size, 4), np.uint64, endpoint=True)


def flipped(rows, bits, seed=0, words=WORDS):
    """The rows, each with so many bits of these words flipped: `bits` is one number or (n,)."""
    rng = np.random.default_rng(seed)
    places = np.concatenate([np.arange(64 * word, 64 * word + 64) for word in words])
    order = rng.permuted(np.tile(places, (len(rows), 1)), axis=1)
    chosen = np.arange(places.size) < np.reshape(bits, (-1, 1))
    flips = np.zeros((len(rows), 256), np.bool_)
    np.put_along_axis(flips, order, np.broadcast_to(chosen, order.shape), axis=1)
    return rows ^ np.packbits(flips, axis=1, bitorder="little").view(np.uint64)


def distances(left, right):
    return np.bitwise_count(left[:, None] ^ right).sum(axis=2, dtype=np.int64)


def brute_force(rows, radius):
    """(i, j, distance) of the pairs i < j, row by row."""
    found = []
    for i, row in enumerate(rows):
        apart = np.bitwise_count(rows[i + 1 :] ^ row).sum(axis=1, dtype=np.int64)
        near = np.flatnonzero(apart <= radius)
        found += [(i, i + 1 + j, int(apart[j])) for j in near.tolist()]
    return found


def found_pairs(pairs):
    return [*zip(*(column.tolist() for column in pairs[:3]), strict=True)]


@contextlib.contextmanager
def squeezed(rng):
    """Constants so small that few hashes meet all that many would."""
    choices = {
        "search._FEW_VALUES": [0, 1000],
        "proposals._BATCH_PAIRS": [1, 3, 1000],
        "proposals._TASK_PAIRS": [1, 20, 1 << 20],
        "leaves._BATCH_PAIRS": [8, 1000],
        "partitions.PARALLEL_SIZE": [4, 1 << 17],
        "values.PARALLEL_SIZE": [4, 1 << 17],
        "word_search._PARALLEL_SECONDS": [0],
        "search_plan.WHOLE_PER_CHOICE": [0, 1, 1000],
        "bit_statistics._MIN_SAMPLE": [1, 64],
    }
    with contextlib.ExitStack() as stack:
        for name, sizes in choices.items():
            stack.enter_context(mock.patch(f"fastphash.joins.{name}", int(rng.choice(sizes))))
        yield JoinOptions(threads=int(rng.integers(1, 3)))


@examples(60, 20)
@given(wide_sides(), wide_radii, seeds)
@example((FULL, FULL[:, :1]), 0, 0)
@example((FULL[:0], FULL), 255, 0)
@example((ENDS, FULL), 254, 0)
@example((ENDS[:, :1], ENDS), 255, 1)
@example((ENDS[:, :1], ENDS[:, :1]), 255, 0)
def test_joins_find_every_pair(pair, radius, seed):
    left, right = map(Index, pair)
    with squeezed(np.random.default_rng(seed)) as options:
        across = listed(find_matches(left, right, radius, options=options))
        within = listed(find_matches(left, None, radius, options=options))
    assert across == twin_matches(*pair, radius)
    assert within == twin_matches_within(pair[0], radius)


@pytest.mark.parametrize("radius", slow_but([2, 31], [*range(10), 15, 16, 30, 31, 32, 33, 63, 64]))
@pytest.mark.parametrize("words", [(0,), (2, 3), WORDS])
def test_pairs_at_the_radius_are_found_and_no_others(radius, words):
    # each row again at the radius, and beyond it by one bit
    most = min(radius + 1, 64 * len(words))
    rows = uniform(300)
    near = flipped(rows, min(radius, most), 1, words)
    far = flipped(rows, most, 2, words)
    pairs = join(rows, np.concatenate([near, far]), radius)
    expected = [(i, i) for i in range(300)]
    if most <= radius:
        expected = sorted(expected + [(i, 300 + i) for i in range(300)])
    assert [*zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)] == expected
    every = np.concatenate([rows, near, far])
    assert found_pairs(self_join(every, radius)) == brute_force(every, radius)


def skewed(kind, size):
    """Different rows that searches of words bring together much too often."""
    rng = np.random.default_rng(size)
    rows = uniform(size)
    if kind == "one word equal":
        rows[:, 1] = 7
    if kind == "two words equal in half":
        rows[: size // 2, :2] = rows[0, :2]
    if kind == "words equal in turn":
        rows[np.arange(size), np.arange(size) % 4] = 0
    if kind == "two thirds blank":
        rows[: 2 * size // 3] = 0
        rows = flipped(rows, rng.integers(0, 2, size) * rng.integers(0, 60, size), 1)
    if kind == "bits go together":
        rows = np.repeat(rows[:, :2] & np.uint64(0x0101010101010101), 2, axis=1) * np.uint64(255)
        rows = flipped(rows, rng.integers(0, 20, size), 1)
    if kind == "balls":
        rows = flipped(rows[rng.integers(0, 9, size)], rng.integers(0, 60, size), 1)
    return rng.permutation(rows)


SKEWED = [
    "one word equal",
    "two words equal in half",
    "words equal in turn",
    "two thirds blank",
    "bits go together",
    "balls",
]


@pytest.mark.parametrize("kind", SKEWED)
@pytest.mark.parametrize(
    ("size", "radius"), [(2000, 31), pytest.param(6000, 3, marks=pytest.mark.slow)]
)
def test_skewed_hashes_are_joined_completely(kind, size, radius):
    rows = skewed(kind, size)
    expected = brute_force(rows, radius)
    assert found_pairs(self_join(rows, radius)) == expected
    across = join(rows[: size // 3], rows[size // 3 :], radius)
    assert across.left.size == sum(i < size // 3 <= j for i, j, _ in expected)


# two thirds of many blank ones would be too many pairs
@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in SKEWED if kind != "two thirds blank"])
def test_many_skewed_hashes_are_joined_completely(kind):
    rows = skewed(kind, 60_000)
    pairs = self_join(rows, 12)
    for row in range(0, len(rows), 1201):
        apart = np.bitwise_count(rows ^ rows[row]).sum(axis=1, dtype=np.int64)
        near = np.flatnonzero((apart <= 12) & (np.arange(len(rows)) != row))
        partners = [pairs.right[pairs.left == row], pairs.left[pairs.right == row]]
        assert np.sort(np.concatenate(partners)).tolist() == near.tolist()


def test_words_are_made_of_bits_that_tell_as_much():
    rows = skewed("one word equal", 5000)
    plan = plan_search(rows, None, 31, JoinOptions())
    assert sorted(plan.bit_order) == list(range(256))
    moved = reorder_bits(rows, plan)
    for word in WORDS:
        dull = sum(bit // 64 == 1 for bit in plan.bit_order[64 * word : 64 * word + 64])
        assert abs(dull - 16) <= 2
    for i, j in ((0, 1), (17, 4711)):
        assert distances(moved[i : i + 1], moved[j : j + 1]) == distances(
            rows[i : i + 1], rows[j : j + 1]
        )


def test_a_word_that_few_hashes_share_is_made_of_other_bits():
    rows = uniform(70_000)
    assert plan_search(rows, None, 31, JoinOptions()).bit_order == ()
    rows[:4900, 2] = 7
    order = plan_search(rows, None, 31, JoinOptions()).bit_order
    of_shared = np.reshape(order, (4, 64)) // 64 == 2
    assert of_shared.sum(axis=1).max() < 32


@pytest.mark.parametrize("few", [0, 1 << 20])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_search_of_each_word_is_reported(few, threads):
    reports = []
    rows = uniform(3000)
    options = JoinOptions(
        threads=threads,
        explain=lambda report: reports.append((report.word, report.words, report.ended)),
    )
    with mock.patch.object(search, "_FEW_VALUES", few):
        assert listed(find_matches(Index(rows), None, 30, options=options)) == []
    assert reports == [(word, 4, ended) for word in (1, 2, 3, 4) for ended in (False, True)]


def test_a_search_of_few_hashes_within_a_large_radius_shows_progress():
    done = []
    options = JoinOptions(threads=2, advance=lambda *values: done.append(values[0] / values[1]))
    assert listed(find_matches(Index(uniform(3000)), None, 60, options=options)) == []
    assert done == sorted(done)
    assert done[-1] > 0.7


@given(st.integers(0, 255))
def test_thresholds_are_those_of_the_pigeonhole_principle(radius):
    plan = choose_words(measure_bits(EMPTY, EMPTY), 4, radius)
    assert sum(threshold + 1 for threshold in plan.thresholds) == radius + 1
    assert max(plan.thresholds) - min(plan.thresholds) <= 1
    assert plan.searched_words == [*WORDS][: radius + 1]


@pytest.mark.parametrize(("rows", "pairs"), [pytest.param(1, 1, marks=pytest.mark.slow), (7, 1000)])
@examples(20, 3)
@given(wide_sides(), wide_radii)
def test_little_memory_changes_nothing(rows, pairs, sides, radius):
    # each range is a search of its own, which takes some ms
    sides = [side[: 8 * rows] for side in sides]
    options = JoinOptions(memory=1)
    with (
        mock.patch.object(batches, "_MIN_ROWS", rows),
        mock.patch.object(batches, "_MIN_PAIRS", pairs),
    ):
        across = listed(find_matches(*map(Index, sides), radius, options=options))
        within = listed(find_matches(Index(sides[0]), None, radius, options=options))
    assert across == twin_matches(*sides, radius)
    assert within == twin_matches_within(sides[0], radius)


@pytest.mark.slow
def test_a_search_of_orientations_leaves_memory_for_pairs():
    rows = uniform(140_000 * 8).reshape(140_000, 8, 4)
    options = JoinOptions(threads=2, memory=LEAST_MEMORY)
    tracemalloc.start()
    try:
        assert listed(find_matches(Index(rows), None, 3, options=options)) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.6 * LEAST_MEMORY


def test_a_million_equal_hashes_are_counted_and_not_listed():
    rows = np.broadcast_to(uniform(1), (1_000_000, 4))
    for radius in (0, 31):
        with pytest.raises(TooManyPairsError, match="499,999,500,000 pairs"):
            self_join(rows, radius)


@pytest.mark.parametrize("radius", [8, 31])
def test_a_ball_with_too_many_pairs_is_refused(radius):
    ball = flipped(np.broadcast_to(uniform(1), (20_000, 4)), 4)
    with pytest.raises(TooManyPairsError) as caught:
        self_join(ball, radius, max_pairs=100_000)
    assert caught.value.limit == 100_000 < caught.value.pairs


def test_shapes_say_how_many_bits_and_orientations_there_are():
    rows = uniform(6)[::2]
    oriented = np.repeat(rows[:, None], 8, axis=1)
    for a, b in product((rows, rows[:, None], oriented), repeat=2):
        assert rows_of(join(a, b)) == [(i, i, 0, 0) for i in range(3)]
    # column t is the hash of the image turned by t
    oriented[:, 1:] ^= np.uint64(TOP)
    oriented[1, 3] = rows[0]
    expected = [(0, 0, 0, 0), (1, 0, 0, 3), (1, 1, 0, 0), (2, 2, 0, 0)]
    assert rows_of(join(oriented, rows)) == expected


def test_a_hash_and_its_complement_are_255_bits_apart():
    pairs = join(np.zeros((1, 4), np.uint64), np.full((1, 4), TOP, np.uint64), 255)
    assert pairs.left.size == 0
    near = np.array([[TOP, TOP, TOP, TOP - 1]], np.uint64)
    assert join(np.zeros((1, 4), np.uint64), near, 255).distance.tolist() == [255]


@pytest.mark.parametrize(
    ("left", "right", "radius", "message"),
    [
        (uniform(2), uniform(2)[:, 0], 3, "hashes of 256 bits .* hashes of 64"),
        (uniform(2)[:, 0], uniform(2)[:, None], 3, "hashes of 64 bits .* hashes of 256"),
        (uniform(2), uniform(2), 256, "0 to 255, not 256"),
        (uniform(2)[:, 0], uniform(2)[:, 0], 65, "0 to 64, not 65"),
        (uniform(2)[:, :3], uniform(2), 3, r"\(n, 4\) or \(n, 8, 4\), not \(2, 3\)"),
    ],
)
def test_what_can_not_be_joined_is_said(left, right, radius, message):
    with pytest.raises(UsageError, match=message):
        join(left, right, radius)


def test_nothing_joins_hashes_of_any_length():
    for rows in (uniform(2), uniform(2)[:, 0]):
        for none in ([], uniform(0), uniform(0)[:, 0]):
            assert rows_of(join(none, rows, 3)) == rows_of(join(rows, none, 3)) == []

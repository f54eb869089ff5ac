"""Matches in batches: complete, in order, in little memory."""

from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.base.vocabulary import INVERSE
from fastphash.errors import TooManyPairsError
from fastphash.joins import batches
from fastphash.joins.batches import find_matches
from fastphash.joins.index import Index
from fastphash.joins.options import JoinOptions
from tests.joins.sides import (
    SAME,
    hashes,
    listed,
    radii,
    sides,
    twin_matches,
    twin_matches_within,
)
from tests.support import naive
from tests.support.examples import examples, slow_but

knowns = st.sets(st.integers(1, 7)).map(lambda turns: (0, *sorted(turns)))


@pytest.mark.parametrize("radius", slow_but([*range(5), 8, 21, 63, 64], range(65)))
def test_joins_are_complete_at_every_radius(radius):
    for seed in range(3):
        rows = naive.crowd(seed, 60, 8)
        for width in (1, 8):
            a, b = rows[:30, :width], rows[30:]
            assert listed(find_matches(Index(a), Index(b), radius)) == twin_matches(a, b, radius)
            assert listed(find_matches(Index(a), None, radius)) == twin_matches_within(a, radius)


@given(sides(), radii)
def test_both_directions_find_the_same(pair, radius):
    a, b = (Index(rows) for rows in pair)
    forward = {(i, j): rest for i, j, *rest in listed(find_matches(a, b, radius))}
    backward = {(j, i): rest for i, j, *rest in listed(find_matches(b, a, radius))}
    assert forward.keys() == backward.keys()
    for rows, (distance, mask) in forward.items():
        inverse = sum(1 << INVERSE[t] for t in range(8) if backward[rows][1] >> t & 1)
        assert (distance, mask) == (backward[rows][0], inverse)


@given(sides(8), knowns, knowns, radii)
def test_only_known_orientations_are_compared(pair, left_known, right_known, radius):
    left, right = Index(pair[0], left_known), Index(pair[1], right_known)
    expected = naive.matches(*pair, radius, left_known, right_known)
    assert listed(find_matches(left, right, radius)) == expected
    expected = naive.matches(pair[0], pair[0], radius, left_known, left_known)
    expected = [match for match in expected if match[0] < match[1]]
    assert listed(find_matches(left, None, radius)) == expected


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("rows", "pairs"),
    slow_but([(5, 3), (1000, 4)], [(1, 1), (5, 3), (7, 1000), (1000, 4)], number=2),
)
@examples(20, 3)
@given(sides(), radii, st.booleans())
@example((SAME, SAME[:3]), 0, True)
@example((SAME, SAME[:3]), 0, False)
def test_little_memory_changes_nothing(rows, pairs, threads, sides, radius, whole):
    left, right = (Index(side) for side in sides)
    options = JoinOptions(memory=1, threads=threads)
    with (
        mock.patch.object(batches, "_MIN_ROWS", rows),
        mock.patch.object(batches, "_MIN_PAIRS", pairs),
    ):
        settings = {"options": options, "whole_rows": whole}
        across = listed(find_matches(left, right, radius, **settings))
        within = listed(find_matches(left, None, radius, **settings))
    assert across == twin_matches(*sides, radius)
    assert within == twin_matches_within(sides[0], radius)


def test_batches_hold_few_pairs_and_whole_needles():
    rows = np.repeat(np.arange(20, dtype=np.uint64), 5)
    with mock.patch.object(batches, "_MIN_PAIRS", 60):
        parts = list(find_matches(Index(rows), Index(rows), 0, options=JoinOptions(memory=1)))
    assert sum(part.left.size for part in parts) == 500
    assert max(part.left.size for part in parts) <= 60
    assert all(a.left.max() < b.left.min() for a, b in pairwise(parts))


def test_batches_leave_memory_for_what_becomes_of_them():
    rows = np.repeat(np.arange(20, dtype=np.uint64), 5)
    memory = batches._RESERVED + 60 * batches._PAIR_BYTES
    with mock.patch.object(batches, "_MIN_PAIRS", 1):
        parts = list(find_matches(Index(rows), Index(rows), 0, options=JoinOptions(memory=memory)))
    assert max(part.left.size for part in parts) <= 60


def test_needle_with_more_pairs_than_a_batch_holds_comes_whole():
    with mock.patch.object(batches, "_MIN_PAIRS", 4):
        parts = list(find_matches(Index(SAME[:2]), Index(SAME), 0, options=JoinOptions(memory=1)))
    assert [part.left.tolist() for part in parts] == [[0] * 9, [1] * 9]


def test_pairs_of_a_needle_come_in_parts_where_that_is_allowed():
    options = JoinOptions(memory=1)
    with mock.patch.object(batches, "_MIN_PAIRS", 4):
        for right in (Index(SAME), None):
            left = Index(SAME[:2]) if right else Index(SAME)
            parts = list(find_matches(left, right, 0, options=options, whole_rows=False))
            assert max(part.left.size for part in parts) <= 4
            found = [pair for part in parts for pair in zip(part.left, part.right, strict=True)]
            assert found == sorted(found)
            assert len(found) == (18 if right else 36)


@pytest.mark.parametrize("pairs", [1, 3])
@examples(30, 8)
@given(hashes(), radii, st.booleans())
@example(np.array([[1] * 8, [2, 1, 1, 1, 1, 1, 1, 1]], np.uint64), 0, True)
@example(SAME, 5, True)
@example(SAME, 5, False)
def test_limit_holds_in_little_memory(pairs, rows, radius, whole):
    options = JoinOptions(memory=1)
    with (
        mock.patch.object(batches, "_MIN_PAIRS", pairs),
        mock.patch.object(batches, "_MIN_ROWS", 4),
    ):
        count = len(listed(find_matches(Index(rows), None, radius, options=options)))
        for limit in {count - 1, count // 2, 0} & set(range(count)):
            settings = {"max_pairs": limit, "options": options, "whole_rows": whole}
            with pytest.raises(TooManyPairsError) as caught:
                listed(find_matches(Index(rows), None, radius, **settings))
            assert caught.value.limit == limit
            assert limit < caught.value.pairs <= count

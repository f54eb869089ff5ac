"""Pairs that are copies at any distance, against plain stars and components over all pairs."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.groups import stars
from fastphash.groups.grouping import GROUPINGS, find_copies, find_keepers
from fastphash.joins.index import Index
from fastphash.store.content import Content
from fastphash.verification.criteria import CopyCriteria
from tests.support import naive
from tests.support.examples import examples
from tests.support.thumbnails import POOL

seeds = st.integers(0, 2**32 - 1)
groupings = st.sampled_from(GROUPINGS)
TWINS = {"star": naive.stars, "components": naive.components}


def some_pairs(rng, rows, number):
    """Random pairs, either row first, in any order, some of them twice."""
    pairs = rng.integers(0, max(rows, 1), (number, 2))
    return pairs[pairs[:, 0] != pairs[:, 1]]


def both_ways(pairs):
    return {tuple(pair) for one in pairs.tolist() for pair in (one, one[::-1])}


@pytest.mark.parametrize("held", [0, 1, 5, 1 << 21])
@examples(50)
@given(seeds, st.integers(0, 30), st.integers(0, 20), st.integers(0, 4), groupings)
def test_extra_pairs_are_pairs_as_all_others(held, seed, size, number, radius, grouping):
    rng = np.random.default_rng(seed)
    rows = naive.crowd(seed, size, int(rng.choice([1, 8])))
    extra = some_pairs(rng, size, number)
    apart = np.arange(size, dtype=np.uint64)[:, None]
    with mock.patch.object(stars, "_PAIRS_HELD", held):
        found = find_keepers(
            Index(rows),
            Content(),
            CopyCriteria(radius),
            grouping=grouping,
            distinguish_by=[apart],
            extra=extra,
        )
    pairs = (naive.links(rows, radius) if size else set()) | both_ways(extra)
    assert found.tolist() == TWINS[grouping](size, pairs)


@examples(50)
@given(seeds, st.lists(st.integers(0, len(POOL) - 1), max_size=20), st.integers(0, 8), groupings)
def test_rows_that_look_the_same_share_their_extra_pairs(seed, chosen, number, grouping):
    rng = np.random.default_rng(seed)
    # equal pictures have equal hashes here, and other ones are far apart
    hashes = np.random.default_rng(0).integers(0, 2**64, len(POOL), np.uint64)[chosen][:, None]
    extra = some_pairs(rng, len(chosen), number)
    digests = np.stack([hashes[:, 0], hashes[:, 0]], axis=1)
    found = find_keepers(
        Index(hashes),
        Content(POOL[chosen], digests=digests),
        CopyCriteria(0),
        grouping=grouping,
        extra=extra,
        is_copy=lambda left, right, distance, comparison: distance == 0,
    )
    equals = {
        (i, j) for i, one in enumerate(chosen) for j, other in enumerate(chosen) if one == other
    }
    pairs = equals | {
        (i, j)
        for one, other in both_ways(extra)
        for i in range(len(chosen))
        for j in range(len(chosen))
        if chosen[i] == chosen[one] and chosen[j] == chosen[other]
    }
    assert found.tolist() == TWINS[grouping](len(chosen), pairs)


def test_copies_far_from_their_keeper_are_compared_with_it():
    rows = np.array([0, 2**64 - 1, 2**40 - 1], np.uint64)
    thumbnails = POOL[[2, 3, 11]]
    extra = np.array([[1, 0]])
    found = find_copies(Index(rows), Content(thumbnails), CopyCriteria(4), extra=extra)
    assert found.keeper.tolist() == [0, 0, 2]
    assert found.distance.tolist() == [0, 64, 0]
    assert found.comparison.score[1] > 0.5


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_a_hundred_thousand_extra_pairs(grouping):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2**64, 200_000, np.uint64)
    # each odd row is a copy of the even one before it
    extra = np.arange(200_000).reshape(-1, 2)[rng.permutation(100_000)]
    found = find_keepers(Index(rows), Content(), CopyCriteria(0), grouping=grouping, extra=extra)
    assert np.array_equal(found, np.arange(200_000) // 2 * 2)

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.joins.distances import count_pairs_by_distance, row_distances
from fastphash.joins.index import Index
from fastphash.kernels import expansion
from tests.support import naive
from tests.support.hash_strategies import hash_rows, seeds


@given(
    st.sampled_from([1, 8]),
    st.sampled_from([1, 8]),
    seeds,
    st.sets(st.integers(1, 7)),
    st.sets(st.integers(1, 7)),
)
@example(8, 8, 6, set(range(1, 8)), set(range(1, 8)))
def test_pairs_relate_as_their_twins_do(left_width, right_width, seed, left_known, right_known):
    rows = naive.crowd(seed, 20, 8)
    left = Index(rows[:9, :left_width], (0, *sorted(left_known))[: left_width or None])
    right = Index(rows[9:, :right_width], (0, *sorted(right_known))[: right_width or None])
    i, j = (a.reshape(-1).copy() for a in np.indices((len(left), len(right))))
    expected = naive.relation(left.hashes, right.hashes, left.known, right.known)
    for result, twin in zip(row_distances(left, i, right, j), expected, strict=True):
        assert np.array_equal(result, twin.reshape(-1))


@pytest.mark.parametrize("threads", [1, 2])
@given(hash_rows(st.integers(0, 20), 8), st.sets(st.integers(1, 7)))
@example(np.zeros((3, 8), np.uint64), set())
@example(np.empty((0, 8), np.uint64), {1})
def test_distances_are_counted_as_their_twin_does(threads, hashes, known):
    rows = Index(hashes, (0, *sorted(known)))
    assert np.array_equal(
        count_pairs_by_distance(rows, threads), naive.distance_counts(hashes, rows.known)
    )


members = st.lists(st.integers(0, 4), min_size=1, max_size=8)


@given(members, members, seeds)
@example([0], [0], 0)
@example([3], [1], 0)
def test_pairs_of_classes_stand_for_pairs_of_members(left, right, seed):
    rng = np.random.default_rng(seed)
    starts = [np.concatenate(([0], np.cumsum(s))).astype(np.uint32) for s in (left, right)]
    rows = [rng.permutation(50)[: sum(s)].astype(np.uint32) for s in (left, right)]
    pairs = [rng.integers(0, len(s), 6) for s in (left, right)]
    expected = [
        (a, b, p)
        for p, (i, j) in enumerate(zip(*pairs, strict=True))
        for a in rows[0][starts[0][i] : starts[0][i + 1]]
        for b in rows[1][starts[1][j] : starts[1][j + 1]]
    ]
    size = expansion.count_expanded(pairs[0], starts[0], pairs[1], starts[1])
    assert size == len(expected)
    out = [np.empty(size, np.int64) for _ in range(3)]
    expansion.expand(pairs[0], starts[0], rows[0], pairs[1], starts[1], rows[1], *out)
    assert list(zip(*out, strict=True)) == expected

    inside = [
        (a, b, c)
        for c, (i, j) in enumerate(pairwise(starts[0]))
        for a, b in combinations(rows[0][i:j], 2)
    ]
    assert expansion.count_inside(starts[0]) == len(inside)
    out = [np.empty(len(inside), np.int64) for _ in range(3)]
    expansion.expand_inside(starts[0], rows[0], *out)
    assert list(zip(*out, strict=True)) == inside

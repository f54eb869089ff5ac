"""Proposed pairs are checked as the plain twin does, from wherever a call left off."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.joins.values import sort_values
from fastphash.kernels import proposals
from tests.support import naive
from tests.support.hash_strategies import seeds


def lists_of(rows, word):
    return sort_values(np.ascontiguousarray(rows[:, word]))


def check_all(sides, lists, numbers, forest, earlier, radius, room, *, inside):
    """All that `check` writes, into room for so many pairs at a time."""
    state = np.zeros(proposals.STATES, np.int64)
    state[proposals.INSIDE] = inside
    arrays = [
        part
        for side, own, proposed in zip(sides, lists, numbers, strict=True)
        for part in (side, own.starts, own.rows, proposed)
    ]
    found = []
    while state[proposals.PROPOSAL] < numbers[0].size:
        out = [np.empty(room, np.int64) for _ in range(2)]
        count = proposals.check(*arrays, *forest, earlier, radius, state, *out)
        found += zip(*(column[:count].tolist() for column in out), strict=True)
    return found


@pytest.mark.parametrize("labelled", [False, True])
@given(seeds, st.integers(0, 25), st.integers(0, 3), st.integers(0, 120), st.integers(1, 9))
def test_checked_pairs_are_those_of_the_twin(labelled, seed, size, word, radius, room):
    rng = np.random.default_rng(seed)
    rows = naive.wide_crowd(seed, size)[:, 0]
    lists = lists_of(rows, word)
    earlier = rng.integers(-1, 20, word)
    forest = [np.empty(0, np.uint32)] * 2
    if labelled:
        forest = [rng.integers(0, 2 * size + 1, size), rng.integers(0, 4, size + 1)]
        forest = [column.astype(np.uint32) for column in forest]
    every = np.arange(len(lists.values))
    proposed = [*product(every.tolist(), repeat=2)]
    left, right = np.array(proposed, np.int64).reshape(-1, 2).T.copy()

    def is_near(i, j):
        apart = np.bitwise_count(rows[i] ^ rows[j])
        if (apart[:word] <= earlier).any() or apart.sum() > radius:
            return False
        if not labelled:
            return True
        a, b = forest[0][[i, j]].tolist()
        return not a & b & 1 and forest[1][a >> 1] != forest[1][b >> 1]

    members = [lists.rows[a:b].tolist() for a, b in pairwise(lists.starts)]
    sides, both = (rows, rows), (lists, lists)
    found = check_all(sides, both, (left, right), forest, earlier, radius, room, inside=False)
    assert found == [
        (i, j) for a, b in proposed for i in members[a] for j in members[b] if is_near(i, j)
    ]
    found = check_all(sides, both, (every, every), forest, earlier, radius, room, inside=True)
    assert found == [
        (i, j)
        for own in members
        for place, i in enumerate(own)
        for j in own[place + 1 :]
        if is_near(i, j)
    ]

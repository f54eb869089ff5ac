"""Pairs of hashes of several words, proposed because a word is near: which are near as a whole."""

from typing import Any

import numpy as np
from numba import int64, uint32, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const, inner
from fastphash.kernels.simd import popcount

#: Entries of `state`: where to resume, and whether lists are paired with themselves. PROPOSAL is
#: the number of proposals when all is done.
PROPOSAL, LEFT, RIGHT, INSIDE, STATES = range(5)
#: Pairs that one call checks, at most, before it says how far it got.
MOST_CHECKS = 1 << 22


@inner
def _is_near(
    left: NDArray[np.uint64], right: NDArray[np.uint64], thresholds: NDArray[np.int64], radius: int
) -> Any:
    """Whether two hashes are within the radius, and no earlier word is within its threshold."""
    distance = np.int64(0)
    for word in range(left.size):
        bits_apart = np.int64(popcount(left[word] ^ right[word]))
        distance += bits_apart
        if word < thresholds.size and bits_apart <= thresholds[word]:
            return False
    return distance <= radius


@inner
def _have_one_root(
    rows: NDArray[np.uint32],
    others: NDArray[np.uint32],
    labels: NDArray[np.uint32],
    roots: NDArray[np.uint32],
) -> Any:
    root = roots[labels[rows[0]] >> np.uint32(1)]
    for some in (rows, others):
        for row in some:
            if roots[labels[row] >> np.uint32(1)] != root:
                return False
    return True


@inner
def _may_pair(one: int, other: int, roots: NDArray[np.uint32]) -> Any:
    """Whether two labels of `hamming.find_edges` may be paired."""
    odd = one & other & np.uint32(1)
    return not odd and roots[one >> np.uint32(1)] != roots[other >> np.uint32(1)]


@compiled(
    const(uint64, 2),
    const(uint32),
    const(uint32),
    const(int64),
    const(uint64, 2),
    const(uint32),
    const(uint32),
    const(int64),
    const(uint32),
    const(uint32),
    const(int64),
    int64,
    array(int64),
    array(int64),
    array(int64),
    returns=int64,
)
def check(
    left: NDArray[np.uint64],
    left_starts: NDArray[np.uint32],
    left_rows: NDArray[np.uint32],
    left_numbers: NDArray[np.int64],
    right: NDArray[np.uint64],
    right_starts: NDArray[np.uint32],
    right_rows: NDArray[np.uint32],
    right_numbers: NDArray[np.int64],
    labels: NDArray[np.uint32],
    roots: NDArray[np.uint32],
    thresholds: NDArray[np.int64],
    radius: int,
    state: NDArray[np.int64],
    out_left: NDArray[np.int64],
    out_right: NDArray[np.int64],
) -> int:
    """Write the near pairs of a row of list left_numbers[k] and one of list right_numbers[k].

    List c is rows[starts[c]:starts[c + 1]], of rows of `left` or `right`, (n, words). With
    state[INSIDE] the two lists are one, and its rows are paired with those behind them. A pair
    within the threshold of one of the first words was proposed for that word, and is left out.
    `labels` and `roots`, where not empty, are those of `hamming.find_edges`.

    Returns how many were written. When there is no room for another pair, or `MOST_CHECKS` were
    checked, `state` says where to resume.
    """
    count = 0
    checked = 0
    for k in range(state[PROPOSAL], left_numbers.size):
        a = left_numbers[k]
        b = right_numbers[k]
        one = left_rows[left_starts[a] : left_starts[a + 1]]
        other = right_rows[right_starts[b] : right_starts[b + 1]]
        passed = labels.size > 0 and _have_one_root(one, other, labels, roots)
        for i in range(state[LEFT], 0 if passed else one.size):
            row = one[i]
            first = i + 1 if state[INSIDE] else 0
            for j in range(max(first, state[RIGHT]), other.size):
                if checked == MOST_CHECKS or count == out_left.size:
                    state[PROPOSAL] = k
                    state[LEFT] = i
                    state[RIGHT] = j
                    return count
                checked += 1
                if labels.size > 0 and not _may_pair(labels[row], labels[other[j]], roots):
                    continue
                if _is_near(left[row], right[other[j]], thresholds, radius):
                    out_left[count] = row
                    out_right[count] = other[j]
                    count += 1
            state[RIGHT] = 0
        state[LEFT] = 0
        state[RIGHT] = 0
    state[PROPOSAL] = left_numbers.size
    return count

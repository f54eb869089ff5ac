"""Pairs of distinct values expanded to pairs of the rows that have them.

The rows of value c, its members, are rows[starts[c]:starts[c + 1]].
"""

import numpy as np
from numba import int64, uint32
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const


@compiled(const(int64), const(uint32), const(int64), const(uint32), returns=int64)
def count_expanded(
    left: NDArray[np.int64],
    left_starts: NDArray[np.uint32],
    right: NDArray[np.int64],
    right_starts: NDArray[np.uint32],
) -> int:
    """How many pairs of rows `expand` writes."""
    total = 0
    for i in range(left.size):
        a = np.int64(left_starts[left[i] + 1]) - np.int64(left_starts[left[i]])
        b = np.int64(right_starts[right[i] + 1]) - np.int64(right_starts[right[i]])
        total += int(a * b)
    return total


@compiled(
    const(int64),
    const(uint32),
    const(uint32),
    const(int64),
    const(uint32),
    const(uint32),
    array(int64),
    array(int64),
    array(int64),
)
def expand(
    left: NDArray[np.int64],
    left_starts: NDArray[np.uint32],
    left_rows: NDArray[np.uint32],
    right: NDArray[np.int64],
    right_starts: NDArray[np.uint32],
    right_rows: NDArray[np.uint32],
    out_left: NDArray[np.int64],
    out_right: NDArray[np.int64],
    out_pair: NDArray[np.int64],
) -> None:
    """Write every pair of a member of left[i] and one of right[i], and i."""
    at = 0
    for i in range(left.size):
        for a in range(left_starts[left[i]], left_starts[left[i] + 1]):
            for b in range(right_starts[right[i]], right_starts[right[i] + 1]):
                out_left[at] = left_rows[a]
                out_right[at] = right_rows[b]
                out_pair[at] = i
                at += 1


@compiled(const(uint32), returns=int64)
def count_inside(starts: NDArray[np.uint32]) -> int:
    """How many pairs of rows `expand_inside` writes."""
    total = 0
    for c in range(starts.size - 1):
        members = np.int64(starts[c + 1]) - np.int64(starts[c])
        total += int(members * (members - 1) // 2)
    return total


@compiled(const(uint32), const(uint32), array(int64), array(int64), array(int64))
def expand_inside(
    starts: NDArray[np.uint32],
    rows: NDArray[np.uint32],
    out_left: NDArray[np.int64],
    out_right: NDArray[np.int64],
    out_class: NDArray[np.int64],
) -> None:
    """Write every pair of two members of one value, and the value."""
    at = 0
    for c in range(starts.size - 1):
        for a in range(starts[c], starts[c + 1]):
            for b in range(a + 1, np.int64(starts[c + 1])):
                out_left[at] = rows[a]
                out_right[at] = rows[b]
                out_class[at] = c
                at += 1

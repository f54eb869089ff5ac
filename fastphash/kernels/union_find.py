"""Union-find, and stars: rows joined to the first keeper they are paired with."""

import numpy as np
from numba import int64, uint32, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const


@compiled(const(int64), const(int64), array(int64))
def stars_of_pairs(
    left: NDArray[np.int64], right: NDArray[np.int64], keeper: NDArray[np.int64]
) -> None:
    """Join each row to the first keeper that it is paired with.

    Pairs have left < right and ascend by left; in `keeper` each row starts as its own.
    """
    for i in range(left.size):
        if keeper[left[i]] == left[i] and keeper[right[i]] == right[i]:
            keeper[right[i]] = left[i]


@compiled(const(int64), const(int64), array(uint64), array(int64), array(int64), returns=int64)
def stream_stars(
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    copies: NDArray[np.uint64],
    out_row: NDArray[np.int64],
    out_keeper: NDArray[np.int64],
) -> int:
    """Write each row that becomes a copy, and its keeper; returns how many there are.

    As `stars_of_pairs`, of pairs that come in batches: `copies` has the bits of all copies so far.
    """
    count = 0
    for i in range(left.size):
        a, b = np.uint64(left[i]), np.uint64(right[i])
        if copies[a >> np.uint64(6)] >> (a & np.uint64(63)) & np.uint64(1):
            continue
        bit = np.uint64(1) << (b & np.uint64(63))
        if copies[b >> np.uint64(6)] & bit:
            continue
        copies[b >> np.uint64(6)] |= bit
        out_row[count] = right[i]
        out_keeper[count] = left[i]
        count += 1
    return count


@compiled(const(int64), const(int64), array(int64))
def unite(left: NDArray[np.int64], right: NDArray[np.int64], root: NDArray[np.int64]) -> None:
    """Union the sets of the two rows of each pair; the root of a set is its first row.

    Paths are halved on the way to a root (Tarjan and van Leeuwen, 1984).
    """
    for i in range(left.size):
        a = left[i]
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        b = right[i]
        while root[b] != b:
            root[b] = root[root[b]]
            b = root[b]
        root[max(a, b)] = min(a, b)


@compiled(array(int64), array(uint32))
def find_roots(root: NDArray[np.int64], out: NDArray[np.uint32]) -> None:
    """Find the root of every row; one pass is enough, because no root comes after its rows."""
    for i in range(root.size):
        root[i] = root[root[i]]
        out[i] = np.uint32(root[i])


@compiled(const(int64), const(int64), array(uint32))
def unite_few(left: NDArray[np.int64], right: NDArray[np.int64], root: NDArray[np.uint32]) -> None:
    """As `unite`, of 2^32 rows at most: half of the memory, and so more of it in the caches."""
    for i in range(left.size):
        a = np.uint64(left[i])
        while root[a] != a:
            root[a] = root[root[a]]
            a = np.uint64(root[a])
        b = np.uint64(right[i])
        while root[b] != b:
            root[b] = root[root[b]]
            b = np.uint64(root[b])
        root[max(a, b)] = np.uint32(min(a, b))


@compiled(array(uint32), int64, int64, array(int64), array(int64), returns=int64)
def copies_of_roots(
    root: NDArray[np.uint32],
    first: int,
    last: int,
    out_row: NDArray[np.int64],
    out_keeper: NDArray[np.int64],
) -> int:
    """Write the rows from `first` up to `last` that aren't their own root; returns how many.

    The roots of all rows before `first` must have been found so.
    """
    count = 0
    for i in range(first, last):
        root[i] = root[root[i]]
        out_row[count] = i
        out_keeper[count] = root[i]
        count += np.int64(root[i]) != i
    return count

"""Union-find, and the stars of a graph of pairs."""

import numpy as np
from numba import int64, uint32
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const


@compiled(const(int64), const(int64), array(int64))
def stars_of_pairs(
    left: NDArray[np.int64], right: NDArray[np.int64], keeper: NDArray[np.int64]
) -> None:
    """Join each row to the first keeper it is paired with; pairs left < right, ascending by left.

    `keeper` starts with every row its own.
    """
    for i in range(left.size):
        if keeper[left[i]] == left[i] and keeper[right[i]] == right[i]:
            keeper[right[i]] = left[i]


@compiled(const(int64), const(int64), array(int64))
def unite(left: NDArray[np.int64], right: NDArray[np.int64], root: NDArray[np.int64]) -> None:
    """Join what each pair's two belong to; the root of a set is its first (union-find).

    Paths are halved while they are walked: Tarjan and van Leeuwen, 1984.
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
    """The root of every row; a row's root is never above it, so that one pass is enough."""
    for i in range(root.size):
        root[i] = root[root[i]]
        out[i] = np.uint32(root[i])

"""How two rows of hashes relate, and lists of pairs."""

import numpy as np
from numba import int64, uint8, uint32, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const
from fastphash.kernels.vector import popcount


@compiled(
    const(uint64, 2),
    const(int64),
    const(uint64, 2),
    const(int64),
    const(uint8, 2),
    array(uint8),
    array(uint8),
)
def relate(
    left: NDArray[np.uint64],
    left_rows: NDArray[np.int64],
    right: NDArray[np.uint64],
    right_rows: NDArray[np.int64],
    ways: NDArray[np.uint8],
    distance: NDArray[np.uint8],
    mask: NDArray[np.uint8],
) -> None:
    """The least distance of each pair over `ways`, and a bit for each orientation that gives it.

    A way is: a column of `left`, one of `right`, the orientation that their likeness means.
    """
    for i in range(left_rows.size):
        a = left[left_rows[i]]
        b = right[right_rows[i]]
        least = np.uint64(65)
        bits = np.uint8(0)
        for w in range(ways.shape[0]):
            apart = np.uint64(popcount(a[ways[w, 0]] ^ b[ways[w, 1]]))
            if apart < least:
                least = apart
                bits = np.uint8(0)
            if apart == least:
                bits |= np.uint8(1) << ways[w, 2]
        distance[i] = np.uint8(least)
        mask[i] = bits


@compiled(const(uint64, 2), const(uint8, 2), int64, int64, array(int64), array(int64))
def count_distances(
    hashes: NDArray[np.uint64],
    ways: NDArray[np.uint8],
    start: int,
    stop: int,
    least: NDArray[np.int64],
    most: NDArray[np.int64],
) -> None:
    """Count pairs start <= i < stop, i < j by their least and by their greatest distance (65,)."""
    for i in range(start, stop):
        a = hashes[i]
        for j in range(i + 1, hashes.shape[0]):
            b = hashes[j]
            low = np.uint64(64)
            high = np.uint64(0)
            for w in range(ways.shape[0]):
                apart = np.uint64(popcount(a[ways[w, 0]] ^ b[ways[w, 1]]))
                low = min(low, apart)
                high = max(high, apart)
            least[low] += 1
            most[high] += 1


@compiled(const(int64), const(uint32), const(int64), const(uint32), returns=int64)
def count_expanded(
    left: NDArray[np.int64],
    left_starts: NDArray[np.uint32],
    right: NDArray[np.int64],
    right_starts: NDArray[np.uint32],
) -> int:
    """How many pairs of members the pairs of classes stand for."""
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
    """Every pair of a member of left[i] and one of right[i], and i."""
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
    """How many pairs of two members of one class there are."""
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
    """Every pair of two members of one class, and the class."""
    at = 0
    for c in range(starts.size - 1):
        for a in range(starts[c], starts[c + 1]):
            for b in range(a + 1, np.int64(starts[c + 1])):
                out_left[at] = rows[a]
                out_right[at] = rows[b]
                out_class[at] = c
                at += 1


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

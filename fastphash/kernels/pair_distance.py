"""Hamming distances of pairs of rows over all orientations."""

import numpy as np
from numba import int64, uint8, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const
from fastphash.kernels.simd import popcount


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
    """The least distance of each pair over `ways`, and a bit for each orientation that has it.

    A way is a column of `left`, a column of `right`, and the orientation that they compare.
    """
    for i in range(left_rows.size):
        a = left[left_rows[i]]
        b = right[right_rows[i]]
        least = np.uint64(65)
        bits = np.uint8(0)
        for w in range(ways.shape[0]):
            bits_apart = np.uint64(popcount(a[ways[w, 0]] ^ b[ways[w, 1]]))
            if bits_apart < least:
                least = bits_apart
                bits = np.uint8(0)
            if bits_apart == least:
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
    """Count pairs start <= i < stop, i < j, in (65,) by least and by greatest distance."""
    for i in range(start, stop):
        a = hashes[i]
        for j in range(i + 1, hashes.shape[0]):
            b = hashes[j]
            low = np.uint64(64)
            high = np.uint64(0)
            for w in range(ways.shape[0]):
                bits_apart = np.uint64(popcount(a[ways[w, 0]] ^ b[ways[w, 1]]))
                low = min(low, bits_apart)
                high = max(high, bits_apart)
            least[low] += 1
            most[high] += 1

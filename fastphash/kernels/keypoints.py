"""Keypoints that look alike: the marks of two pictures, compared bit by bit."""

import numpy as np
from numba import int64, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const
from fastphash.kernels.simd import popcount

#: Words of 64 bits of a mark.
WORDS = 4
_FAR = 64 * WORDS + 1


@compiled(const(uint64, 2), const(uint64, 2), array(int64), array(int64))
def find_nearest(
    left: NDArray[np.uint64],
    right: NDArray[np.uint64],
    nearest: NDArray[np.int64],
    distance: NDArray[np.int64],
) -> None:
    """Fill the first of the nearest right marks (m, 4) of each left one (n, 4), and how far."""
    for i in range(left.shape[0]):
        a, b, c, d = left[i, 0], left[i, 1], left[i, 2], left[i, 3]
        best, place = np.int64(_FAR), np.int64(0)
        for j in range(right.shape[0]):
            bits = popcount(a ^ right[j, 0]) + popcount(b ^ right[j, 1])
            bits += popcount(c ^ right[j, 2]) + popcount(d ^ right[j, 3])
            if np.int64(bits) < best:
                best, place = np.int64(bits), np.int64(j)
        nearest[i], distance[i] = place, best

"""Hamming distances of pairs of rows over all orientations."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import int64, uint8, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const
from fastphash.kernels.simd import popcount


def _compile_relate(words: int) -> Callable[..., Any]:
    """The distances of pairs of rows, for hashes of so many words.

    `relate` finds the least distance of each pair over `ways`, and a bit for each orientation that
    has it. A way is a column of `left` (n, columns * words), a column of `right`, and the
    orientation that they compare. A distance of 256 bits is written as 255. (A function of its own
    for the distance would be part of what numba hashes for its cache, and never the same.)
    """

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
        for i in range(left_rows.size):
            a = left[left_rows[i]]
            b = right[right_rows[i]]
            least = np.uint64(64 * words + 1)
            bits = np.uint8(0)
            for w in range(ways.shape[0]):
                bits_apart = np.uint64(0)
                for k in range(words):
                    # unsigned: no test for negative places
                    i_left = np.uint64(words) * ways[w, 0] + np.uint64(k)
                    i_right = np.uint64(words) * ways[w, 1] + np.uint64(k)
                    bits_apart += np.uint64(popcount(a[i_left] ^ b[i_right]))
                if bits_apart < least:
                    least = bits_apart
                    bits = np.uint8(0)
                if bits_apart == least:
                    bits |= np.uint8(1) << ways[w, 2]
            distance[i] = np.uint8(min(least, np.uint64(255)))
            mask[i] = bits

    return relate


def _compile_count(words: int) -> Callable[..., Any]:
    """Counts of pairs by distance, for hashes of so many words.

    `count_distances` counts pairs start <= i < stop, i < j, in (64 * words + 1,) by least and by
    greatest distance over `ways`.
    """

    @compiled(const(uint64, 2), const(uint8, 2), int64, int64, array(int64), array(int64))
    def count_distances(
        hashes: NDArray[np.uint64],
        ways: NDArray[np.uint8],
        start: int,
        stop: int,
        least: NDArray[np.int64],
        most: NDArray[np.int64],
    ) -> None:
        for i in range(start, stop):
            a = hashes[i]
            for j in range(i + 1, hashes.shape[0]):
                b = hashes[j]
                low = np.uint64(64 * words)
                high = np.uint64(0)
                for w in range(ways.shape[0]):
                    bits_apart = np.uint64(0)
                    for k in range(words):
                        i_left = np.uint64(words) * ways[w, 0] + np.uint64(k)
                        i_right = np.uint64(words) * ways[w, 1] + np.uint64(k)
                        bits_apart += np.uint64(popcount(a[i_left] ^ b[i_right]))
                    low = min(low, bits_apart)
                    high = max(high, bits_apart)
                least[low] += 1
                most[high] += 1

    return count_distances


#: By the number of words of a hash.
relate = {words: _compile_relate(words) for words in (1, 4)}
count_distances = {words: _compile_count(words) for words in (1, 4)}

"""Which thumbnails are flat, or flat but for a few pixels: they look like any other such one."""

import numpy as np
from numba import boolean, int64, uint8
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const, inner
from fastphash.kernels.agreement import FLAT_DEVIATION

#: Pixels that don't count: a hot pixel of a picture as small as a thumbnail, and what the resize
#: makes of one in a larger picture.
OUTLIERS = 9
_LEVELS = 256


@inner
def _least_variance(pixels: NDArray[np.uint8], counts: NDArray[np.int64]) -> float:
    """The variance of the pixels without the OUTLIERS, the lowest and highest, that minimise it."""
    counts[:] = 0
    for value in pixels:
        counts[value] += 1
    left = pixels.size - OUTLIERS
    total, squares = np.int64(0), np.int64(0)
    # begin without the highest ones
    taken = np.int64(0)
    high = 0
    for level in range(_LEVELS):
        number = min(counts[level], left - taken)
        total += number * level
        squares += number * level * level
        taken += number
        if number:
            high = level
    used = np.int64(0)
    for level in range(high + 1):
        used += counts[level]
    spare = used - left  # pixels of level `high` that are left out
    least = squares / left - (total / left) ** 2
    low = 0
    gone = 0
    for _ in range(OUTLIERS):
        while gone == counts[low]:
            low += 1
            gone = 0
        gone += 1
        while spare == 0:
            high += 1
            spare = counts[high]
        spare -= 1
        total += high - low
        squares += high * high - low * low
        least = min(least, squares / left - (total / left) ** 2)
    return least


@compiled(const(uint8, 2), const(int64), array(boolean))
def find_flat(
    thumbnails: NDArray[np.uint8], rows: NDArray[np.int64], flat: NDArray[np.bool_]
) -> None:
    """Fill in whether the thumbnails (n, p), p > 9, of these rows (k,) are flat."""
    counts = np.empty(_LEVELS, np.int64)
    limit = FLAT_DEVIATION * FLAT_DEVIATION
    # so much variance is left when the rest is flat and outliers are as far away as can be
    most = limit + OUTLIERS * 255.0 * 255.0 / thumbnails.shape[1]
    for i in range(rows.size):
        pixels = thumbnails[rows[i]]
        total = np.int64(0)
        squares = np.int64(0)
        for value in pixels:
            total += np.int64(value)
            squares += np.int64(value) * np.int64(value)
        mean = total / pixels.size
        variance = squares / pixels.size - mean * mean
        flat[i] = variance < most and _least_variance(pixels, counts) < limit

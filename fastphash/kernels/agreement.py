"""Whether two thumbnails show the same picture, apart from saving again and brightness.

The tolerances are measured in benchmarks/accuracy/thumbnails.py: they separate copies that were
saved again or made brighter from look-alikes whose hashes are equal.
"""

import math

import numpy as np
from numba import boolean, float32, int64, uint8, uint16
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels import array, compiled, const, inner
from fastphash.kernels.subject import find_ground

# Below this standard deviation, in grey levels, a thumbnail is flat: only levels are compared.
FLAT_DEVIATION = 1.0
FLAT_LEVELS = 4
# Above this kurtosis the picture is a small subject on a ground. The ground is plain if it has this
# share of the pixels within so many levels of the most frequent one. Plain grounds agree anyway,
# and any two small subjects correlate: so levels are compared as well.
SPARSE_KURTOSIS = 20.0
PLAIN_SHARE = 0.75
PLAIN_RANGE = 2
PLAIN_LEVELS = 4
PLAIN_CORRELATION = 0.95
# Saving again, at JPEG quality 30 and up, moves no pixel further than this ...
SAVED_LEVELS = 17
SAVED_CORRELATION = 0.9
SAVED_DEVIATION = 2.0
# ... but an edit of brightness or contrast may; it leaves the picture the same apart from clipping.
EDITED_CORRELATION = 0.97
EDITED_DEVIATION = 3.0
# If both grounds cover this share of their pictures, similar outlines are enough to correlate.
# Then the pixels inside the outlines must correlate too, if there are this many. If their deviation
# is below this share of their distance from the ground, it is only what the resize of a sharp
# outline leaves, and their levels are compared instead.
GROUND_SHARE = 0.5
INSIDE_PIXELS = 9
INSIDE_DEVIATION = 0.05
INSIDE_CORRELATION = 0.9


@inner
def _plain_ground(pixels: NDArray[np.uint8], share: float) -> int:
    """The level of the ground if this share of the pixels is near it, else -1."""
    ground, count = find_ground(pixels, PLAIN_RANGE)
    return ground if count >= share * pixels.size else -1


@inner
def _is_inside(pixels: NDArray[np.uint8], ground: int, i: int, j: int) -> bool:
    """Whether a pixel and the eight around it are off the ground."""
    for y in range(i - 1, i + 2):
        for x in range(j - 1, j + 2):
            if abs(np.int64(pixels[y * THUMBNAIL_SIDE + x]) - ground) <= PLAIN_RANGE:
                return False
    return True


@inner
def _agree_inside(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> bool:
    """Whether two subjects agree inside their outlines; true unless both are on a ground."""
    ground_a = _plain_ground(a, GROUND_SHARE)
    ground_b = _plain_ground(b, GROUND_SHARE) if ground_a >= 0 else -1
    if ground_b < 0:
        return True
    n, mean_a, mean_b, squares_a, squares_b, products = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    levels = 0.0
    for i in range(1, THUMBNAIL_SIDE - 1):
        for j in range(1, THUMBNAIL_SIDE - 1):
            if _is_inside(a, ground_a, i, j) and _is_inside(b, ground_b, i, j):
                x, y = float(a[i * THUMBNAIL_SIDE + j]), float(b[i * THUMBNAIL_SIDE + j])
                n += 1
                mean_a += x
                mean_b += y
                squares_a += x * x
                squares_b += y * y
                products += x * y
                levels = max(levels, abs(x - y))
    if n < INSIDE_PIXELS:
        return True
    mean_a /= n
    mean_b /= n
    variance_a, variance_b = squares_a / n - mean_a * mean_a, squares_b / n - mean_b * mean_b
    if max(
        variance_a / max((mean_a - ground_a) ** 2, 1.0),
        variance_b / max((mean_b - ground_b) ** 2, 1.0),
    ) < (INSIDE_DEVIATION * INSIDE_DEVIATION):
        return bool(levels <= SAVED_LEVELS)
    limit = INSIDE_CORRELATION * math.sqrt(max(variance_a * variance_b, 0.0))
    return bool(min(variance_a, variance_b) > 0 and products / n - mean_a * mean_b >= limit)


@inner
def _fourth_moment(pixels: NDArray[np.uint8], mean: float) -> float:
    """Fourth central moment, from sums of whole numbers so that the compiler uses vectors."""
    second = np.int64(0)
    third = np.int64(0)
    fourth = np.int64(0)
    for value in pixels:
        square = np.int64(value) * np.int64(value)
        second += square
        third += square * np.int64(value)
        fourth += square * square
    n = pixels.size
    return float((fourth - 4 * mean * third + 6 * mean**2 * second) / n - 3 * mean**4)


@inner
def _largest_difference(
    a: NDArray[np.uint8],
    mean_a: float,
    deviation_a: float,
    b: NDArray[np.uint8],
    mean_b: float,
    deviation_b: float,
) -> float:
    """The largest difference of two thumbnails with mean 0 and deviation 1, to 2**-12."""
    gain_a = np.int64(round(2**20 / deviation_a))
    gain_b = np.int64(round(2**20 / deviation_b))
    high = np.int64(-(2**62))
    low = np.int64(2**62)
    for p in range(a.size):
        difference = np.int64(a[p]) * gain_a - np.int64(b[p]) * gain_b
        high = max(high, difference)
        low = min(low, difference)
    offset = mean_a * gain_a - mean_b * gain_b
    return float(max(high - offset, offset - low) / 2**20)


@inner
def _compare(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> tuple[bool, float]:
    """Whether uint8 (1024,) `a` and `b` agree, and how much: their correlation, 0 to 1."""
    n = a.size
    levels = np.int64(0)
    sum_a = np.int64(0)
    sum_b = np.int64(0)
    sum_aa = np.int64(0)
    sum_bb = np.int64(0)
    sum_ab = np.int64(0)
    for p in range(n):
        # np.int64 and not int, which numba leaves unsigned: 1 - 2 would be 2**64 - 1
        x = np.int64(a[p])
        y = np.int64(b[p])
        levels = max(levels, abs(x - y))
        sum_a += x
        sum_b += y
        sum_aa += x * x
        sum_bb += y * y
        sum_ab += x * y
    if levels == 0:
        return True, 1.0
    mean_a = sum_a / n
    mean_b = sum_b / n
    variance_a = max(sum_aa / n - mean_a * mean_a, 0.0)
    variance_b = max(sum_bb / n - mean_b * mean_b, 0.0)
    if min(variance_a, variance_b) < FLAT_DEVIATION * FLAT_DEVIATION:
        return bool(levels <= FLAT_LEVELS), 1.0 - levels / 255.0
    covariance = sum_ab / n - mean_a * mean_b
    correlation = min(max(covariance / math.sqrt(variance_a * variance_b), 0.0), 1.0)
    kurtosis = max(
        _fourth_moment(a, mean_a) / variance_a**2, _fourth_moment(b, mean_b) / variance_b**2
    )
    if kurtosis > SPARSE_KURTOSIS and (
        min(_plain_ground(a, PLAIN_SHARE), _plain_ground(b, PLAIN_SHARE)) >= 0
    ):
        return bool(levels <= PLAIN_LEVELS and correlation >= PLAIN_CORRELATION), correlation
    difference = _largest_difference(
        a, mean_a, math.sqrt(variance_a), b, mean_b, math.sqrt(variance_b)
    )
    saved = (
        levels <= SAVED_LEVELS
        and correlation >= SAVED_CORRELATION
        and difference <= SAVED_DEVIATION
    )
    edited = correlation >= EDITED_CORRELATION and difference <= EDITED_DEVIATION
    return bool((saved or edited) and _agree_inside(a, b)), correlation


@inner
def _compare_oriented(
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
    mask: int,
    indices: NDArray[np.uint16],
    scratch: NDArray[np.uint8],
) -> tuple[bool, int, float]:
    """The first orientation in `mask` in which `a` agrees with `b`; if none, the first in it."""
    first = -1
    first_score = 0.0
    for t in range(indices.shape[0]):
        if mask >> t & 1:
            source = indices[t]
            for p in range(scratch.size):
                scratch[p] = a[source[p]]
            agrees, score = _compare(scratch, b)
            if agrees:
                return True, t, score
            if first < 0:
                first = t
                first_score = score
    return False, first, first_score


@compiled(
    const(uint8, 2),
    const(int64),
    const(uint8, 2),
    const(int64),
    const(uint8),
    const(uint16, 2),
    array(boolean),
    array(uint8),
    array(float32),
)
def compare_pairs(
    left: NDArray[np.uint8],
    left_rows: NDArray[np.int64],
    right: NDArray[np.uint8],
    right_rows: NDArray[np.int64],
    mask: NDArray[np.uint8],
    indices: NDArray[np.uint16],
    agrees: NDArray[np.bool_],
    orientation: NDArray[np.uint8],
    score: NDArray[np.float32],
) -> None:
    """Compare left[left_rows[i]], in the orientations of mask[i], with right[right_rows[i]].

    `indices` (8, 1024) orients a thumbnail, as `orientation_indices` gives it.
    """
    scratch = np.empty(indices.shape[1], np.uint8)
    for i in range(mask.size):
        agrees[i], orientation[i], score[i] = _compare_oriented(
            left[left_rows[i]], right[right_rows[i]], mask[i], indices, scratch
        )

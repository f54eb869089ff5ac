"""Whether two thumbnails show the same picture.

The tolerances are measured in benchmarks/accuracy/thumbnails.py: they part copies that were
saved again or
made brighter from look-alikes whose hashes are equal.
"""

import math

import numba
import numpy as np
from numba import boolean, float32, int64, uint8, uint16
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels import array, compiled, const

# Below this standard deviation (grey levels) a thumbnail is flat: only its levels can be compared.
FLAT = 1.0
FLAT_LEVELS = 4
# Above this kurtosis the picture is a small subject on a ground. If the ground is plain (this share
# of its pixels within so many levels of the most frequent one) it agrees by itself, and any two
# small subjects correlate: only their levels can be compared.
SPARSE = 20.0
PLAIN_SHARE = 0.75
PLAIN_RANGE = 2
PLAIN_LEVELS = 4
PLAIN_CORRELATION = 0.95
# Saving again, JPEG quality 30 and up, moves no pixel further than this ...
SAVED_LEVELS = 17
SAVED_CORRELATION = 0.9
SAVED_DEVIATION = 2.0
# ... and an edit of brightness or contrast may, but leaves the picture the same but for clipping.
EDITED_CORRELATION = 0.97
EDITED_DEVIATION = 3.0
# On a ground that is this share of both pictures, like outlines correlate so much by themselves:
# what is inside of them, if it has so many pixels, must correlate as well. If it deviates by less
# than this share of how far it is from the ground, it is no more than what the resize of a sharp
# outline leaves, and its levels must be near.
GROUND_SHARE = 0.5
INSIDE_PIXELS = 9
INSIDE_DEVIATION = 0.05
INSIDE_CORRELATION = 0.9


@numba.njit(error_model="numpy", nogil=True)
def _ground(pixels: NDArray[np.uint8], share: float) -> int:
    """The most frequent level, if so many pixels are next to it, or else -1."""
    frequency = np.zeros(256, np.int64)
    for value in pixels:
        frequency[value] += 1
    ground = 0
    for level in range(256):  # np.argmax compiles for a second
        if frequency[level] > frequency[ground]:
            ground = level
    near = 0
    for level in range(max(ground - PLAIN_RANGE, 0), min(ground + PLAIN_RANGE, 255) + 1):
        near += frequency[level]
    return ground if near >= share * pixels.size else -1


@numba.njit(error_model="numpy", nogil=True)
def _is_inside(pixels: NDArray[np.uint8], ground: int, i: int, j: int) -> bool:
    """Whether a pixel and the eight around it are off the ground."""
    for y in range(i - 1, i + 2):
        for x in range(j - 1, j + 2):
            if abs(np.int64(pixels[y * THUMBNAIL_SIDE + x]) - ground) <= PLAIN_RANGE:
                return False
    return True


@numba.njit(error_model="numpy", nogil=True)
def _agree_inside(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> bool:
    """Whether pictures of like outlines agree inside of these, as far as they are on a ground."""
    ground_a = _ground(a, GROUND_SHARE)
    ground_b = _ground(b, GROUND_SHARE) if ground_a >= 0 else -1
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


@numba.njit(error_model="numpy", nogil=True)
def _fourth(pixels: NDArray[np.uint8], mean: float) -> float:
    """Fourth central moment; sums of whole numbers, so that the compiler finds whole vectors."""
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


@numba.njit(error_model="numpy", nogil=True)
def _apart(
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


@numba.njit(error_model="numpy", nogil=True)
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
    if min(variance_a, variance_b) < FLAT * FLAT:
        return bool(levels <= FLAT_LEVELS), 1.0 - levels / 255.0
    covariance = sum_ab / n - mean_a * mean_b
    correlation = min(max(covariance / math.sqrt(variance_a * variance_b), 0.0), 1.0)
    kurtosis = max(_fourth(a, mean_a) / variance_a**2, _fourth(b, mean_b) / variance_b**2)
    if kurtosis > SPARSE and min(_ground(a, PLAIN_SHARE), _ground(b, PLAIN_SHARE)) >= 0:
        return bool(levels <= PLAIN_LEVELS and correlation >= PLAIN_CORRELATION), correlation
    apart = _apart(a, mean_a, math.sqrt(variance_a), b, mean_b, math.sqrt(variance_b))
    saved = levels <= SAVED_LEVELS and correlation >= SAVED_CORRELATION and apart <= SAVED_DEVIATION
    edited = correlation >= EDITED_CORRELATION and apart <= EDITED_DEVIATION
    return bool((saved or edited) and _agree_inside(a, b)), correlation


@numba.njit(error_model="numpy", nogil=True)
def _judge(
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
    mask: int,
    turned: NDArray[np.uint16],
    scratch: NDArray[np.uint8],
) -> tuple[bool, int, float]:
    """The first orientation in `mask` under which `a` agrees with `b`, or else the first in it."""
    first = -1
    first_score = 0.0
    for t in range(turned.shape[0]):
        if mask >> t & 1:
            indices = turned[t]
            for p in range(scratch.size):
                scratch[p] = a[indices[p]]
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
def judge_pairs(
    left: NDArray[np.uint8],
    left_rows: NDArray[np.int64],
    right: NDArray[np.uint8],
    right_rows: NDArray[np.int64],
    mask: NDArray[np.uint8],
    turned: NDArray[np.uint16],
    agrees: NDArray[np.bool_],
    orientation: NDArray[np.uint8],
    score: NDArray[np.float32],
) -> None:
    """Compare left[left_rows[i]], turned as mask[i] allows, with right[right_rows[i]]."""
    scratch = np.empty(turned.shape[1], np.uint8)
    for i in range(mask.size):
        agrees[i], orientation[i], score[i] = _judge(
            left[left_rows[i]], right[right_rows[i]], mask[i], turned, scratch
        )

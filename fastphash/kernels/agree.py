"""Whether two thumbnails show the same picture.

The tolerances are measured in benchmarks/thumbnails.py: they part copies that were saved again or
made brighter from look-alikes whose hashes are equal.
"""

import math

import numba
import numpy as np
from numba import boolean, float32, int64, uint8, uint16
from numpy.typing import NDArray

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


@numba.njit(error_model="numpy", nogil=True)
def _on_plain_ground(pixels: NDArray[np.uint8]) -> bool:
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
    return bool(near >= PLAIN_SHARE * pixels.size)


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
    if kurtosis > SPARSE and _on_plain_ground(a) and _on_plain_ground(b):
        return bool(levels <= PLAIN_LEVELS and correlation >= PLAIN_CORRELATION), correlation
    apart = _apart(a, mean_a, math.sqrt(variance_a), b, mean_b, math.sqrt(variance_b))
    saved = levels <= SAVED_LEVELS and correlation >= SAVED_CORRELATION and apart <= SAVED_DEVIATION
    edited = correlation >= EDITED_CORRELATION and apart <= EDITED_DEVIATION
    return bool(saved or edited), correlation


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

"""Pillow's Lanczos resize, in its 8-bit fixed point (``Resample.c``)."""

import math

import numpy as np
from numba import float64, int16, int32, int64, uint8
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const
from fastphash.kernels.simd import SQUARE, WEIGHED, transpose_pairs, weigh_pairs

#: Columns that the images of `shrink_pairs` have at least.
LEAST_WIDTH = WEIGHED


@compiled(int64, float64, array(int32), array(int32), array(int32, 2))
def lanczos_taps(
    size: int,
    extent: float,
    start: NDArray[np.int32],
    count: NDArray[np.int32],
    weight: NDArray[np.int32],
) -> None:
    """Fill the taps that resize the first `extent` of `size` pixels to ``start.size`` pixels.

    Pillow's ``precompute_coeffs`` for the box (0, extent). Output pixel i is the sum over
    k < count[i] of weight[i, k] / 2**22 times input pixel start[i] + k.
    """
    scale = extent / start.size
    stretch = max(scale, 1.0)
    support = 3.0 * stretch
    inverse = 1.0 / stretch
    lobe = np.empty(weight.shape[1])
    for i in range(start.size):
        centre = (i + 0.5) * scale
        low = max(int(centre - support + 0.5), 0)
        high = min(int(centre + support + 0.5), size)
        start[i] = low
        count[i] = high - low
        total = 0.0
        for k in range(high - low):
            x = (k + low - centre + 0.5) * inverse
            value = 0.0
            if x == 0.0:
                value = 1.0
            elif -3.0 <= x < 3.0:
                a = x * math.pi
                b = x / 3 * math.pi
                value = math.sin(a) / a * (math.sin(b) / b)
            lobe[k] = value
            total += value
        for k in range(high - low):
            value = lobe[k]
            if total != 0.0:
                value /= total
            value *= 1 << 22
            weight[i, k] = int(value - 0.5) if value < 0 else int(value + 0.5)


@compiled(const(int32), const(int32), const(int32, 2), array(int64), array(int64), array(int16, 3))
def pair_taps(
    start: NDArray[np.int32],
    count: NDArray[np.int32],
    weight: NDArray[np.int32],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    parts: NDArray[np.int16],
) -> None:
    """Split taps for `shrink_pairs`: output pixel i is made of pairs first[i] to last[i] - 1.

    The weights of pair k are 2**11 * parts[i, k, :2] + parts[i, k, 2:]. `parts` (rows, pairs, 4) is
    zero where there are none.
    """
    for i in range(start.size):
        first[i] = start[i] // 2
        last[i] = (start[i] + count[i] + 1) // 2
        for k in range(count[i]):
            place = start[i] % 2 + k
            parts[i, place // 2, place % 2] = weight[i, k] >> 11
            parts[i, place // 2, 2 + place % 2] = weight[i, k] & 2047


@compiled(const(uint8, 2), const(int64), const(int64), const(int32, 3), array(uint8, 2))
def shrink_pairs(
    pairs: NDArray[np.uint8],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    taps: NDArray[np.int32],
    out: NDArray[np.uint8],
) -> None:
    """Resize (h, w), as `pair_rows` gives it, to `out` (rows, w): ``ImagingResampleVertical_8bpc``.

    `taps` (rows, pairs, 2) are the parts of `pair_taps`, two in a number. w >= `LEAST_WIDTH`.
    300 x 300 pixels take 11 us; products of 32 bits would take 24 us.
    """
    width = out.shape[1]
    for i in range(first.size):
        tap = i * taps.shape[1] * 2
        end = tap + 2 * (last[i] - first[i])
        # the last columns are made twice where the width is no multiple
        for column in range(0, width, WEIGHED):
            x = min(column, width - WEIGHED)
            place = first[i] * pairs.shape[1] + 2 * x
            weigh_pairs(pairs, place, taps, tap, end, out, i * width + x)


@compiled(const(uint8, 2), array(uint8, 2))
def pair_rows(image: NDArray[np.uint8], pairs: NDArray[np.uint8]) -> None:
    """Bring each two rows of `image` (h, w) together: pairs[k, 2x + i] = image[2k + i, x].

    `pairs` is (h // 2 + h % 2, 2w) or wider. What is beyond the image is zero.
    """
    for k in range(pairs.shape[0]):
        line = pairs[k]
        one = image[2 * k]
        other = image[min(2 * k + 1, image.shape[0] - 1)]
        keep = np.uint8(255 if 2 * k + 1 < image.shape[0] else 0)
        for x in range(one.size):
            place = np.uint64(x) * np.uint64(2)
            line[place] = one[x]
            line[place + np.uint64(1)] = other[x] & keep
        for x in range(2 * one.size, line.size):
            line[x] = 0


@compiled(const(uint8, 2), array(uint8, 2))
def pair_columns(image: NDArray[np.uint8], pairs: NDArray[np.uint8]) -> None:
    """Bring each two columns of `image` (h, w) together: `pair_rows` of the transposed image."""
    height, width = image.shape
    stride = pairs.shape[1]
    rows, columns = height - height % SQUARE, width - width % (2 * SQUARE)
    for y in range(0, rows, SQUARE):
        for x in range(0, columns, 2 * SQUARE):
            transpose_pairs(image, y * width + x, width, pairs, x // 2 * stride + 2 * y, stride)
    for y in range(height):
        for x in range(columns if y < rows else 0, 2 * pairs.shape[0]):
            pairs[x // 2, 2 * y + x % 2] = image[y, x] if x < width else 0
    for k in range(pairs.shape[0]):
        for y in range(2 * height, stride):
            pairs[k, y] = 0

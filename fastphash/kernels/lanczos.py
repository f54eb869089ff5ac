"""Pillow's Lanczos resize, in its 8-bit fixed point (``Resample.c``)."""

import math

import numpy as np
from numba import float64, int32, int64, uint8
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const
from fastphash.kernels.simd import TILE_COLUMNS, TILE_ROWS, transpose_tile


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


@compiled(
    const(uint8, 2), const(int32), const(int32), const(int32, 2), array(int32), array(uint8, 2)
)
def shrink_columns(
    image: NDArray[np.uint8],
    start: NDArray[np.int32],
    count: NDArray[np.int32],
    weight: NDArray[np.int32],
    total: NDArray[np.int32],
    out: NDArray[np.uint8],
) -> None:
    """Resize (h, w) to (start.size, w): ``ImagingResampleVertical_8bpc``; `total` is scratch."""
    half = np.int32(1 << 21)
    for i in range(start.size):
        total[:] = half
        rows = image[start[i] : start[i] + count[i]]
        taps = weight[i]
        quads = rows.shape[0] // 4
        # four rows at a time, so that `total` is read and written less: 20 us for 300 x 300 instead
        # of 33 us
        for q in range(quads):
            k = 4 * q
            r0, r1, r2, r3 = rows[k], rows[k + 1], rows[k + 2], rows[k + 3]
            w0, w1, w2, w3 = taps[k], taps[k + 1], taps[k + 2], taps[k + 3]
            for x in range(total.size):
                total[x] += (
                    np.int32(r0[x]) * w0
                    + np.int32(r1[x]) * w1
                    + np.int32(r2[x]) * w2
                    + np.int32(r3[x]) * w3
                )
        for k in range(4 * quads, rows.shape[0]):
            row = rows[k]
            tap = taps[k]
            for x in range(total.size):
                total[x] += np.int32(row[x]) * tap
        line = out[i]
        for x in range(total.size):
            line[x] = min(max(total[x] >> np.int32(22), np.int32(0)), np.int32(255))


@compiled(const(uint8, 2), array(uint8, 2))
def transpose(image: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Fill `out` (w, h) with the transposed `image` (h, w)."""
    height, width = image.shape
    rows, columns = height - height % TILE_ROWS, width - width % TILE_COLUMNS
    # tile by tile: 6 us for 300 x 300 instead of 14 us for eight rows at a time, pixel by pixel
    for y in range(0, rows, TILE_ROWS):
        for x in range(0, columns, TILE_COLUMNS):
            transpose_tile(image, y * width + x, width, out, x * height + y, height)
        for x in range(columns, width):
            for i in range(TILE_ROWS):
                out[x, y + i] = image[y + i, x]
    for y in range(rows, height):
        for x in range(width):
            out[x, y] = image[y, x]

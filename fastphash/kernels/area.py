"""Pictures made smaller: each pixel is the mean of the area that it covers."""

import math

import numpy as np
from numba import float32, int64, uint8
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const, inner

# rows that are made at once
_LINES = 16


@inner
def _find_taps(
    size: int, first: NDArray[np.int64], counts: NDArray[np.int64], weights: NDArray[np.float32]
) -> None:
    """The pixels of a line of `size` that each of a shorter line covers, and their weights.

    OpenCV's computeResizeAreaTab: what covers less than a thousandth of a pixel is left out.
    """
    scale = size / first.size
    for i in range(first.size):
        low, high = i * scale, (i + 1) * scale
        width = min(scale, size - low)
        stop = min(int(high), size - 1)
        start = min(math.ceil(low), stop)
        count = 0
        first[i] = start
        if start - low > 1e-3:
            first[i] = start - 1
            weights[i, 0] = (start - low) / width
            count = 1
        for _ in range(start, stop):
            weights[i, count] = 1 / width
            count += 1
        if high - stop > 1e-3:
            weights[i, count] = min(high - stop, 1.0, width) / width
            count += 1
        counts[i] = count


@inner
def _add_row(row: NDArray[np.uint8], weight: np.float32, total: NDArray[np.float32]) -> None:
    for x in range(total.size):
        total[x] += weight * np.float32(row[x])


@inner
def _add_lines(line: NDArray[np.float32], weight: np.float32, total: NDArray[np.float32]) -> None:
    for i in range(_LINES):
        total[i] += weight * line[i]


@compiled(
    const(uint8, 2),
    array(int64, 2),
    array(int64, 2),
    array(float32, 3),
    array(uint8, 2),
)
def reduce_area(
    picture: NDArray[np.uint8],
    first: NDArray[np.int64],
    counts: NDArray[np.int64],
    weights: NDArray[np.float32],
    out: NDArray[np.uint8],
) -> None:
    """Fill `out` (h, w) with a picture, as `cv2.resize` does with INTER_AREA.

    OpenCV adds up columns before rows, where no loop has vectors: it takes five times as long. Its
    sums differ in their last bits, so that a few pixels differ by one level. `out` is no larger
    than the picture. `first` and `counts` (2, max(h, w)) and `weights` (2, max(h, w), taps) are
    overwritten; taps are two more than pixels of the picture for one.
    """
    height, width = out.shape
    down, across = weights[0], weights[1]
    _find_taps(picture.shape[0], first[0, :height], counts[0, :height], down)
    _find_taps(picture.shape[1], first[1, :width], counts[1, :width], across)
    total = np.empty(picture.shape[1], np.float32)
    # rows as columns: then loops along them have vectors, too
    lines = np.zeros((picture.shape[1], _LINES), np.float32)
    values = np.empty(_LINES, np.float32)
    for top in range(0, height, _LINES):
        for line in range(min(_LINES, height - top)):
            total[:] = np.float32(0)
            for k in range(counts[0, top + line]):
                _add_row(picture[first[0, top + line] + k], down[top + line, k], total)
            for x in range(total.size):
                lines[x, line] = total[x]
        for x in range(width):
            values[:] = np.float32(0)
            for k in range(counts[1, x]):
                _add_lines(lines[first[1, x] + k], across[x, k], values)
            for line in range(min(_LINES, height - top)):
                out[top + line, x] = np.uint8(np.rint(values[line]))

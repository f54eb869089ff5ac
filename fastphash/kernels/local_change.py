"""Planes of two pictures, and where one is not explained by its neighbours in the other."""

import numpy as np
from numba import float32, int64, uint8
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const, inner

# ITU-R 601 in full range, as in JPEG
_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114
_CB, _CR = 0.564, 0.713


@inner
def _level(value: np.float32) -> np.int64:
    return np.int64(min(max(value, np.float32(0)), np.float32(255)) + np.float32(0.5))


@inner
def _add_chroma(
    red: NDArray[np.float32],
    blue: NDArray[np.float32],
    light: NDArray[np.float32],
    chroma: NDArray[np.float32],
    y: int,
) -> None:
    """Add a quarter of the chroma of row `y` to the row of `chroma` (2, h // 2, w // 2)."""
    cb, cr = np.float32(_CB / 4), np.float32(_CR / 4)
    for x in range(chroma.shape[2]):
        dark, next_dark = light[2 * x], light[2 * x + 1]
        chroma[0, y // 2, x] += cb * (blue[2 * x] - dark + blue[2 * x + 1] - next_dark)
        chroma[1, y // 2, x] += cr * (red[2 * x] - dark + red[2 * x + 1] - next_dark)


@compiled(const(uint8, 3), array(float32, 2), array(float32, 3))
def split_planes(
    rgb: NDArray[np.uint8], grey: NDArray[np.float32], chroma: NDArray[np.float32]
) -> None:
    """Fill planes of grey and chroma.

    `grey` is as large as the picture, `chroma` (2, h // 2, w // 2) holds means over 2 x 2 pixels,
    without the last row and column where their number is odd.
    """
    height, width = grey.shape
    chroma[:] = 0
    red, blue = np.empty(width, np.float32), np.empty(width, np.float32)
    for y in range(height):
        row, light = rgb[y], grey[y]
        for x in range(width):
            red[x], blue[x] = np.float32(row[x, 0]), np.float32(row[x, 2])
            green = np.float32(row[x, 1])
            light[x] = (
                np.float32(_RED) * red[x] + np.float32(_GREEN) * green + np.float32(_BLUE) * blue[x]
            )
        if y // 2 < chroma.shape[1]:
            _add_chroma(red, blue, light, chroma, y)


@compiled(
    const(uint8, 3),
    const(float32, 2),
    const(float32, 2),
    array(float32, 2),
    array(float32, 3),
)
def split_toned_planes(
    rgb: NDArray[np.uint8],
    mix: NDArray[np.float32],
    curves: NDArray[np.float32],
    grey: NDArray[np.float32],
    chroma: NDArray[np.float32],
) -> None:
    """As `split_planes`, after channels are mixed and curves applied.

    `mix` (3, 4) maps red, green, blue and 1 to each channel, `curves` (3, 256) its levels.
    """
    height, width = grey.shape
    chroma[:] = 0
    toned = np.empty((3, width), np.float32)
    for y in range(height):
        row, light = rgb[y], grey[y]
        for channel in range(3):
            r, g, b, one = mix[channel]
            curve = curves[channel]
            for x in range(width):
                mixed = r * row[x, 0] + g * row[x, 1] + b * row[x, 2] + one
                toned[channel, x] = curve[_level(mixed)]
        for x in range(width):
            light[x] = (
                np.float32(_RED) * toned[0, x]
                + np.float32(_GREEN) * toned[1, x]
                + np.float32(_BLUE) * toned[2, x]
            )
        if y // 2 < chroma.shape[1]:
            _add_chroma(toned[0], toned[2], light, chroma, y)


@compiled(array(float32, 2), array(float32, 2))
def smooth(plane: NDArray[np.float32], work: NDArray[np.float32]) -> None:
    """Weigh 3 x 3 pixels by 1, 2, 1 both ways, in place; the border is repeated.

    `work` is as large, and is overwritten.
    """
    height, width = plane.shape
    quarter, half = np.float32(0.25), np.float32(0.5)
    for y in range(height):
        above, below = plane[max(y - 1, 0)], plane[min(y + 1, height - 1)]
        for x in range(width):
            work[y, x] = quarter * (above[x] + below[x]) + half * plane[y, x]
    for y in range(height):
        row = work[y]
        for x in range(1, width - 1):
            plane[y, x] = quarter * (row[x - 1] + row[x + 1]) + half * row[x]
        for x in (0, width - 1):
            beside = row[max(x - 1, 0)] + row[min(x + 1, width - 1)]
            plane[y, x] = quarter * beside + half * row[x]


@compiled(const(float32, 2), array(float32, 2), array(float32, 2))
def half_way_range(
    plane: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]
) -> None:
    """The range of values half-way between each pixel and those of its 3 x 3 pixels."""
    height, width = plane.shape
    half = np.float32(0.5)
    least, most = np.empty(width, np.float32), np.empty(width, np.float32)
    for y in range(height):
        above, own, below = plane[max(y - 1, 0)], plane[y], plane[min(y + 1, height - 1)]
        for x in range(width):
            least[x] = min(above[x], own[x], below[x])
            most[x] = max(above[x], own[x], below[x])
        for x in range(1, width - 1):
            low[y, x] = half * (own[x] + min(least[x - 1], least[x], least[x + 1]))
            high[y, x] = half * (own[x] + max(most[x - 1], most[x], most[x + 1]))
        for x in (0, width - 1):
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            low[y, x] = half * (own[x] + min(least[left], least[x], least[right]))
            high[y, x] = half * (own[x] + max(most[left], most[x], most[right]))


@compiled(
    const(float32, 2),
    const(float32, 2),
    const(float32, 2),
    const(float32, 2),
    const(float32, 2),
    const(float32, 2),
    array(float32, 2),
)
def unexplained(
    left: NDArray[np.float32],
    left_low: NDArray[np.float32],
    left_high: NDArray[np.float32],
    right: NDArray[np.float32],
    right_low: NDArray[np.float32],
    right_high: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """How far each pixel lies outside the other plane's range, whichever of the two is farther."""
    height, width = out.shape
    for y in range(height):
        for x in range(width):
            a = max(left[y, x] - right_high[y, x], right_low[y, x] - left[y, x])
            b = max(right[y, x] - left_high[y, x], left_low[y, x] - right[y, x])
            out[y, x] = max(a, b, np.float32(0))


@compiled(const(float32, 2), array(float32, 2), int64)
def box_mean(values: NDArray[np.float32], out: NDArray[np.float32], reach: int) -> None:
    """Means over squares of ``2 * reach + 1`` pixels, in which pixels beyond the border are 0."""
    height, width = values.shape
    share = np.float32(1 / (2 * reach + 1) ** 2)
    column = np.zeros(width + 2 * reach, np.float32)
    for y in range(height):
        column[:] = 0
        for row in range(max(y - reach, 0), min(y + reach + 1, height)):
            for x in range(width):
                column[reach + x] += values[row, x]
        out[y, :] = 0
        for shift in range(2 * reach + 1):
            for x in range(width):
                out[y, x] += share * column[x + shift]


@compiled(const(float32, 2), const(int64), const(int64), array(float32, 2))
def cell_maxima(
    plane: NDArray[np.float32],
    row_cell: NDArray[np.int64],
    column_starts: NDArray[np.int64],
    out: NDArray[np.float32],
) -> None:
    """Largest values of cells; no value is negative.

    `row_cell` gives the cell of each row, `column_starts` the first column of each cell, and the
    width.
    """
    out[:] = 0
    for y in range(plane.shape[0]):
        row, cells = plane[y], out[row_cell[y]]
        for cell in range(cells.size):
            most = cells[cell]
            for x in range(column_starts[cell], column_starts[cell + 1]):
                most = max(most, row[x])
            cells[cell] = most

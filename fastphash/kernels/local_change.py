"""Planes of two pictures, and where one is not explained by its neighbours in the other."""

import numpy as np
from numba import float32, int64, uint8
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const, inner

# ITU-R 601 in full range, as in JPEG
_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114
_CB, _CR = 0.564, 0.713


@inner
def _split_channels(row: NDArray[np.uint8], channels: NDArray[np.float32]) -> None:
    """The channels of a row (w, 3) as (3, w)."""
    values = row.reshape(row.size)
    for channel in range(3):
        line, ours = channels[channel], values[channel:]
        for x in range(line.size):
            line[x] = ours[3 * x]


@inner
def _lighten(channels: NDArray[np.float32], light: NDArray[np.float32]) -> None:
    """Fill grey levels of a row."""
    red, green, blue = channels[0], channels[1], channels[2]
    for x in range(light.size):
        light[x] = (
            np.float32(_RED) * red[x] + np.float32(_GREEN) * green[x] + np.float32(_BLUE) * blue[x]
        )


@inner
def _add_differences(
    channel: NDArray[np.float32],
    light: NDArray[np.float32],
    weight: np.float32,
    out: NDArray[np.float32],
) -> None:
    """Add weighted differences of a channel and grey, of two neighbours each."""
    size = 2 * out.size
    values, levels = channel[:size].reshape(out.size, 2), light[:size].reshape(out.size, 2)
    for x in range(out.size):
        out[x] += weight * (values[x, 0] - levels[x, 0] + values[x, 1] - levels[x, 1])


@inner
def _add_chroma(
    channels: NDArray[np.float32], light: NDArray[np.float32], chroma: NDArray[np.float32], y: int
) -> None:
    """Add a quarter of the chroma of row `y` to the row of `chroma` (2, h // 2, w // 2)."""
    if y // 2 < chroma.shape[1]:
        _add_differences(channels[2], light, np.float32(_CB / 4), chroma[0, y // 2])
        _add_differences(channels[0], light, np.float32(_CR / 4), chroma[1, y // 2])


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
    channels = np.empty((3, width), np.float32)
    for y in range(height):
        _split_channels(rgb[y], channels)
        _lighten(channels, grey[y])
        _add_chroma(channels, grey[y], chroma, y)


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
    channels, toned = np.empty((3, width), np.float32), np.empty((3, width), np.float32)
    levels = np.empty(width, np.int32)
    least, most, half = np.float32(0), np.float32(255), np.float32(0.5)
    red, green, blue = channels[0], channels[1], channels[2]
    for y in range(height):
        _split_channels(rgb[y], channels)
        for channel in range(3):
            r, g, b, one = mix[channel]
            curve, line = curves[channel], toned[channel]
            for x in range(width):
                mixed = r * red[x] + g * green[x] + b * blue[x] + one
                levels[x] = np.int32(min(max(mixed, least), most) + half)
            for x in range(width):
                line[x] = curve[levels[x]]
        _lighten(toned, grey[y])
        _add_chroma(toned, grey[y], chroma, y)


@compiled(array(float32, 2))
def smooth(plane: NDArray[np.float32]) -> None:
    """Weigh 3 x 3 pixels by 1, 2, 1 both ways, in place; the border is repeated."""
    height, width = plane.shape
    quarter, half = np.float32(0.25), np.float32(0.5)
    above, work = np.empty(width, np.float32), np.empty(width + 2, np.float32)
    before, middle, after = work[:width], work[1 : width + 1], work[2:]
    above[:] = plane[0]
    for y in range(height):
        own, below = plane[y], plane[min(y + 1, height - 1)]
        for x in range(width):
            middle[x] = quarter * (above[x] + below[x]) + half * own[x]
        work[0], work[width + 1] = work[1], work[width]
        for x in range(width):
            above[x] = own[x]
        for x in range(width):
            own[x] = quarter * (before[x] + after[x]) + half * middle[x]


@inner
def _range_row(
    plane: NDArray[np.float32],
    y: int,
    spare: NDArray[np.float32],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
) -> None:
    """The range of values half-way between each pixel of a row and those of its 3 x 3 pixels.

    The border is repeated. `spare` (w + 2,) is overwritten.
    """
    height, width = plane.shape
    half = np.float32(0.5)
    above, own, below = plane[max(y - 1, 0)], plane[y], plane[min(y + 1, height - 1)]
    # LLVM vectorises loops over slices of few arrays: it has to tell them apart
    before, middle, after = spare[:width], spare[1 : width + 1], spare[2:]
    for x in range(width):
        middle[x] = min(above[x], own[x], below[x])
    spare[0], spare[width + 1] = spare[1], spare[width]
    for x in range(width):
        low[x] = half * (own[x] + min(before[x], middle[x], after[x]))
    for x in range(width):
        middle[x] = max(above[x], own[x], below[x])
    spare[0], spare[width + 1] = spare[1], spare[width]
    for x in range(width):
        high[x] = half * (own[x] + max(before[x], middle[x], after[x]))


@compiled(const(float32, 2), const(float32, 2), array(float32, 2))
def unexplained_means(
    left: NDArray[np.float32], right: NDArray[np.float32], means: NDArray[np.float32]
) -> None:
    """How far pixels of two planes (h, w) lie outside of what the other one's neighbours explain.

    A pixel is explained by the range half-way to its 3 x 3 pixels in the other plane. Of both
    planes the one that lies farther counts. Means are over 3 x 3 pixels, 0 beyond the border.
    """
    height, width = left.shape
    share = np.float32(1 / 9)
    spare = np.empty(width + 2, np.float32)
    left_low, left_high = np.empty(width, np.float32), np.empty(width, np.float32)
    right_low, right_high = np.empty(width, np.float32), np.empty(width, np.float32)
    # rows y - 2 to y in turn, with zeros around them
    rows = np.zeros((3, width + 2), np.float32)
    column = np.empty(width + 2, np.float32)
    before, own, after = column[:width], column[1 : width + 1], column[2:]
    for y in range(height + 1):
        here = rows[y % 3, 1 : width + 1]
        if y < height:
            _range_row(left, y, spare, left_low, left_high)
            _range_row(right, y, spare, right_low, right_high)
            ours, theirs = left[y], right[y]
            for x in range(width):
                a = max(ours[x] - right_high[x], right_low[x] - ours[x])
                b = max(theirs[x] - left_high[x], left_low[x] - theirs[x])
                here[x] = max(a, b, np.float32(0))
        else:
            here[:] = 0
        if y > 0:
            first, second, third = rows[(y + 1) % 3], rows[(y + 2) % 3], rows[y % 3]
            for x in range(width + 2):
                column[x] = first[x] + second[x] + third[x]
            out = means[y - 1]
            for x in range(width):
                out[x] = share * before[x] + share * own[x] + share * after[x]


@inner
def _fold(most: NDArray[np.float32], starts: NDArray[np.int64], cells: NDArray[np.float32]) -> None:
    """The largest values of stretches, in `cells`; `most` is 0 afterwards."""
    for cell in range(cells.size):
        largest = np.float32(0)
        for x in range(starts[cell], starts[cell + 1]):
            largest = max(largest, most[x])
        cells[cell] = largest
    most[:] = 0


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
    height, width = plane.shape
    out[:] = 0
    most = np.zeros(width, np.float32)
    for y in range(height):
        row = plane[y]
        for x in range(width):
            most[x] = max(most[x], row[x])
        if y == height - 1 or row_cell[y] != row_cell[y + 1]:
            _fold(most, column_starts, out[row_cell[y]])


@compiled(const(float32, 2), const(int64), const(int64), array(float32, 2))
def contrast_maxima(
    plane: NDArray[np.float32],
    row_cell: NDArray[np.int64],
    column_starts: NDArray[np.int64],
    out: NDArray[np.float32],
) -> None:
    """Largest ranges half-way to 3 x 3 pixels, by cells; else as `cell_maxima`."""
    height, width = plane.shape
    out[:] = 0
    most = np.zeros(width, np.float32)
    low, high = np.empty(width, np.float32), np.empty(width, np.float32)
    spare = np.empty(width + 2, np.float32)
    for y in range(height):
        _range_row(plane, y, spare, low, high)
        for x in range(width):
            most[x] = max(most[x], high[x] - low[x])
        if y == height - 1 or row_cell[y] != row_cell[y + 1]:
            _fold(most, column_starts, out[row_cell[y]])

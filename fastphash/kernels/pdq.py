"""PDQ, by the float32 operations of Meta's C++ and in their order (ThreatExchange, ``pdq/cpp``)."""

import numpy as np
from numba import float32, int64, uint8
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const, inner
from fastphash.kernels.simd import SQUARE, transpose_square
from fastphash.kernels.simd_colours import PIXELS, luma_of_pixels
from fastphash.kernels.simd_lines import WIDTH, slide_and_divide, slide_lines

#: Pixels along a side of the square that an image is reduced to.
SIDE = 64
#: Frequencies kept along each side of it: the lowest but the constant one.
LOW = 16
# running sums of one row wait for one another: so many rows are summed side by side
_ROWS = WIDTH
# what makes one point of quality: hundredths of the grey scale between neighbours
_GRADIENT = 90


@inner
def _window(size: int) -> int:
    """Pixels of a box, of so many along a side: ``computeJaroszFilterWindowSize``."""
    return (size + 2 * SIDE - 1) // (2 * SIDE)


@inner
def _ahead(window: int) -> int:
    """How many pixels of a box are after its middle."""
    return window // 2


@inner
def _in_window(middle: int, window: int, size: int) -> int:
    """How many of `size` pixels a box about one of them covers."""
    end: int = middle + _ahead(window) + 1
    return min(end, size) - max(end - window, 0)


@inner
def _middle(i: int, size: int) -> int:
    """Which of `size` pixels is taken for the i-th of SIDE: ``decimateFloat``."""
    return int((i + 0.5) * size / SIDE)


@inner
def _round_up(size: int, step: int) -> int:
    return (size + step - 1) // step * step


@compiled(const(uint8), array(float32))
def fill_luma(pixels: NDArray[np.uint8], out: NDArray[np.float32]) -> None:
    """Fill `out` (w,) with the luma of grey (w,) or interleaved RGB (3w,) pixels."""
    if pixels.size == out.size:
        for x in range(out.size):
            out[x] = np.float32(pixels[x])
        return
    if out.size >= PIXELS:
        for x in range(0, out.size, PIXELS):
            # the last pixels are weighed twice where their number is no multiple
            place = min(x, out.size - PIXELS)
            luma_of_pixels(pixels, 3 * place, out, place)
        return
    for x in range(out.size):
        j = np.uint64(x) * np.uint64(3)
        red = np.int32(pixels[j])
        green = np.int32(pixels[j + np.uint64(1)])
        blue = np.int32(pixels[j + np.uint64(2)])
        # for each of the 2**24 colours 0.299 R + 0.587 G + 0.114 B in float64, rounded to float32
        thousandths = np.int32(299) * red + np.int32(587) * green + np.int32(114) * blue
        out[x] = np.float32(thousandths) / np.float32(1000)


@inner
def _stand_up(rows: NDArray[np.float32], lines: NDArray[np.float32], start: int) -> None:
    """Transpose (_ROWS, n) into lines[start : start + n]."""
    stride = rows.shape[1]
    for y in range(0, _ROWS, SQUARE):
        for x in range(0, stride, SQUARE):
            transpose_square(rows, y * stride + x, stride, lines, (start + x) * _ROWS + y, _ROWS)


@inner
def _lie_down(lines: NDArray[np.float32], rows: NDArray[np.float32], start: int) -> None:
    """Transpose (n, _ROWS) into rows[start : start + _ROWS]."""
    stride = rows.shape[1]
    for y in range(0, _ROWS, SQUARE):
        for x in range(0, stride, SQUARE):
            transpose_square(lines, x * _ROWS + y, _ROWS, rows, (start + y) * stride + x, stride)


@inner
def _slide(
    total: NDArray[np.float32], added: NDArray[np.float32], taken: NDArray[np.float32]
) -> None:
    for i in range(total.size):
        total[i] = total[i] + added[i] - taken[i]


@inner
def _divide(total: NDArray[np.float32], count: int, out: NDArray[np.float32]) -> None:
    for i in range(total.size):
        out[i] = total[i] / np.float32(count)


@inner
def _blur(lines: NDArray[np.float32], window: int, size: int, out: NDArray[np.float32]) -> None:
    """Means about each of `size` lines, the first of which is lines[window]."""
    ahead = _ahead(window)
    total = np.zeros(_ROWS, np.float32)
    slide_lines(total, lines, window, 0, ahead)
    x = ahead
    while x < size + ahead:
        count = _in_window(x - ahead, window, size)
        # all but the boxes at the edges are whole
        steps = max(size - x, 1) if count == window else 1
        slide_and_divide(total, lines, x + window, x, steps, np.float32(count), out[x - ahead :])
        x += steps


@inner
def _blur_samples(
    lines: NDArray[np.float32], window: int, size: int, out: NDArray[np.float32]
) -> None:
    """As `_blur`, about those of the lines that are taken."""
    total = np.zeros(_ROWS, np.float32)
    start = 0
    for i in range(SIDE):
        middle = _middle(i, size)
        end = middle + _ahead(window) + 1
        slide_lines(total, lines, start + window, start, end - start)
        start = end
        _divide(total, _in_window(middle, window, size), out[i])


@inner
def _blur_columns(
    rows: NDArray[np.float32], window: int, size: int, out: NDArray[np.float32]
) -> None:
    """Means about those of `size` rows that are taken."""
    total = np.zeros(SIDE, np.float32)
    none = np.zeros(SIDE, np.float32)
    start = 0
    for i in range(SIDE):
        middle = _middle(i, size)
        end = middle + _ahead(window) + 1
        for y in range(start, end):
            added = rows[y] if y < size else none
            _slide(total, added, rows[y - window] if y >= window else none)
        start = end
        _divide(total, _in_window(middle, window, size), out[i])


@compiled(const(uint8, 2), int64, array(float32, 2))
def shrink(pixels: NDArray[np.uint8], width: int, out: NDArray[np.float32]) -> None:
    """Blur an image twice with boxes, and take SIDE x SIDE of its pixels: ``jaroszFilterFloat``.

    `pixels` (h, w) is grey, or (h, 3w) interleaved RGB, of at least 5 rows and columns. Rows pass
    through all four filters as they come, so that no plane of floats is held; the last two make
    nothing but what is taken.
    """
    height = pixels.shape[0]
    across, down = _window(width), _window(height)
    ahead = _ahead(down)
    stride = _round_up(width, SQUARE)
    ring = np.zeros((_round_up(down, _ROWS) + _ROWS, stride), np.float32)
    rows = np.zeros((_ROWS, stride), np.float32)
    blurred = np.zeros((_ROWS, stride), np.float32)
    # rows stand side by side between zeros: what is beyond an edge adds nothing
    lines = np.zeros((across + stride + across, _ROWS), np.float32)
    means = np.zeros((stride, _ROWS), np.float32)
    cells = np.zeros((SIDE, _ROWS), np.float32)
    narrow = np.zeros((_round_up(height, _ROWS), SIDE), np.float32)
    total = np.zeros(width, np.float32)
    none = np.zeros(width, np.float32)
    for y in range(height + ahead):
        if y % _ROWS == 0 and y < height:
            for i in range(min(_ROWS, height - y)):
                fill_luma(pixels[y + i], rows[i, :width])
            _stand_up(rows, lines, across)
            _blur(lines, across, width, means)
            _lie_down(means, ring, y % ring.shape[0])
        added = ring[y % ring.shape[0], :width] if y < height else none
        taken = ring[(y - down) % ring.shape[0], :width] if y >= down else none
        _slide(total, added, taken)
        done = y - ahead
        if done >= 0:
            _divide(total, _in_window(done, down, height), blurred[done % _ROWS, :width])
            if done % _ROWS == _ROWS - 1 or done == height - 1:
                _stand_up(blurred, lines, across)
                _blur_samples(lines, across, width, cells)
                _lie_down(cells, narrow, done // _ROWS * _ROWS)
    _blur_columns(narrow, down, height, out)


@inner
def _combine(
    factors: NDArray[np.float32], rows: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """A product of matrices, its terms added from the first to the last."""
    for i in range(out.shape[0]):
        line = out[i]
        for j in range(line.size):
            line[j] = 0
        for k in range(rows.shape[0]):
            factor, row = factors[i, k], rows[k]
            for j in range(line.size):
                line[j] += factor * row[j]


@compiled(const(float32, 3), const(float32, 2), const(float32, 2), array(float32, 3))
def low_frequencies(
    squares: NDArray[np.float32],
    cosines: NDArray[np.float32],
    transposed: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Fill out (n, LOW, LOW) from (n, SIDE, SIDE), `cosines` and their transpose: ``dct64To16``."""
    half = np.empty((LOW, SIDE), np.float32)
    for n in range(squares.shape[0]):
        _combine(cosines, squares[n], half)
        _combine(half, transposed, out[n])


@inner
def _hundredths(difference: np.float32) -> np.int32:
    """How many hundredths of the grey scale two pixels differ by, rounded down."""
    return np.int32(abs(np.int32(difference * np.float32(100) / np.float32(255))))


@compiled(const(float32, 3), array(uint8))
def qualities(squares: NDArray[np.float32], out: NDArray[np.uint8]) -> None:
    """Fill out (n,) with 0 to 100, from (n, SIDE, SIDE): ``pdqImageDomainQualityMetric``."""
    for n in range(squares.shape[0]):
        gradients = np.int32(0)
        for y in range(SIDE):
            row = squares[n, y]
            below = squares[n, min(y + 1, SIDE - 1)]
            for x in range(SIDE):
                gradients += _hundredths(row[x] - below[x])
            for x in range(SIDE - 1):
                gradients += _hundredths(row[x] - row[np.uint64(x) + np.uint64(1)])
        out[n] = min(gradients // np.int32(_GRADIENT), np.int32(100))

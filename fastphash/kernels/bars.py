"""Where the bars of a letterbox, a pillarbox or a frame end, on the edges of a thumbnail."""

import math

import numpy as np
from numba import float64, uint8
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels import array, compiled, const, inner

# A line of a bar has levels within this range, and a mean within half of it from the first line's.
RANGE = 6
#: The most lines of one bar.
MAX_BAR = 16
#: The least lines that remain between two bars.
MIN_REST = 10
# The resize spreads the end of a bar over a few lines. A bar ends where lines depart from its level
# by this share of what the picture behind does.
END_SHARE = 0.55
# lines, from the last of the bar on, among which it ends, and those that show the picture behind
_END_LINES = 4
_PICTURE_LINES = (2, 5)
# lines next to a bar's end that bars across it may be mixed with
_MIXED = 2


@inner
def _departure(
    pixels: NDArray[np.uint8], start: int, along: int, low: int, high: int, level: float
) -> float:
    """Root mean square of the difference between a line and a level."""
    total = 0.0
    for k in range(low, high):
        difference = pixels[start + k * along] - level
        total += difference * difference
    return math.sqrt(total / (high - low))


@inner
def _bar_end(
    pixels: NDArray[np.uint8], first: int, step: int, along: int, low: int, high: int
) -> float:
    """Lines from an edge to the end of its bar, with a fraction; 0 without a bar.

    Line n begins at pixel ``first + n * step``; its pixels are `along` apart, and those from `low`
    to `high` count.
    """
    lines = 0
    total = first_mean = 0.0
    while lines <= MAX_BAR:
        least, most, mean = np.int64(255), np.int64(0), 0.0
        for k in range(low, high):
            value = np.int64(pixels[first + lines * step + k * along])
            least, most = min(least, value), max(most, value)
            mean += value
        mean /= high - low
        first_mean = first_mean if lines else mean
        if most - least > RANGE or 2 * abs(mean - first_mean) > RANGE:
            break
        total += mean
        lines += 1
    if lines == 0 or lines > MAX_BAR:
        return 0.0
    level = total / lines
    picture = 0.0
    for k in range(_PICTURE_LINES[0], _PICTURE_LINES[1]):
        picture += _departure(pixels, first + (lines + k) * step, along, low, high, level)
    wanted = END_SHARE * picture / (_PICTURE_LINES[1] - _PICTURE_LINES[0])
    before = _departure(pixels, first + (lines - 1) * step, along, low, high, level)
    for k in range(_END_LINES):
        here = _departure(pixels, first + (lines + k) * step, along, low, high, level)
        if here >= wanted:
            # lines are crossed in their middle
            crossed = (wanted - before) / (here - before) if here > before else 0.0
            return lines + k - 0.5 + min(max(crossed, 0.0), 1.0)
        before = here
    return float(lines)


@compiled(const(uint8, 2), array(float64, 2))
def find_bars(thumbnails: NDArray[np.uint8], edges: NDArray[np.float64]) -> None:
    """Fill `edges` (n, 4): left, top, right, bottom of what is left between bars, in pixels.

    Bars may be on any sides, in different colours; without any, edges are 0, 0, 32, 32. Where too
    little is left between two bars, there are none.
    """
    side = THUMBNAIL_SIDE
    last = side - 1
    for n in range(thumbnails.shape[0]):
        pixels = thumbnails[n]
        left, top, right, bottom = 0.0, 0.0, float(side), float(side)
        # at first whole lines; then without the bars at their ends, which may differ in colour
        for _ in range(2):
            low = math.ceil(left) + _MIXED * (left > 0)
            high = int(right) - _MIXED * (right < side)
            top = max(top, _bar_end(pixels, 0, side, 1, low, high))
            bottom = min(bottom, side - _bar_end(pixels, side * last, -side, 1, low, high))
            if bottom - top < MIN_REST:
                top, bottom = 0.0, float(side)
            low = math.ceil(top) + _MIXED * (top > 0)
            high = int(bottom) - _MIXED * (bottom < side)
            left = max(left, _bar_end(pixels, 0, 1, side, low, high))
            right = min(right, side - _bar_end(pixels, last, -1, side, low, high))
            if right - left < MIN_REST:
                left, right = 0.0, float(side)
        edges[n, 0], edges[n, 1], edges[n, 2], edges[n, 3] = left, top, right, bottom

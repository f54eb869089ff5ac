"""How far the colours of two images differ, apart from fading and a tint.

Colours are two chroma planes of 8 x 8 cells: what an image has left without its light.
"""

import math

import numpy as np
from numba import float32, int8, int64, uint8, uint16
from numpy.typing import NDArray

from fastphash.base.vocabulary import CHROMA_SIDE, DIFFERENT, FADED, SAME, UNKNOWN_CHROMA
from fastphash.kernels import array, compiled, const, inner

_CELLS = CHROMA_SIDE * CHROMA_SIDE
# Colours are different from this many levels on, if that is this share of the weaker ones. Light,
# small crops and compression stay below; an object in another colour doesn't
# (benchmarks/accuracy/colours.py).
DIFFERENT_LEVELS = 7.0
DIFFERENT_SHARE = 0.6
# One tint of up to so many levels over the whole picture is another lamp, if it explains all but
# this share of the difference.
TINT_LEVELS = 20.0
TINT_REST = 0.5
# Colours of at least this strength, in levels, are faded if less than this share of it is left.
COLOURFUL_LEVELS = 3.0
FADED_SHARE = 0.7
# halvings of the range that holds the best share
_HALVINGS = 24


@inner
def _squared_tint(strong: NDArray[np.float64], weak: NDArray[np.float64], share: float) -> float:
    """Square of the tint, in levels, from the strong colours, faded, to the weak ones."""
    first, second = weak[0] - share * strong[0], weak[1] - share * strong[1]
    return float(first * first + second * second)


@inner
def _excess_tint(strong: NDArray[np.float64], weak: NDArray[np.float64], share: float) -> float:
    """The share of the tint that goes beyond `TINT_LEVELS`."""
    return max(1 - TINT_LEVELS / max(math.sqrt(_squared_tint(strong, weak, share)), 1e-9), 0.0)


@inner
def _untinted_difference(
    strong: NDArray[np.float64], weak: NDArray[np.float64], product: float
) -> float:
    """The levels left between the weak colours and the strong ones, once faded and tinted.

    Colours are (mean of plane 0, mean of plane 1, mean square of the deviations from them);
    `product` is the mean product of the deviations.
    """
    low, high = 0.0, 1.0
    share = excess = 0.0
    across = strong[0] * weak[0] + strong[1] * weak[1]
    length = strong[0] * strong[0] + strong[1] * strong[1]
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        excess = _excess_tint(strong, weak, share)
        if share * strong[2] - product + excess * (share * length - across) > 0:
            high = share
        else:
            low = share
    rest = max(weak[2] - 2 * share * product + share * share * strong[2], 0.0)
    return math.sqrt(rest + excess * excess * _squared_tint(strong, weak, share))


@compiled(
    const(int8, 2),
    const(int64),
    const(int8, 2),
    const(int64),
    const(uint8),
    const(uint16, 2),
    array(uint8),
    array(float32),
)
def compare_colours(
    left: NDArray[np.int8],
    left_rows: NDArray[np.int64],
    right: NDArray[np.int8],
    right_rows: NDArray[np.int64],
    orientation: NDArray[np.uint8],
    indices: NDArray[np.uint16],
    colour: NDArray[np.uint8],
    distance: NDArray[np.float32],
) -> None:
    """Compare chroma int8 (n, 128) of pairs; pairs with unknown chroma are left as they are.

    Left chroma is oriented by `indices` (8, 64), as `orientation_indices` gives it. The distance,
    in levels, is the root mean square over the cells of what separates the weaker colours from the
    stronger ones faded to match them best, and tinted too where a tint explains most of the rest.
    """
    colours_a, colours_b = np.empty((2, 3))
    for p in range(orientation.size):
        a, b = left[left_rows[p]], right[right_rows[p]]
        if a[0] == UNKNOWN_CHROMA or b[0] == UNKNOWN_CHROMA:
            continue
        cells = indices[orientation[p]]
        squares_a, squares_b, products = np.int64(0), np.int64(0), np.int64(0)
        for plane in range(2):
            sum_a, sum_b = np.int64(0), np.int64(0)
            for c in range(_CELLS):
                x = np.int64(a[plane * _CELLS + cells[c]])
                y = np.int64(b[plane * _CELLS + c])
                sum_a += x
                sum_b += y
                squares_a += x * x
                squares_b += y * y
                products += x * y
            colours_a[plane], colours_b[plane] = sum_a / _CELLS, sum_b / _CELLS
        colours_a[2], colours_b[2] = squares_a / _CELLS, squares_b / _CELLS
        product = products / _CELLS
        strong, weak = (
            (colours_a, colours_b) if colours_a[2] >= colours_b[2] else (colours_b, colours_a)
        )
        strength, weaker = math.sqrt(strong[2]), math.sqrt(weak[2])
        share = min(max(product / max(strong[2], 1e-9), 0.0), 1.0)
        levels = math.sqrt(max(weak[2] - 2 * share * product + share * share * strong[2], 0.0))
        tinted = False
        if levels >= DIFFERENT_LEVELS:
            for colours in (colours_a, colours_b):
                colours[2] -= colours[0] * colours[0] + colours[1] * colours[1]
            product = product - colours_a[0] * colours_b[0] - colours_a[1] * colours_b[1]
            rest = _untinted_difference(strong, weak, product)
            tinted = rest <= TINT_REST * levels
            levels = rest if tinted else levels
        distance[p] = levels
        if levels >= DIFFERENT_LEVELS and levels >= DIFFERENT_SHARE * weaker:
            colour[p] = DIFFERENT
        elif tinted or (strength >= COLOURFUL_LEVELS and weaker < FADED_SHARE * strength):
            colour[p] = FADED
        else:
            colour[p] = SAME

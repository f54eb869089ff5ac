"""How far the colours of two images differ beyond one being the other faded or tinted.

Colours are what is left when light is taken away: two chroma planes of 8 x 8 cells.
"""

import math

import numpy as np
from numba import float32, int8, int64, uint8, uint16
from numpy.typing import NDArray

from fastphash.base.vocabulary import CHROMA_SIDE, DIFFERENT, FADED, SAME, UNKNOWN_CHROMA
from fastphash.kernels import array, compiled, const, inner

_CELLS = CHROMA_SIDE * CHROMA_SIDE
# Colours are different from this many levels on, and from this share of the weaker ones: light,
# small crops and compression stay below, a thing in another colour doesn't
# (benchmarks/accuracy/colours.py).
DIFFERENT_LEVELS = 7.0
DIFFERENT_SHARE = 0.6
# One tint of up to so many levels over the whole picture is another lamp, if it makes for all but
# this share of the difference.
TINT_LEVELS = 20.0
TINT_REST = 0.5
# Of colours as strong as this many levels, what keeps less than this share is faded.
COLOURFUL_LEVELS = 3.0
FADED_SHARE = 0.7
# halvings of the range in which the best share lies
_HALVINGS = 24


@inner
def _beyond(strong: NDArray[np.float64], weak: NDArray[np.float64], share: float) -> float:
    """The share of the tint between colours, one faded, that goes beyond what a tint may be."""
    first, second = weak[0] - share * strong[0], weak[1] - share * strong[1]
    return max(1 - TINT_LEVELS / max(math.sqrt(first * first + second * second), 1e-9), 0.0)


@inner
def _untinted(strong: NDArray[np.float64], weak: NDArray[np.float64], product: float) -> float:
    """Levels that are left of the weaker colours less the stronger ones, faded and tinted.

    Colours are (mean of plane 0, mean of plane 1, mean square of what differs from them);
    `product` is the mean product of what differs.
    """
    low, high = 0.0, 1.0
    share = beyond = 0.0
    across = strong[0] * weak[0] + strong[1] * weak[1]
    length = strong[0] * strong[0] + strong[1] * strong[1]
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        beyond = _beyond(strong, weak, share)
        if share * strong[2] - product + beyond * (share * length - across) > 0:
            high = share
        else:
            low = share
    first, second = weak[0] - share * strong[0], weak[1] - share * strong[1]
    rest = max(weak[2] - 2 * share * product + share * share * strong[2], 0.0)
    return math.sqrt(rest + beyond * beyond * (first * first + second * second))


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
    turned: NDArray[np.uint16],
    colour: NDArray[np.uint8],
    distance: NDArray[np.float32],
) -> None:
    """Compare chroma int8 (n, 128) of pairs, the left ones turned; of unknown ones nothing is said.

    The distance, in levels, is what is left of the weaker colours when the stronger ones are faded
    to be as like to them as can be, and tinted where a tint makes for most of it: root of the mean
    square over the cells.
    """
    one, two = np.empty((2, 3))
    for p in range(orientation.size):
        a, b = left[left_rows[p]], right[right_rows[p]]
        if a[0] == UNKNOWN_CHROMA or b[0] == UNKNOWN_CHROMA:
            continue
        cells = turned[orientation[p]]
        own, other, common = np.int64(0), np.int64(0), np.int64(0)
        for plane in range(2):
            ours, theirs = np.int64(0), np.int64(0)
            for c in range(_CELLS):
                x = np.int64(a[plane * _CELLS + cells[c]])
                y = np.int64(b[plane * _CELLS + c])
                ours += x
                theirs += y
                own += x * x
                other += y * y
                common += x * y
            one[plane], two[plane] = ours / _CELLS, theirs / _CELLS
        one[2], two[2], product = own / _CELLS, other / _CELLS, common / _CELLS
        strong, weak = (one, two) if one[2] >= two[2] else (two, one)
        strength, weaker = math.sqrt(strong[2]), math.sqrt(weak[2])
        share = min(max(product / max(strong[2], 1e-9), 0.0), 1.0)
        levels = math.sqrt(max(weak[2] - 2 * share * product + share * share * strong[2], 0.0))
        tinted = False
        if levels >= DIFFERENT_LEVELS:
            for colours in (one, two):
                colours[2] -= colours[0] * colours[0] + colours[1] * colours[1]
            rest = _untinted(strong, weak, product - one[0] * two[0] - one[1] * two[1])
            tinted = rest <= TINT_REST * levels
            levels = rest if tinted else levels
        distance[p] = levels
        if levels >= DIFFERENT_LEVELS and levels >= DIFFERENT_SHARE * weaker:
            colour[p] = DIFFERENT
        elif tinted or (strength >= COLOURFUL_LEVELS and weaker < FADED_SHARE * strength):
            colour[p] = FADED
        else:
            colour[p] = SAME

"""How far the colours of two images differ beyond one being the other faded.

Colours are what is left when light is taken away: two chroma planes of 8 x 8 cells.
"""

import math

import numpy as np
from numba import float32, int8, int64, uint8, uint16
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const
from fastphash.words import CHROMA_SIDE, DIFFERENT, FADED, SAME, UNKNOWN_CHROMA

_CELLS = CHROMA_SIDE * CHROMA_SIDE
# Colours are different from this many levels on, and from this share of the stronger ones:
# light, small crops and compression stay below, hues turned by 60 degrees and more mostly don't
# (benchmarks/colours.py).
DIFFERENT_LEVELS = 7.0
DIFFERENT_SHARE = 0.6
# Of colours as strong as this many levels, what keeps less than this share is faded.
COLOURFUL_LEVELS = 3.0
FADED_SHARE = 0.7


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
    to be as like to them as can be: root of the mean square over the cells.
    """
    for p in range(orientation.size):
        a, b = left[left_rows[p]], right[right_rows[p]]
        if a[0] == UNKNOWN_CHROMA or b[0] == UNKNOWN_CHROMA:
            continue
        cells = turned[orientation[p]]
        own, other, common = np.int64(0), np.int64(0), np.int64(0)
        for plane in range(2):
            for c in range(_CELLS):
                x = np.int64(a[plane * _CELLS + cells[c]])
                y = np.int64(b[plane * _CELLS + c])
                own += x * x
                other += y * y
                common += x * y
        strong, weak = float(max(own, other)), float(min(own, other))
        share = min(max(common / max(strong, 1.0), 0.0), 1.0)
        rest = max(weak - 2 * share * common + share * share * strong, 0.0)
        levels = math.sqrt(rest / _CELLS)
        strength = math.sqrt(strong / _CELLS)
        distance[p] = levels
        if levels >= DIFFERENT_LEVELS and levels >= DIFFERENT_SHARE * strength:
            colour[p] = DIFFERENT
        elif strength >= COLOURFUL_LEVELS and weak < FADED_SHARE * FADED_SHARE * strong:
            colour[p] = FADED
        else:
            colour[p] = SAME

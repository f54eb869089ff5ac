"""Colour to grey, as Pillow's ``convert("L")``."""

import numpy as np
from numba import uint8
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const


@compiled(const(uint8), array(uint8))
def rgb_to_grey(rgb: NDArray[np.uint8], grey: NDArray[np.uint8]) -> None:
    """Fill `grey` (n,) from interleaved `rgb` (3n,): Pillow's L24 in ``Convert.c``."""
    for i in range(grey.size):
        # unsigned, because numba's test for negative indices prevents vectorisation: 21 us for
        # 300 x 300 instead of 111 us
        j = np.uint64(i) * np.uint64(3)
        red = np.int32(rgb[j])
        green = np.int32(rgb[j + np.uint64(1)])
        blue = np.int32(rgb[j + np.uint64(2)])
        luma = np.int32(19595) * red + np.int32(38470) * green + np.int32(7471) * blue
        grey[i] = (luma + np.int32(32768)) >> np.int32(16)

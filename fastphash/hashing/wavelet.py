"""What ImageHash's ``whash`` compares with its median: averages of an image, rounded as it does."""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# pixels that are floating-point numbers at once
_STRIP = 1 << 18
_UNITS = np.arange(256) / 255.0


def wavelet_scale(width: int, height: int, side: int) -> int:
    """The side of the square to which ``whash`` resizes an image, for a hash of side x side bits.

    >>> wavelet_scale(300, 1000, 8), wavelet_scale(5, 7, 8)
    (256, 8)
    """
    return max(1 << int(math.log2(min(width, height))), side)


def wavelet_means(pixels: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """Numbers that are above their median just where those of ``whash`` are.

    Parameters
    ----------
    pixels : uint8 (scale, scale)
        Its side is a power of two, `side` at least.
    side : int
        That of the hash.

    Returns
    -------
    float64 (side, side)

    Notes
    -----
    ``whash`` takes the mean of an image away and averages blocks of it. It uses wavelets, whose
    roundings (1e-9 at the most) are far less than what one grey level changes in an average (2e-7
    or more, up to 65536 x 65536 pixels). So sums of the blocks serve as well, unless the two in
    the middle are equal: then roundings alone may decide, and are reproduced.
    """
    # imported late: numba takes 110 MB
    from fastphash.kernels.wavelet import sum_blocks

    sums = np.empty((side, side), np.int64)
    sum_blocks(pixels, sums)
    ordered = np.sort(sums, axis=None)
    half = ordered.size // 2
    if ordered[half - 1] < ordered[half]:
        return sums.astype(np.float64)
    return rounded_means(pixels, side)


def rounded_means(pixels: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """The low frequencies of ``whash``, with the roundings of PyWavelets.

    Parameters and result are those of `wavelet_means`.
    """
    from fastphash.kernels.wavelet import low_pass, restore

    scale = len(pixels)
    levels = [np.empty((scale >> level,) * 2) for level in range(1, scale.bit_length())]
    for rows, fine in _strips(pixels):
        low_pass(fine, levels[0][rows])
    for fine, coarse in pairwise(levels):
        low_pass(fine, coarse)
    levels[-1][:] = 0
    for fine, coarse in reversed(list(pairwise(levels))):
        restore(coarse, fine)
    for rows, fine in _strips(pixels):
        restore(levels[0][rows], fine)
        if scale == side:
            return fine
        low_pass(fine, levels[0][rows])
    for fine, coarse in pairwise(levels):
        if len(fine) == side:
            break
        low_pass(fine, coarse)
    return next(level for level in levels if len(level) == side)


def _strips(pixels: NDArray[np.uint8]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """An image from 0 to 1, some rows at a time, and where they are at half of the scale.

    As numbers of double precision the whole image would take eight times its memory.
    """
    step = max(_STRIP // len(pixels), 2)
    for top in range(0, len(pixels), step):
        rows = pixels[top : top + step]
        yield slice(top // 2, (top + len(rows)) // 2), _UNITS[rows]

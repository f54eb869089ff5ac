"""PDQ, the 256-bit hash of Meta's ThreatExchange: pixels to squares, and these to hashes."""

import functools
import math

import numpy as np
from numpy.typing import NDArray

from fastphash.base.orientations import STEPS
from fastphash.base.vocabulary import PassOrder
from fastphash.images.decode import Decoded
from fastphash.images.thumbnail import Pairs
from fastphash.kernels import pdq as kernels
from fastphash.kernels.pdq import LOW, SIDE

# smaller images have no hash: all bits are 0, and the quality is 0
_SMALLEST = 5
# where a hash begins among ordered frequencies: the lower of the two middle ones is no bit
_MEDIAN = LOW * LOW // 2 - 1


def reduce_image(
    image: Decoded, _: PassOrder, orientations: bool, __: Pairs | None
) -> NDArray[np.float32]:
    """The square that PDQ hashes an image by: `pixel_squares` of `Decoded.pixels`."""
    assert image.pixels is not None
    return pixel_squares(image.pixels, orientations=orientations)


def pixel_squares(pixels: NDArray[np.uint8], *, orientations: bool) -> NDArray[np.float32]:
    """Reduce an image to the square that PDQ hashes it by.

    Parameters
    ----------
    pixels : uint8 (h, w) or (h, w, 3), C-contiguous
        Grey or RGB.
    orientations : bool
        Whether all orientations are wanted.

    Returns
    -------
    float32 (1, 64, 64) or (2, 64, 64)
        That of the upright hash; then that of the other orientations. They differ for images of
        64 x 64 pixels alone, which ``pdqhash.compute`` takes as they are and ``compute_dihedral``
        blurs. Zeros, which give a hash and a quality of 0, for an image of less than 5 rows or
        columns.
    """
    height, width = pixels.shape[:2]
    squares = np.zeros((2 if orientations else 1, SIDE, SIDE), np.float32)
    if min(height, width) < _SMALLEST:
        return squares
    if height == width == SIDE:
        kernels.fill_luma(pixels.reshape(-1), squares[0].reshape(-1))
        if orientations:
            kernels.shrink(pixels.reshape(height, -1), width, squares[1])
    else:
        kernels.shrink(pixels.reshape(height, -1), width, squares[0])
        squares[1:] = squares[0]
    return squares


def hash_squares(squares: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Hash what `pixel_squares` returns.

    Orientations but the first are made from the frequencies of the upright image, as
    ``compute_dihedral`` does: where an image is reversed, every other frequency changes its sign.

    Parameters
    ----------
    squares : float32 (n, 1, 64, 64) or (n, 2, 64, 64)

    Returns
    -------
    uint64 (n, 1, 4) or (n, 8, 4)
        The highest frequency is the first bit of the first word. Orientations are in canonical
        order.
    """
    upright = _frequencies(squares[:, 0])
    if squares.shape[1] == 1:
        return _words(upright[:, None])
    turned = upright.copy()
    others = np.flatnonzero((squares[:, 0] != squares[:, 1]).any(axis=(1, 2)))
    if others.size:
        turned[others] = _frequencies(squares[others, 1])
    transposed, signs = _turns()
    oriented = np.stack([turned, turned.swapaxes(1, 2)], axis=1)[:, transposed] * signs
    oriented[:, 0] = upright
    return _words(oriented)


def square_qualities(squares: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The quality of the upright image, 0 to 100: (n, 1 or 2, 64, 64) to uint8 (n,)."""
    qualities = np.empty(len(squares), np.uint8)
    kernels.qualities(np.ascontiguousarray(squares[:, 0]), qualities)
    return qualities


def _frequencies(squares: NDArray[np.float32]) -> NDArray[np.float32]:
    """The lowest frequencies of each square: (n, 64, 64) to (n, 16, 16)."""
    low = np.empty((len(squares), LOW, LOW), np.float32)
    kernels.low_frequencies(np.ascontiguousarray(squares), *_cosines(), low)
    return low


def _words(low: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Which frequencies (n, k, 16, 16) are above the lower median, the last first: (n, k, 4)."""
    values = low.reshape(*low.shape[:2], LOW * LOW)
    bits = values > np.partition(values, _MEDIAN, axis=-1)[..., _MEDIAN : _MEDIAN + 1]
    return np.packbits(bits[..., ::-1], axis=-1).view(">u8").astype(np.uint64)


@functools.cache
def _cosines() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The lowest frequencies but the constant one, (16, 64), and their transpose."""
    # scaled by float32, and rounded once; no bit hangs on the last digits of a cosine
    scale = float(np.float32(math.sqrt(2 / SIDE)))
    step = math.pi / 2 / SIDE
    rows = [
        [scale * math.cos(step * frequency * (2 * x + 1)) for x in range(SIDE)]
        for frequency in range(1, LOW + 1)
    ]
    cosines = np.array(rows, np.float32)
    return cosines, np.ascontiguousarray(cosines.T)


@functools.cache
def _turns() -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Whether each orientation transposes (8,), and the signs of its frequencies (8, 16, 16)."""
    reversed_sign = np.where(np.arange(LOW) % 2, 1, -1)
    signs = np.ones((len(STEPS), LOW, LOW), np.float32)
    for t, (_, rows, columns) in enumerate(STEPS):
        signs[t] *= reversed_sign[:, None] if rows else 1
        signs[t] *= reversed_sign if columns else 1
    return np.array([transposed for transposed, _, _ in STEPS], np.intp), signs

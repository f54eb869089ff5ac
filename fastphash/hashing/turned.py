"""The middle of images turned by a small angle: its hash, and its pixels, from thumbnails alone."""

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.hashing.windows import LOW, MIDDLE, low_cosines

_SIZE = THUMBNAIL_SIDE * THUMBNAIL_SIDE
# thumbnails that are turned at once
_AT_ONCE = 1 << 10
# pixels on either side that the cubic weighs, and its slope at one pixel's distance
_REACH, _SLOPE = 2, -0.5


def hash_turned(thumbnails: NDArray[np.uint8], degrees: tuple[int, ...]) -> NDArray[np.uint64]:
    """Hash `MIDDLE`, turned about the middle of the image by so many degrees.

    Parameters
    ----------
    thumbnails : uint8 (n, 1024)
    degrees : tuple of v int
        Clockwise.

    Returns
    -------
    uint64 (n, v)
    """
    hashes = np.empty((len(thumbnails), len(degrees)), np.uint64)
    for column, turn in enumerate(degrees):
        for start in range(0, len(thumbnails), _AT_ONCE):
            frequencies = thumbnails[start : start + _AT_ONCE] @ _low_frequencies(turn)
            hashes[start : start + _AT_ONCE, column] = _as_hashes(frequencies)
    return hashes


def cut_turned(
    thumbnails: NDArray[np.uint8], rows: NDArray[np.int64], degrees: NDArray[np.int8]
) -> NDArray[np.uint8]:
    """Thumbnails of turned middles: enlarged to 32 x 32 pixels, uint8 (k, 1024).

    Parameters
    ----------
    thumbnails : uint8 (n, 1024)
    rows : int64 (k,)
        The thumbnail of each.
    degrees : int8 (k,)
        How far each is turned, clockwise.
    """
    from fastphash.kernels import window_pixels  # imported late: numba takes 110 MB

    out = np.empty((rows.size, _SIZE), np.uint8)
    for turn in np.unique(degrees).tolist():
        some = np.flatnonzero(degrees == turn)
        cut = np.empty((some.size, _SIZE), np.uint8)
        places, weights = _taps(turn)
        window_pixels.cut_turned(
            np.ascontiguousarray(thumbnails), rows[some], places.astype(np.uint16), weights, cut
        )
        out[some] = cut
    return out


def _as_hashes(frequencies: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Which of 64 frequencies are above their median, the first the most significant: (n,)."""
    half = LOW * LOW // 2 - 1
    median = np.partition(frequencies, half, axis=1)[:, half : half + 1]
    return np.packbits(frequencies > median, axis=1).view(">u8")[:, 0].astype(np.uint64)


@functools.cache
def _low_frequencies(degrees: int) -> NDArray[np.float64]:
    """What takes a thumbnail to the lowest frequencies of its turned middle: (1024, 64)."""
    cosines = low_cosines()
    matrix = np.zeros((_SIZE, _SIZE))
    for place, weight in zip(*_taps(degrees), strict=True):
        np.add.at(matrix, (place, np.arange(_SIZE)), weight)
    frequencies: NDArray[np.float64] = matrix @ np.kron(cosines, cosines).T
    return frequencies


@functools.cache
def _taps(degrees: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The 16 pixels of a thumbnail that make each of its turned middle, and their weights.

    Both are (16, 1024). What lies beyond the edge repeats it. See Keys, Cubic convolution
    interpolation for digital image processing, 1981.
    """
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    middles = (np.arange(THUMBNAIL_SIDE) + 0.5) / THUMBNAIL_SIDE - 0.5
    y, x = np.meshgrid(*[middles * (MIDDLE.right - MIDDLE.left)] * 2, indexing="ij")
    columns = (cosine * x - sine * y + 0.5) * THUMBNAIL_SIDE - 0.5
    rows = (sine * x + cosine * y + 0.5) * THUMBNAIL_SIDE - 0.5
    last = THUMBNAIL_SIDE - 1
    places, weights = [], []
    for down in range(1 - _REACH, 1 + _REACH):
        for across in range(1 - _REACH, 1 + _REACH):
            row, column = np.floor(rows) + down, np.floor(columns) + across
            place = row.clip(0, last) * THUMBNAIL_SIDE + column.clip(0, last)
            places.append(place.astype(np.int64).reshape(-1))
            weights.append((_cubic(rows - row) * _cubic(columns - column)).reshape(-1))
    return np.array(places), np.array(weights, np.float32)


def _cubic(distance: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The weight of a pixel at so many pixels' distance."""
    x = np.abs(distance)
    near = (_SLOPE + 2) * x**3 - (_SLOPE + 3) * x**2 + 1
    far = _SLOPE * (x**3 - 5 * x**2 + 8 * x - 4)
    weight: NDArray[np.float64] = np.select([x < 1, x < _REACH], [near, far], 0.0)
    return weight

"""Hashes of windows of thumbnails: the lowest frequencies of a window are linear in the thumbnail.

A matrix (8, 32) takes a column of a thumbnail to the eight lowest frequencies of a stretch of it.
So the 64 frequencies of a window are ``down @ thumbnail @ across.T``, with one matrix for the
window's rows and one for its columns.
"""

import numpy as np
from numba import float64, int64, uint8, uint64
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels import array, compiled, const, inner

LOW = 8
_FREQUENCIES = LOW * LOW

_Matrix = NDArray[np.float64]


@inner
def _load(pixels: NDArray[np.uint8], plane: _Matrix) -> None:
    for i in range(THUMBNAIL_SIDE):
        line = plane[i]
        for j in range(THUMBNAIL_SIDE):
            line[j] = pixels[i * THUMBNAIL_SIDE + j]


@inner
def _lowest_rows(plane: _Matrix, down: _Matrix, rows: _Matrix) -> None:
    """The product of a matrix (8, 32) and a thumbnail (32, 32)."""
    for k in range(LOW):
        line = rows[k]
        for j in range(THUMBNAIL_SIDE):
            line[j] = 0.0
        for i in range(THUMBNAIL_SIDE):
            weight = down[k, i]
            source = plane[i]
            for j in range(THUMBNAIL_SIDE):
                line[j] += weight * source[j]


@inner
def _low(rows: _Matrix, across: _Matrix, low: _Matrix) -> None:
    """The product of rows (8, 32) and a transposed matrix (32, 8): (64,)."""
    for k in range(LOW):
        line = low[k * LOW : k * LOW + LOW]
        for m in range(LOW):
            line[m] = 0.0
        for j in range(THUMBNAIL_SIDE):
            value = rows[k, j]
            source = across[j]
            for m in range(LOW):
                line[m] += value * source[m]


@inner
def _hash(low: _Matrix, less: _Matrix) -> np.uint64:
    """Bits that say which of 64 values are above their median, the first the most significant.

    A value is above the median if at least half of the values are less than it.
    """
    for i in range(_FREQUENCIES):
        less[i] = 0.0
    for j in range(_FREQUENCIES):
        value = low[j]
        for i in range(_FREQUENCIES):
            less[i] += 1.0 if value < low[i] else 0.0
    bits = np.uint64(0)
    for i in range(_FREQUENCIES):
        bits = (bits << np.uint64(1)) | np.uint64(less[i] >= _FREQUENCIES // 2)
    return bits


@inner
def _turn(low: _Matrix, turn: int, turned: _Matrix) -> None:
    """The frequencies of a picture that is transposed, turned upside down and mirrored.

    Bits 4, 2 and 1 of `turn` say which of these, in this order.
    """
    for k in range(LOW):
        for m in range(LOW):
            value = low[m * LOW + k] if turn & 4 else low[k * LOW + m]
            odd = (k & (turn >> 1) & 1) ^ (m & turn & 1)
            turned[k * LOW + m] = -value if odd else value


@compiled(
    const(uint8, 2),
    const(float64, 3),
    const(float64, 3),
    const(int64, 2),
    const(int64),
    array(uint64, 3),
)
def hash_views(
    thumbnails: NDArray[np.uint8],
    down: NDArray[np.float64],
    across: NDArray[np.float64],
    windows: NDArray[np.int64],
    turns: NDArray[np.int64],
    hashes: NDArray[np.uint64],
) -> None:
    """Hash the same windows of all thumbnails, in some orientations.

    Parameters
    ----------
    thumbnails : uint8 (n, 1024)
    down, across : float64 (m, 8, 32), (m, 32, 8)
        Of each stretch, for the rows of a window; and for its columns, transposed.
    windows : int64 (v, 2)
        The stretch of each window's rows and of its columns, in the order of the former.
    turns : int64 (t,)
        Orientations: 4 for transposed, then 2 for upside down, then 1 for mirrored, added up.
    hashes : uint64 (n, v, t)
    """
    plane = np.empty((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    rows = np.empty((LOW, THUMBNAIL_SIDE))
    low, turned, less = np.empty((3, _FREQUENCIES))
    for n in range(thumbnails.shape[0]):
        _load(thumbnails[n], plane)
        last = -1
        for v in range(windows.shape[0]):
            # windows of equal rows share the larger part of the work
            if windows[v, 0] != last:
                last = windows[v, 0]
                _lowest_rows(plane, down[last], rows)
            _low(rows, across[windows[v, 1]], low)
            for t in range(turns.size):
                _turn(low, turns[t], turned)
                hashes[n, v, t] = _hash(turned, less)


@compiled(
    const(uint8, 2),
    const(float64, 3),
    const(float64, 3),
    const(int64, 2),
    const(int64),
    array(uint64, 2),
)
def hash_own_windows(
    thumbnails: NDArray[np.uint8],
    down: NDArray[np.float64],
    across: NDArray[np.float64],
    windows: NDArray[np.int64],
    turns: NDArray[np.int64],
    hashes: NDArray[np.uint64],
) -> None:
    """Hash one window of each thumbnail: `windows` (n, 2), `hashes` (n, t); else `hash_views`."""
    plane = np.empty((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    rows = np.empty((LOW, THUMBNAIL_SIDE))
    low, turned, less = np.empty((3, _FREQUENCIES))
    for n in range(thumbnails.shape[0]):
        _load(thumbnails[n], plane)
        _lowest_rows(plane, down[windows[n, 0]], rows)
        _low(rows, across[windows[n, 1]], low)
        for t in range(turns.size):
            _turn(low, turns[t], turned)
            hashes[n, t] = _hash(turned, less)

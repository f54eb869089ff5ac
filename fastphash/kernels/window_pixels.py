"""Windows of thumbnails, enlarged to thumbnails."""

import numpy as np
from numba import float32, int64, uint8, uint16
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels import array, compiled, const, inner
from fastphash.kernels.banded import find_bands, multiply


@inner
def _put(plane: NDArray[np.float32], pixels: NDArray[np.uint8]) -> None:
    """Write a plane (32, 32) as pixels (1024,)."""
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            value = min(max(np.rint(plane[i, j]), np.float32(0)), np.float32(255))
            pixels[i * THUMBNAIL_SIDE + j] = np.uint8(value)


@compiled(
    const(uint8, 2),
    const(int64),
    const(float32, 4),
    const(int64, 2),
    array(uint8, 2),
)
def cut_windows(
    thumbnails: NDArray[np.uint8],
    rows: NDArray[np.int64],
    stretches: NDArray[np.float32],
    windows: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> None:
    """Fill `out` (k, 1024) with windows of the thumbnails (n, 1024) of these rows (k,).

    `stretches` (m, 2, 32, 32) enlarge stretches of columns, and transposed stretches of rows;
    `windows` (k, 2) says which of them to take for the rows and for the columns of each window.
    """
    # three arrays: rows of one that is unpacked have strides that LLVM doesn't know
    plane = np.empty((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.float32)
    between, enlarged = np.empty_like(plane), np.empty_like(plane)
    bands = find_bands(stretches)
    for p in range(rows.size):
        pixels = thumbnails[rows[p]]
        for i in range(THUMBNAIL_SIDE):
            for j in range(THUMBNAIL_SIDE):
                plane[i, j] = pixels[i * THUMBNAIL_SIDE + j]
        high, wide = windows[p]
        down, across = stretches[high], stretches[wide]
        multiply(down, bands[high], across, bands[wide], plane, between, enlarged)
        _put(enlarged, out[p])


@compiled(
    const(uint8, 2),
    const(int64),
    const(uint16, 2),
    const(float32, 2),
    array(uint8, 2),
)
def cut_turned(
    thumbnails: NDArray[np.uint8],
    rows: NDArray[np.int64],
    places: NDArray[np.uint16],
    weights: NDArray[np.float32],
    out: NDArray[np.uint8],
) -> None:
    """Fill `out` (k, 1024) with the thumbnails (n, 1024) of these rows (k,), turned.

    Each pixel is the sum of some of the thumbnail's, which `places` (t, 1024) counts, with
    `weights` (t, 1024), added in their order.
    """
    total = np.empty((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.float32)
    flat = total.reshape(total.size)
    for p in range(rows.size):
        pixels = thumbnails[rows[p]]
        total[:] = np.float32(0)
        for t in range(places.shape[0]):
            for i in range(flat.size):
                flat[i] += np.float32(pixels[places[t, i]]) * weights[t, i]
        _put(total, out[p])

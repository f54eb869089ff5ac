"""Windows of thumbnails, enlarged to thumbnails."""

import numpy as np
from numba import float32, int64, uint8
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels import array, compiled, const
from fastphash.kernels.simd import combine


@compiled(
    const(uint8, 2),
    const(int64),
    const(float32, 3),
    const(float32, 3),
    const(int64, 2),
    array(uint8, 2),
)
def cut_windows(
    thumbnails: NDArray[np.uint8],
    rows: NDArray[np.int64],
    down: NDArray[np.float32],
    across: NDArray[np.float32],
    windows: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> None:
    """Fill `out` (k, 1024) with windows of the thumbnails (n, 1024) of these rows (k,).

    `down` (m, 32, 32) enlarges stretches of columns, and `across`, transposed, stretches of rows;
    `windows` (k, 2) says which of them to take for the rows and for the columns of each window.
    """
    # three arrays: rows of one that is unpacked have strides that LLVM doesn't know
    plane = np.empty((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.float32)
    between, enlarged = np.empty_like(plane), np.empty_like(plane)
    for p in range(rows.size):
        pixels = thumbnails[rows[p]]
        for i in range(THUMBNAIL_SIDE):
            for j in range(THUMBNAIL_SIDE):
                plane[i, j] = pixels[i * THUMBNAIL_SIDE + j]
        for i in range(THUMBNAIL_SIDE):
            combine(down[windows[p, 0]], i, plane, between)
        for i in range(THUMBNAIL_SIDE):
            combine(between, i, across[windows[p, 1]], enlarged)
        cut = out[p]
        for i in range(THUMBNAIL_SIDE):
            for j in range(THUMBNAIL_SIDE):
                value = min(max(np.rint(enlarged[i, j]), np.float32(0)), np.float32(255))
                cut[i * THUMBNAIL_SIDE + j] = np.uint8(value)

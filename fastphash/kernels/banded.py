"""Products of thumbnails with matrices that have few numbers in a row, side by side."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels import inner
from fastphash.kernels.simd import BLOCK_COLUMNS, BLOCK_ROWS, combine_block

_BLOCKS = THUMBNAIL_SIDE // BLOCK_ROWS

_Plane = NDArray[np.float32]
_Bands = NDArray[np.int64]


@inner
def find_bands(matrices: NDArray[np.float32]) -> _Bands:
    """Where the numbers of each block of rows of matrices (n, 2, 32, 32) begin and end.

    Only the first of each two counts: the second one is its transpose.
    """
    bands = np.empty((matrices.shape[0], _BLOCKS, 2), np.int64)
    for n in range(matrices.shape[0]):
        for block in range(_BLOCKS):
            first, last = THUMBNAIL_SIDE, 0
            for i in range(block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS):
                for k in range(THUMBNAIL_SIDE):
                    if matrices[n, 0, i, k] != 0:
                        first, last = min(first, k), max(last, k + 1)
            bands[n, block, 0], bands[n, block, 1] = first, last
    return bands


@inner
def multiply(
    down: _Plane,
    down_bands: _Bands,
    across: _Plane,
    across_bands: _Bands,
    plane: _Plane,
    scratch: _Plane,
    out: _Plane,
) -> None:
    """``down[0] @ plane @ across[1]``: of two matrices, each with its transpose (2, 32, 32).

    The numbers of a later row of a matrix don't begin or end further left. Products with zeros
    beside the bands are left out: a thumbnail takes 3 us, not 5.
    """
    for block in range(_BLOCKS):
        first, last = down_bands[block, 0], down_bands[block, 1]
        for column in range(0, THUMBNAIL_SIDE, BLOCK_COLUMNS):
            combine_block(down[0], block * BLOCK_ROWS, plane, column, scratch, first, last)
    for column in range(0, THUMBNAIL_SIDE, BLOCK_COLUMNS):
        first = across_bands[column // BLOCK_ROWS, 0]
        last = across_bands[(column + BLOCK_COLUMNS) // BLOCK_ROWS - 1, 1]
        for row in range(0, THUMBNAIL_SIDE, BLOCK_ROWS):
            combine_block(scratch, row, across[1], column, out, first, last)

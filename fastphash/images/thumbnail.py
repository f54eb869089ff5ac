"""Resize grey pixels to the thumbnail that is hashed: 32 x 32, or another size."""

import functools
import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import PASS_ORDERS, THUMBNAIL_SIDE, PassOrder
from fastphash.errors import UsageError

#: Rows and columns of an image brought together in pairs, by whether it was transposed.
Pairs: TypeAlias = dict[bool, NDArray[np.uint8]]
#: Width and height of a thumbnail.
Size: TypeAlias = tuple[int, int]
SQUARE: Size = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)


def vertical_first(width: int, height: int, pass_order: PassOrder, size: Size = SQUARE) -> bool:
    """Whether the resize of an image of this width and height begins with the vertical pass."""
    columns, rows = size
    if pass_order == "pillow13":
        return height > rows and height - rows > 2 * (width - columns)
    if pass_order == "pillow12.2":
        return height > rows and height > 100 * width
    if pass_order == "horizontal":
        return False
    raise UsageError(f"no pass order {pass_order!r}: use one of {', '.join(PASS_ORDERS)}")


def thumbnail(
    grey: NDArray[np.uint8],
    pass_order: PassOrder = "pillow13",
    extent: tuple[float, float] | None = None,
    size: Size = SQUARE,
    pairs: Pairs | None = None,
) -> NDArray[np.uint8]:
    """Pillow's ``resize(size, LANCZOS)`` of a grey image, bit for bit.

    Parameters
    ----------
    grey : uint8 (h, w), C-contiguous
    pass_order : {"horizontal", "pillow12.2", "pillow13"}
    extent : (float, float), optional
        Width and height that the image covers, from the upper left corner (Pillow's ``box``); the
        whole array by default.
    size : (int, int), optional
        Width and height of the thumbnail; 32 x 32 by default.
    pairs : dict, optional
        Keeps what thumbnails of this image, whatever their size, have in common.

    Returns
    -------
    uint8 (size[1], size[0])
    """
    height, width = grey.shape
    vertical = vertical_first(width, height, pass_order, size)
    return _resize(grey, extent or _whole(grey), size, pairs, vertical=vertical)


def both_thumbnails(
    grey: NDArray[np.uint8],
    pass_order: PassOrder = "pillow13",
    extent: tuple[float, float] | None = None,
    size: Size = SQUARE,
    pairs: Pairs | None = None,
) -> NDArray[np.uint8]:
    """Thumbnails of an image and of the transposed image; their flips give all 8 orientations.

    Parameters are those of `thumbnail`; both thumbnails have the same `size`.

    Returns
    -------
    uint8 (2, size[1], size[0])
    """
    extent = extent or _whole(grey)
    height, width = grey.shape
    upright = size, vertical_first(width, height, pass_order, size)
    # the order of the transposed image depends on its own shape
    transposed = size[::-1], not vertical_first(height, width, pass_order, size)
    resized = {
        (shape, vertical): _resize(grey, extent, shape, pairs, vertical=vertical)
        for shape, vertical in {upright, transposed}
    }
    return np.stack([resized[upright], resized[transposed].T])


def _whole(grey: NDArray[np.uint8]) -> tuple[float, float]:
    return float(grey.shape[1]), float(grey.shape[0])


def _resize(
    grey: NDArray[np.uint8],
    extent: tuple[float, float],
    size: Size,
    pairs: Pairs | None,
    *,
    vertical: bool,
) -> NDArray[np.uint8]:
    """(h, w) to (size[1], size[0]), with the vertical or the horizontal pass first."""
    (width, columns), (height, rows) = zip(extent, size, strict=True)
    if vertical:
        lines = _shrink(grey, height, rows, pairs)
        return _shrink(lines, width, columns, transposed=True).T
    lines = _shrink(grey, width, columns, pairs, transposed=True)
    return _shrink(lines, height, rows, transposed=True)


def _shrink(
    grey: NDArray[np.uint8],
    extent: float,
    rows: int,
    known: Pairs | None = None,
    *,
    transposed: bool = False,
) -> NDArray[np.uint8]:
    """(h, w), or the transposed (w, h), to (rows, w); the image covers `extent` of the h rows.

    Every pass runs along columns: vectors hold neighbours of a row. Taps are weighed in pairs,
    which are taken from those that are `known`, or kept there.
    """
    # imported late, here and below: numba takes 110 MB
    from fastphash.kernels import lanczos

    height, width = grey.shape[::-1] if transposed else grey.shape
    # a narrow image is widened by black, and cut again
    wide = max(width, lanczos.LEAST_WIDTH)
    pairs = None if known is None else known.get(transposed)
    if pairs is None:
        pairs = np.empty((height // 2 + height % 2, 2 * wide), np.uint8)
        (lanczos.pair_columns if transposed else lanczos.pair_rows)(grey, pairs)
        if known is not None:
            known[transposed] = pairs
    out = np.empty((rows, wide), np.uint8)
    lanczos.shrink_pairs(pairs, *_taps(height, extent, rows), out)
    return out if wide == width else np.ascontiguousarray(out[:, :width])


@functools.lru_cache(maxsize=256)
def _taps(
    size: int, extent: float, rows: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Where the pairs of each row's taps begin and end, and their weights."""
    from fastphash.kernels import lanczos

    start, count = np.empty((2, rows), np.int32)
    most = math.ceil(3 * max(extent / rows, 1)) * 2 + 1
    weight = np.zeros((rows, most), np.int32)
    lanczos.lanczos_taps(size, extent, start, count, weight)
    first, last = np.empty((2, rows), np.int64)
    parts = np.zeros((rows, most // 2 + 1, 4), np.int16)
    lanczos.pair_taps(start, count, weight, first, last, parts)
    return first, last, parts.view(np.int32)

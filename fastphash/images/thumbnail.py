"""Resize grey pixels to the 32 x 32 thumbnail that is hashed."""

import functools
import math

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import PASS_ORDERS, THUMBNAIL_SIDE, PassOrder
from fastphash.errors import UsageError


def vertical_first(width: int, height: int, pass_order: PassOrder) -> bool:
    """Whether the resize of an image of this size begins with the vertical pass."""
    if pass_order == "pillow13":
        return height > THUMBNAIL_SIDE and height - THUMBNAIL_SIDE > 2 * (width - THUMBNAIL_SIDE)
    if pass_order == "pillow12.2":
        return height > THUMBNAIL_SIDE and height > 100 * width
    if pass_order == "horizontal":
        return False
    raise UsageError(f"no pass order {pass_order!r}: use one of {', '.join(PASS_ORDERS)}")


def thumbnail(
    grey: NDArray[np.uint8],
    pass_order: PassOrder = "pillow13",
    extent: tuple[float, float] | None = None,
) -> NDArray[np.uint8]:
    """Pillow's ``resize((32, 32), LANCZOS)`` of a grey image, bit for bit.

    Parameters
    ----------
    grey : uint8 (h, w), C-contiguous
    pass_order : {"horizontal", "pillow12.2", "pillow13"}
    extent : (float, float), optional
        Width and height that the image covers, from the upper left corner (Pillow's ``box``); the
        whole array by default.

    Returns
    -------
    uint8 (32, 32)
    """
    extent = extent or _whole(grey)
    if _vertical_first(grey, pass_order):
        return _columns_then_rows(grey, extent)
    return _rows_then_columns(grey, extent)


def both_thumbnails(
    grey: NDArray[np.uint8],
    pass_order: PassOrder = "pillow13",
    extent: tuple[float, float] | None = None,
) -> NDArray[np.uint8]:
    """Thumbnails of an image and of the transposed image; their flips give all 8 orientations.

    Parameters are those of `thumbnail`.

    Returns
    -------
    uint8 (2, 32, 32)
    """
    extent = extent or _whole(grey)
    upright = _vertical_first(grey, pass_order)
    # the order of the transposed image depends on its own shape
    transposed = not _vertical_first(grey.T, pass_order)
    resized = {
        vertical: (_columns_then_rows if vertical else _rows_then_columns)(grey, extent)
        for vertical in {upright, transposed}
    }
    return np.stack([resized[upright], resized[transposed].T])


def _whole(grey: NDArray[np.uint8]) -> tuple[float, float]:
    return float(grey.shape[1]), float(grey.shape[0])


def _vertical_first(grey: NDArray[np.uint8], pass_order: PassOrder) -> bool:
    return vertical_first(grey.shape[1], grey.shape[0], pass_order)


def _columns_then_rows(grey: NDArray[np.uint8], extent: tuple[float, float]) -> NDArray[np.uint8]:
    return _shrink(_transposed(_shrink(grey, extent[1])), extent[0]).T


def _rows_then_columns(grey: NDArray[np.uint8], extent: tuple[float, float]) -> NDArray[np.uint8]:
    # The pass along rows runs along columns of the transposed image, because the compiler
    # vectorises that: 39 us for 300 x 300, transposing included, instead of 71 us.
    return _shrink(_transposed(_shrink(_transposed(grey), extent[0])), extent[1])


def _transposed(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # imported late, here and below: numba takes 110 MB
    from fastphash.kernels import lanczos

    out = np.empty(grey.shape[::-1], np.uint8)
    lanczos.transpose(grey, out)
    return out


def _shrink(grey: NDArray[np.uint8], extent: float) -> NDArray[np.uint8]:
    """(h, w) to (32, w), where the image covers `extent` of the h rows."""
    from fastphash.kernels import lanczos

    height, width = grey.shape
    out = np.empty((THUMBNAIL_SIDE, width), np.uint8)
    lanczos.shrink_columns(grey, *_taps(height, extent), np.empty(width, np.int32), out)
    return out


@functools.lru_cache(maxsize=256)
def _taps(
    size: int, extent: float
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    from fastphash.kernels import lanczos

    start = np.empty(THUMBNAIL_SIDE, np.int32)
    count = np.empty(THUMBNAIL_SIDE, np.int32)
    weight = np.zeros(
        (THUMBNAIL_SIDE, math.ceil(3 * max(extent / THUMBNAIL_SIDE, 1)) * 2 + 1), np.int32
    )
    lanczos.lanczos_taps(size, extent, start, count, weight)
    return start, count, weight

"""The eight symmetries of the square, applied to pixels and to thumbnails."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import ORIENTATIONS, THUMBNAIL_SIDE

#: Each orientation as three steps: transpose, then reverse the rows, then reverse the columns.
STEPS = (
    (False, False, False),
    (True, True, False),
    (False, True, True),
    (True, False, True),
    (False, False, True),
    (False, True, False),
    (True, False, False),
    (True, True, True),
)


@functools.cache
def orientation_indices(side: int = THUMBNAIL_SIDE) -> NDArray[np.uint16]:
    """uint16 (8, side**2): ``square.flat[indices[t, c]]`` is cell c of a square turned by t."""
    plain = np.arange(side * side).reshape(side, side)
    indices = np.empty((len(ORIENTATIONS), side * side), np.uint16)
    for t, (transposed, rows, columns) in enumerate(STEPS):
        source = plain.T if transposed else plain
        indices[t] = source[:: -1 if rows else 1, :: -1 if columns else 1].reshape(-1)
    return indices


#: What brings pixels into each orientation but the first, in canonical order.
PIXEL_TURNS: tuple[Callable[[NDArray[Any]], NDArray[Any]], ...] = (
    np.rot90,
    lambda pixels: pixels[::-1, ::-1],
    lambda pixels: np.rot90(pixels, 3),
    lambda pixels: pixels[:, ::-1],
    lambda pixels: pixels[::-1],
    lambda pixels: pixels.swapaxes(0, 1),
    lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
)


def orient_pixels(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Pixels (h, w) or (h, w, 3) in an orientation; an index into `fastphash.ORIENTATIONS`."""
    return np.ascontiguousarray(PIXEL_TURNS[orientation - 1](pixels) if orientation else pixels)


def turn_boxes(boxes: NDArray[np.float32], orientation: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Boxes of images in one frame, as they lie once the images are turned.

    Parameters
    ----------
    boxes : float32 (n, 4)
        Left, top, right, bottom, as shares of width and height. NaN stays NaN.
    orientation : uint8 (n,)
        What turns each image.

    Examples
    --------
    >>> corner = np.array([[0, 0, 0.25, 0.5]], np.float32)
    >>> turn_boxes(corner, np.array([ORIENTATIONS.index("rotate_90")], np.uint8)).tolist()
    [[0.0, 0.75, 0.5, 1.0]]
    """
    transposed, rows, columns = np.array(STEPS)[orientation].T
    left, top, right, bottom = boxes.T
    left, top = np.where(transposed, top, left), np.where(transposed, left, top)
    right, bottom = np.where(transposed, bottom, right), np.where(transposed, right, bottom)
    left, right = np.where(columns, 1 - right, left), np.where(columns, 1 - left, right)
    top, bottom = np.where(rows, 1 - bottom, top), np.where(rows, 1 - top, bottom)
    return np.stack([left, top, right, bottom], axis=1).astype(np.float32)

"""Windows of images whose hashes are views: fixed ones, and what uniform bars leave."""

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE

#: Which views to make: none; bars trimmed and centres; or also windows on one side of the image.
ViewSet = Literal["none", "centre", "all"]
VIEW_SETS: tuple[ViewSet, ...] = get_args(ViewSet)

# edges of trimmed windows are whole multiples of a pixel's eighth
_STEPS = 8


class Window(NamedTuple):
    """A part of an image: edges as shares of its width and height, from the upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


#: The whole image.
FRAME = Window(0.0, 0.0, 1.0, 1.0)
#: The middle, which is compared with the same middle, moved, of other images.
MIDDLE = Window(0.1, 0.1, 0.9, 0.9)

_CENTRES = tuple(
    Window(margin, margin, 1 - margin, 1 - margin) for margin in (0.05, 0.09, 0.165, 0.2)
)
_ONE_SIDED = (
    Window(0.0, 0.0, 0.8, 1.0),
    Window(0.2, 0.0, 1.0, 1.0),
    Window(0.0, 0.0, 1.0, 0.8),
    Window(0.0, 0.2, 1.0, 1.0),
)
_MOVED = tuple(
    Window(x / 10, y / 10, (x + 8) / 10, (y + 8) / 10)
    for y in range(3)
    for x in range(3)
    if (x, y) != (1, 1)
)


def windows_like_frames(views: ViewSet) -> tuple[Window, ...]:
    """The windows that are compared with the frames of other images."""
    return {"none": (), "centre": _CENTRES, "all": (*_CENTRES, *_ONE_SIDED)}[views]


def windows_like_middles(views: ViewSet) -> tuple[Window, ...]:
    """The windows that are compared with the `MIDDLE` of other images."""
    return _MOVED if views == "all" else ()


def trimmed_windows(
    thumbnails: NDArray[np.uint8],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The windows that remain when uniform bars are trimmed.

    A letterbox has bars at top and bottom, a pillarbox left and right, a frame on all sides; they
    may have any colours. A bar takes half of a side at most, and both leave a third of it.

    Parameters
    ----------
    thumbnails : uint8 (n, 1024)

    Returns
    -------
    rows : int64 (k,)
        The thumbnails that have bars.
    windows : float64 (k, 4)
        Of each of these, as in `Window`.
    """
    from fastphash.kernels.bars import find_bars  # imported late: numba takes 110 MB

    edges = np.empty((len(thumbnails), 4))
    find_bars(np.ascontiguousarray(thumbnails), edges)
    edges = np.round(edges * _STEPS) / (_STEPS * THUMBNAIL_SIDE)
    rows = np.flatnonzero((edges != np.array(FRAME)).any(axis=1))
    return rows, edges[rows]

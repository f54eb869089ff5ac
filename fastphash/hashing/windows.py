"""Windows of images whose hashes are views: fixed ones, and what uniform bars leave."""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.machine import core_count
from fastphash.base.threads import run_all
from fastphash.base.vocabulary import THUMBNAIL_SIDE, ViewSet

#: Frequencies along each axis that a hash tells of.
LOW = 8
# edges of trimmed windows are whole multiples of a pixel's eighth
_STEPS = 8
# thumbnails in one job of a thread
_PER_JOB = 1 << 10
# rectangles of a thumbnail, and the evidence from which on one is likely a picture
_PICTURES, _LIKELY = 3, 8.0
# pixels by which two bars of equal width may seem to differ
_UNEVEN = 0.5


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
#: Degrees by which it is turned, too: what shows the same, turned by 3 to 11 degrees, is near.
TURNS = (-8, 8)

_CENTRES = tuple(
    Window(margin, margin, 1 - margin, 1 - margin) for margin in (0.05, 0.09, 0.165, 0.2, 0.25, 0.3)
)
# squares in the middle of 4:3 and 3:2 pictures, as training pipelines cut them: of the full height
# or of 7/8 of it
_SQUARES = (
    Window(0.125, 0.0, 0.875, 1.0),
    Window(0.17, 0.0, 0.83, 1.0),
    Window(0.2, 0.0625, 0.8, 0.9375),
    Window(0.0, 0.125, 1.0, 0.875),
)
_ONE_SIDED = tuple(
    window
    for kept in (0.8, 0.7)
    for window in (
        Window(0.0, 0.0, kept, 1.0),
        Window(1 - kept, 0.0, 1.0, 1.0),
        Window(0.0, 0.0, 1.0, kept),
        Window(0.0, 1 - kept, 1.0, 1.0),
    )
)
# what a letterbox of 2.35:1 leaves of pictures between 5:4 and 3:2 that it covers
_STRIP = Window(0.0, 0.23, 1.0, 0.77)
_MOVED = tuple(
    Window(x / 10, y / 10, (x + 8) / 10, (y + 8) / 10)
    for y in range(3)
    for x in range(3)
    if (x, y) != (1, 1)
)


def windows_like_frames(views: ViewSet) -> tuple[Window, ...]:
    """The windows that are compared with the frames of other images."""
    if views == "none":
        return ()
    centres = *_CENTRES, *_SQUARES
    return centres if views == "centre" else (*centres, *_ONE_SIDED, _STRIP, *_MOVED)


def windows_like_middles(views: ViewSet) -> tuple[Window, ...]:
    """The windows that are compared with the `MIDDLE` of other images."""
    return _MOVED if views == "all" else ()


def turns_of_middle(views: ViewSet) -> tuple[int, ...]:
    """The degrees by which `MIDDLE` is turned, to be compared with frames and middles of others."""
    return TURNS if views == "all" else ()


def trimmed_windows(
    thumbnails: NDArray[np.uint8],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The windows that remain when uniform bars are trimmed.

    A letterbox has bars at top and bottom, a pillarbox left and right, a frame on all sides; they
    may have any colours. A bar takes half of a side at most, and both leave a third of it.

    Bars mostly come in pairs of equal width. Where they don't, a picture whose edge has the colour
    of the bar may have lost a part, so that there is a second window: with the narrower bar on both
    sides.

    Parameters
    ----------
    thumbnails : uint8 (n, 1024)

    Returns
    -------
    rows : int64 (k,)
        The thumbnails that have bars, ascending; some twice.
    windows : float64 (k, 4)
        Of each of these, as in `Window`.
    """
    from fastphash.kernels.bars import find_bars  # imported late: numba takes 110 MB

    edges = np.empty((len(thumbnails), 4))
    find_bars(np.ascontiguousarray(thumbnails), edges)
    windows = _whole_steps(edges)
    margins = np.minimum(windows[:, :2], 1 - windows[:, 2:])
    even = np.concatenate([margins, 1 - margins], axis=1)
    rows = np.flatnonzero((windows != np.array(FRAME)).any(axis=1))
    uneven = np.abs(even - windows).max(axis=1) > _UNEVEN / THUMBNAIL_SIDE
    twice = np.flatnonzero(uneven & (margins > 0).any(axis=1))
    order = np.argsort(np.concatenate([rows, twice]), kind="stable")
    both = np.concatenate([rows, twice])[order]
    return both, np.concatenate([windows[rows], even[twice]])[order]


def pictures_inside(
    thumbnails: NDArray[np.uint8],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The rectangles that are likely pictures inside of pictures: the three likeliest, if any.

    A screenshot shows one, and so does a picture that was pasted into another one.

    Parameters
    ----------
    thumbnails : uint8 (n, 1024)

    Returns
    -------
    rows : int64 (k,)
        The thumbnails that show them, ascending; some several times.
    windows : float64 (k, 4)
        As in `Window`.
    """
    from fastphash.kernels.rectangles import find_rectangles  # imported late: numba takes 110 MB

    edges = np.empty((len(thumbnails), _PICTURES, 4))
    evidence = np.empty((len(thumbnails), _PICTURES))
    thumbnails = np.ascontiguousarray(thumbnails)
    run_all(
        core_count(),
        (
            partial(find_rectangles, thumbnails[part], edges[part], evidence[part])
            for part in (slice(i, i + _PER_JOB) for i in range(0, len(thumbnails), _PER_JOB))
        ),
    )
    row, which = np.nonzero(evidence >= _LIKELY)
    return row, _whole_steps(edges)[row, which]


def _whole_steps(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges in pixels of thumbnails, rounded, as shares of a side."""
    shares: NDArray[np.float64] = np.round(edges * _STEPS) / (_STEPS * THUMBNAIL_SIDE)
    return shares


def low_cosines() -> NDArray[np.float64]:
    """The `LOW` lowest frequencies of the discrete cosine transform of 32 pixels: (8, 32)."""
    k, i = np.arange(LOW)[:, None], np.arange(THUMBNAIL_SIDE)
    cosines: NDArray[np.float64] = 2 * np.cos(np.pi * k * (2 * i + 1) / (2 * THUMBNAIL_SIDE))
    return cosines

"""Two pictures whose frames differ by a few pixels, or by a little scale, brought into one frame.

Pictures are cut into blocks. Phase correlation gives the shift of each block, and a line through
the shifts along each axis gives scale and shift of the whole.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from fastphash.looks.local_change import CHANGED, ComparedPictures, LocalChange

# blocks along each side
_BLOCKS = 3
# smallest side of a block, in pixels
_LEAST_SIDE = 24
# largest shift of a block, as a share of its side, and of the whole picture
_MOST_SHIFT = 0.25
# the largest change of scale, and the largest shift as a share of a side
_MOST_SCALE, _MOST_MOVE = 0.08, 0.08
# blocks whose shifts are within so many pixels of the line agree, and how many must
_AGREE, _LEAST_AGREEING = 1.0, 4
# a peak is at least so many times as high as other correlations are on average
_LEAST_PEAK = 6.0
# pixels by which two frames may differ and count as one: looks at pixels allow for half of one
_SAME = 0.4


class Frame(NamedTuple):
    """Where the pixels of one picture are in another: column x at ``scale_x * x + move_x``."""

    scale_x: float
    move_x: float
    scale_y: float
    move_y: float


def find_frame(left: NDArray[np.float32], right: NDArray[np.float32]) -> Frame | None:
    """Where the pixels of the right picture are in the left one.

    Parameters
    ----------
    left, right : float32 (h, w)
        Grey, of one size.

    Returns
    -------
    Frame or None
        None if the frames are the same, or further apart than a slight crop, or can't be told.
    """
    height, width = left.shape
    rows, columns = height // _BLOCKS, width // _BLOCKS
    if min(rows, columns) < _LEAST_SIDE:
        return None
    window = _block_window(_fast_length(rows), _fast_length(columns))
    centres, shifts = [], []
    for top in range(0, _BLOCKS * rows, rows):
        for start in range(0, _BLOCKS * columns, columns):
            shift = _shift_of_block(left, right, (top, start), window)
            if shift is not None:
                centres.append((top + window.shape[0] / 2, start + window.shape[1] / 2))
                shifts.append(shift)
    if len(shifts) < _LEAST_AGREEING:
        return None
    where, moved = np.array(centres), np.array(shifts)
    down, across = (_fit_line(where[:, axis], moved[:, axis]) for axis in (0, 1))
    if down is None or across is None:
        return None
    (slope_y, move_y), (slope_x, move_x) = down, across
    frame = Frame(1 + slope_x, move_x, 1 + slope_y, move_y)
    return frame if _is_slight(frame, height, width) else None


def _is_slight(frame: Frame, height: int, width: int) -> bool:
    """Whether the frames differ, and not by much."""
    axes = ((frame.scale_y, frame.move_y, height), (frame.scale_x, frame.move_x, width))
    moves = [max(abs(move), abs(move + (scale - 1) * side)) for scale, move, side in axes]
    slight = all(
        abs(scale - 1) <= _MOST_SCALE and most <= _MOST_MOVE * side
        for (scale, _, side), most in zip(axes, moves, strict=True)
    )
    return slight and max(moves) > _SAME


def into_frame(
    left: NDArray[np.uint8], right: NDArray[np.uint8], frame: Frame
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], tuple[int, int, int, int]]:
    """What both pictures show, the left one resampled into the frame of the right one.

    Returns
    -------
    uint8 (h, w, ...), uint8 (h, w, ...)
    (int, int, int, int)
        Left, top, right and bottom of that in the right picture, in pixels.
    """
    height, width = right.shape[:2]
    x = frame.scale_x * np.arange(width) + frame.move_x
    y = frame.scale_y * np.arange(height) + frame.move_y
    columns = np.flatnonzero((x >= 0) & (x <= width - 1))
    rows = np.flatnonzero((y >= 0) & (y <= height - 1))
    planes = left.reshape(height, width, -1).astype(np.float32)
    planes = _interpolate(_interpolate(planes, y[rows], 0), x[columns], 1)
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    shown = right[box[1] : box[3], box[0] : box[2]]
    return np.rint(planes).astype(np.uint8).reshape(shown.shape), np.ascontiguousarray(shown), box


def _interpolate(
    planes: NDArray[np.float32], places: NDArray[np.floating[Any]], axis: int
) -> NDArray[np.float32]:
    """Values at fractional places along an axis, between their two neighbours."""
    first = np.minimum(places.astype(np.int64), planes.shape[axis] - 2)
    share = (places - first).astype(np.float32)
    share = share[:, None, None] if axis == 0 else share[None, :, None]
    before, after = planes.take(first, axis), planes.take(first + 1, axis)
    between: NDArray[np.float32] = before + (after - before) * share
    return between


def _fast_length(side: int) -> int:
    """The most pixels of a side whose transform is quick: 213, 3 times 71, take thrice as long."""
    while scipy.fft.next_fast_len(side, real=True) != side:
        side -= 1
    return side


@lru_cache(maxsize=8)
def _block_window(rows: int, columns: int) -> NDArray[np.float32]:
    """What fades out the edges of a block."""
    return np.outer(np.hanning(rows), np.hanning(columns)).astype(np.float32)


def _spectrum(block: NDArray[np.float32], window: NDArray[np.float32]) -> NDArray[np.complex64]:
    spectrum: NDArray[np.complex64] = scipy.fft.rfft2((block - block.mean()) * window)
    return spectrum


def _shift_of_block(
    left: NDArray[np.float32],
    right: NDArray[np.float32],
    corner: tuple[int, int],
    window: NDArray[np.float32],
) -> tuple[float, float] | None:
    """Rows and columns by which a block of the right picture moves to be where it is in the left.

    The second time the block of the left picture lies where the first time put it.
    """
    (top, start), (rows, columns) = corner, window.shape
    theirs = _spectrum(right[top : top + rows, start : start + columns], window)
    down, across = 0, 0
    moved = 0.0, 0.0
    for _ in range(2):
        block = left[top + down : top + down + rows, start + across : start + across + columns]
        shift = _shift_between(_spectrum(block, window), theirs, (rows, columns))
        if shift is None:
            return None
        moved = down + shift[0], across + shift[1]
        last = down, across
        down = min(max(round(moved[0]), -top), left.shape[0] - rows - top)
        across = min(max(round(moved[1]), -start), left.shape[1] - columns - start)
        if (down, across) == last:
            break
    return moved


def _shift_between(
    ours: NDArray[np.complex64], theirs: NDArray[np.complex64], shape: tuple[int, int]
) -> tuple[float, float] | None:
    """The shift at the peak of the phase correlation; None if there is no clear peak."""
    product = ours * theirs.conj()
    strength = np.abs(product)
    if strength.max() == 0:
        return None
    correlation = scipy.fft.irfft2(product / np.maximum(strength, 1e-3 * strength.max()), shape)
    reach = [max(int(_MOST_SHIFT * side), 1) for side in shape]
    near = correlation[np.ix_(*(np.arange(-most, most + 1) for most in reach))]
    peak = np.unravel_index(near.argmax(), near.shape)
    if near[peak] < _LEAST_PEAK * np.abs(near).mean():
        return None
    down, across = (
        _peak_between(near.take(peak[1 - axis], 1 - axis), int(peak[axis])) - reach[axis]
        for axis in (0, 1)
    )
    return down, across


def _peak_between(line: NDArray[np.float32], top: int) -> float:
    """The place of a peak between samples, from its two neighbours."""
    if not 0 < top < line.size - 1:
        return float(top)
    before, at, after = (float(value) for value in line[top - 1 : top + 2])
    # the top of the parabola through the three; equal neighbours are exactly between
    return top + (after - before) / (2 * (2 * at - before - after))


def _fit_line(
    places: NDArray[np.float64], shifts: NDArray[np.float64]
) -> tuple[float, float] | None:
    """Slope and start of the line that most blocks agree on."""
    slope, start, agree = 0.0, float(np.median(shifts)), np.ones(places.size, np.bool_)
    for _ in range(3):
        residual = np.abs(shifts - slope * places - start)
        agree = residual <= max(_AGREE, float(np.median(residual)))
        if np.ptp(places[agree]) > 0:
            slope, start = (float(value) for value in np.polyfit(places[agree], shifts[agree], 1))
    close = np.abs(shifts - slope * places - start) <= _AGREE
    return (slope, start) if close.sum() >= _LEAST_AGREEING else None


def find_change(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> LocalChange:
    """The local change of two pictures, also of those whose frames differ slightly.

    Parameters are those of `fastphash.looks.local_change.find_local_change`. In the frame that
    explains more, fewer cells differ; the place is in the right picture.
    """
    whole = ComparedPictures(left, right)
    # other tones take the longest: where another frame explains everything nobody tries them,
    # unless light says that they come first
    tones_first = whole.agree or whole.differ_in_light
    change = whole.find_change() if tones_first else None
    if change is not None and change.strength < CHANGED:
        return change
    frame = find_frame(_grey(left), _grey(right))
    if frame is None:
        return change or whole.find_change()
    *shown, (x, y, *_) = into_frame(left, right, frame)
    framed = ComparedPictures(*shown)
    if framed.agree:
        return framed.find_change()
    change = change or whole.find_change()
    again = change if change.strength < CHANGED else framed.find_change()
    if again is change or (again.strength >= CHANGED and again.share >= change.share):
        return change
    rows, columns = shown[1].shape[:2]
    corner, size = np.array([x, y, x, y]), np.array([columns, rows, columns, rows])
    height, width = right.shape[:2]
    place = (corner + np.array(again.place) * size) / np.array([width, height, width, height])
    return again._replace(place=tuple(place.tolist()))


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    channels = pixels.reshape(*pixels.shape[:2], -1)
    # numpy takes ten times as long to average three values of each pixel at once
    total = np.zeros(channels.shape[:2], np.float32)
    for c in range(channels.shape[2]):
        total += channels[..., c]
    grey: NDArray[np.float32] = total / np.float32(channels.shape[2])
    return grey

"""Which pixels of a thumbnail show its subject, and which are plain ground or a frame."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels import inner

# The ground is every block of 3 x 3 pixels within this many levels of the most frequent level ...
GROUND_RANGE = 3
# ... if it covers this share of a thumbnail whose levels have at least this standard deviation.
GROUND_SHARE = 0.2
GROUND_DEVIATION = 25.0
# A frame is made of bars: lines along an edge, at most this many, each within so many levels. The
# lines next to a bar hold parts of its edge, which the resize sharpens.
BAR_RANGE = 6
MAX_BAR = 10
BESIDE_BAR = 2


@inner
def find_ground(pixels: NDArray[np.uint8], tolerance: int) -> tuple[int, int]:
    """The most frequent level, and how many pixels lie within `tolerance` levels of it."""
    frequency = np.zeros(256, np.int64)
    for value in pixels:
        frequency[value] += 1
    ground = 0
    for level in range(256):  # np.argmax compiles for a second
        if frequency[level] > frequency[ground]:
            ground = level
    count = 0
    for level in range(max(ground - tolerance, 0), min(ground + tolerance, 255) + 1):
        count += frequency[level]
    return ground, count


@inner
def find_subject(pixels: NDArray[np.uint8], subject: NDArray[np.float32]) -> bool:
    """Fill `subject` (32, 32): 1 on the subject, 0 on and next to ground and frame.

    Returns whether there is a ground or a frame.
    """
    framed = bool(_mark_inside_frame(pixels, subject))
    ground, count = find_ground(pixels, GROUND_RANGE)
    if count < GROUND_SHARE * pixels.size or _variance(pixels) < GROUND_DEVIATION**2:
        return framed
    near_level = np.empty((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.bool_)
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            level = np.int64(pixels[i * THUMBNAIL_SIDE + j])
            near_level[i, j] = abs(level - ground) <= GROUND_RANGE
    block_centre = np.empty((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.bool_)
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            block_centre[i, j] = _block_is(near_level, i, j, True)
    on_ground = near_level
    count = 0
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            on_ground[i, j] = not _block_is(block_centre, i, j, False)
            count += on_ground[i, j]
    if count < GROUND_SHARE * pixels.size:
        return framed
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            if not _block_is(on_ground, i, j, False):
                subject[i, j] = 0
    return True


@inner
def _variance(pixels: NDArray[np.uint8]) -> float:
    total = 0.0
    squares = 0.0
    for value in pixels:
        total += value
        squares += np.float64(value) * value
    mean = total / pixels.size
    return squares / pixels.size - mean * mean


@inner
def _block_is(plane: NDArray[np.bool_], i: int, j: int, wanted: bool) -> bool:
    """Whether the 3 x 3 block around a pixel, as far as it is inside, is `wanted` throughout."""
    for y in range(max(i - 1, 0), min(i + 2, THUMBNAIL_SIDE)):
        for x in range(max(j - 1, 0), min(j + 2, THUMBNAIL_SIDE)):
            if plane[y, x] != wanted:
                return False
    return True


@inner
def _mark_inside_frame(pixels: NDArray[np.uint8], subject: NDArray[np.float32]) -> bool:
    """Fill `subject`: 1 inside the frame, 0 on and next to its bars. Whether there is a frame."""
    last = THUMBNAIL_SIDE - 1
    top = _bar_lines(pixels, 0, THUMBNAIL_SIDE, 1)
    bottom = _bar_lines(pixels, THUMBNAIL_SIDE * last, -THUMBNAIL_SIDE, 1)
    left = _bar_lines(pixels, 0, 1, THUMBNAIL_SIDE)
    right = _bar_lines(pixels, last, -1, THUMBNAIL_SIDE)
    subject[:] = 0
    subject[top : THUMBNAIL_SIDE - bottom, left : THUMBNAIL_SIDE - right] = 1
    return bool(top + bottom + left + right > 0)


@inner
def _bar_lines(pixels: NDArray[np.uint8], first: int, step: int, along: int) -> int:
    """Lines from an edge that a bar and its blurred border take; 0 without a bar.

    Line n begins at pixel ``first + n * step``; its pixels are `along` apart.
    """
    for line in range(MAX_BAR + 1):
        low, high = np.int64(255), np.int64(0)
        for k in range(THUMBNAIL_SIDE):
            value = np.int64(pixels[first + line * step + k * along])
            low, high = min(low, value), max(high, value)
        if high - low > BAR_RANGE:
            return line + BESIDE_BAR if line else 0
    return 0

"""Bars of one colour at two opposite edges of a picture, or at one: letterboxes, pillarboxes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.kernels import even_lines

# levels around that of its outermost line which a bar has, and the share of each line that has them
_RANGE, _SHARE = 10, 0.97
# the least share of a side that is left between two bars
_LEAST_LEFT = 0.25
# A bar ends in a straight edge: within so many lines, along this share of what it borders, the
# picture departs by more than the range. Where a thing on a plain ground ends, less does.
_STEP, _STRAIGHT = 2, 0.6


class PixelBox(NamedTuple):
    """A part of a picture: edges in pixels from its upper left corner."""

    left: int
    top: int
    right: int
    bottom: int

    def cut(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Its part of a picture, not copied."""
        return picture[self.top : self.bottom, self.left : self.right]


def find_picture(grey: NDArray[np.uint8]) -> PixelBox:
    """What bars at head and foot, or at the sides, leave of a picture; all of it without any.

    Bars all around are left alone: they may be the plain ground of a thing that is a rectangle.

    Parameters
    ----------
    grey : uint8 (h, w)
        Bars may be at one end or at both, each in a colour of its own.
    """
    height, width = grey.shape
    top, bottom = _between(grey)
    left, right = _between(grey.T)
    if (bottom - top < height) and (right - left < width):
        return PixelBox(0, 0, width, height)
    return PixelBox(left, top, right, bottom)


def _between(lines: NDArray[np.uint8]) -> tuple[int, int]:
    """The lines between the bars at both ends of some; all of them if too few are left."""
    first, last = _bar(lines), len(lines) - _bar(lines[::-1])
    if last - first < max(_LEAST_LEFT * len(lines), 1):
        return 0, len(lines)
    return first, last


def _bar(lines: NDArray[np.uint8]) -> int:
    """How many lines a bar has that starts with the first one; 0 if it has no straight end."""
    size = _count_even(lines)
    if not size or size + _STEP > len(lines):
        return 0
    outside, inside = lines[max(size - _STEP, 0)], lines[size + _STEP - 1]
    departs = np.abs(inside.astype(np.int16) - outside) > _RANGE
    return size if departs.mean() >= _STRAIGHT else 0


def _count_even(lines: NDArray[np.uint8]) -> int:
    """How many lines have the level of the first one, from that on."""
    # most pictures have no bars: their first line shows that
    if not even_lines.is_even(np.ascontiguousarray(lines[0]), _RANGE, _SHARE):
        return 0
    level = np.median(lines[0])
    start, size = 0, 1
    while start < len(lines):
        even = _has_level(lines[start : start + size], level)
        if not even.all():
            return start + int(even.argmin())
        start, size = start + size, 2 * size
    return len(lines)


def _has_level(lines: NDArray[np.uint8], level: float) -> NDArray[np.bool_]:
    near = (lines >= level - _RANGE) & (lines <= level + _RANGE)
    result: NDArray[np.bool_] = near.mean(axis=1) >= _SHARE
    return result

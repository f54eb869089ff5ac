"""Two pictures brought into one frame, and how alike their detail is there.

Keypoints propose a similarity, and the frames of both pictures that nothing has moved. Each is
refined, and the one under which more detail agrees is taken.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.looks.fits import Matrix, as_pixels, as_shares, fit_detail, invert
from fastphash.looks.keypoints import Box, Described, describe, fit_similarity, reduce_to

#: Keypoints that both pictures need for the correlation to count against them.
ENOUGH_KEYPOINTS = 100

# pixels of the longer side at which detail is compared
_SIDE = 160
# matches from which on the frames need not be tried
_SURE_MATCHES = 100
# a frame is the same, or a crop from its edges or around its middle, within so many degrees and
# shares of its sides; and beyond so many it is another part of the picture
_SAME_ANGLE, _SAME_PLACE = 0.25, 0.005
_MOST_ANGLE, _MOST_PLACE = 4.0, 0.04
# share of a picture below which the overlap is looked at again, at full resolution, and the
# correlation that makes it worth a look
_SMALL, _CREDIBLE = 0.75, 0.3
# correlation from which on what keypoints propose is refined, if nothing else would make a copy: of
# 1,207 copies that pixels prove, none starts below 0.28
_LIKELY = 0.2
# shares by which the bars of two pictures with the same ones may differ
_SAME_BARS = 0.01
# of eight sectors of the rim, those that must agree where the frame is another one
_HELD = 6


class Alignment(NamedTuple):
    """How one picture lies in the frame of another.

    Attributes
    ----------
    correlation : float
        Of the detail of both in the overlap, -1 to 1; 0 where they can't be aligned.
    keypoints : (int, int)
        Found in the overlap in either picture; in all of it where they can't be aligned.
    matches : int
        Pairs of keypoints that agree on a similarity.
    scale, angle : float
        From the left picture, by its longer side, to the right one; degrees counter-clockwise.
        Pictures are what bars leave of them.
    shift : (float, float)
        Of the left picture's centre from the right one's, as shares of width and height.
    window : Box
        The box of the overlap in the left picture: left, top, right, bottom as shares; NaN where
        they can't be aligned.
    other_window : Box
        The same in the right picture.
    covered : float
        The share of the overlap that shows detail: little on a plain ground.
    loose : bool
        Whether things have moved a little in the frame, and detail at the edges of the overlap has
        not moved with them: so they do in another shot of a thing on a plain ground.
    alike : float
        The share that agrees well of the places that show much detail in both pictures.
    """

    correlation: float
    keypoints: tuple[int, int]
    matches: int
    scale: float
    angle: float
    shift: tuple[float, float]
    window: Box
    other_window: Box
    covered: float = 0.0
    loose: bool = False
    alike: float = 0.0

    @property
    def matched(self) -> float:
        """The share of the keypoints, of the picture with fewer, that agree."""
        return min(self.matches / max(min(self.keypoints), 1), 1.0)


def align(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> Alignment:
    """Bring one picture onto another, and correlate their detail.

    Parameters
    ----------
    left, right : uint8 (h, w) or (h, w, 3)
        Grey or RGB; none may be mirrored.

    Raises
    ------
    UsageError
        OpenCV is missing.
    """
    return align_described(describe(left), describe(right))


def align_described(
    left: Described, right: Described, *, need_keypoints: bool = False
) -> Alignment:
    """The same of pictures whose keypoints are known already.

    With `need_keypoints` they are not aligned where no keypoints agree on how. Where these agree
    and the detail doesn't, nothing is refined.
    """
    found = _align_closely(left, right, need_keypoints=need_keypoints)
    if not found.correlation or left.box == (0, 0, 1, 1):
        return found
    if np.abs(np.subtract(left.box, right.box)).max() > _SAME_BARS:
        return found
    # bars that both pictures have are a part of their frame
    return found._replace(
        window=_add_bars(found.window, left.box),
        other_window=_add_bars(found.other_window, right.box),
    )


def _align_closely(left: Described, right: Described, *, need_keypoints: bool) -> Alignment:
    """Align pictures, and then their overlap, if it is a small part of one."""
    found = _align(left, right, need_keypoints=need_keypoints)
    windows = found.window, found.other_window
    # NaN where they can't be aligned
    if found.correlation < _CREDIBLE or not min(map(_area, windows)) < _SMALL:
        return found
    # what is small in one picture has lost its detail there, and in the other one it hasn't
    ours, theirs = (
        _look_closer(picture, window)
        for picture, window in zip((left, right), windows, strict=True)
    )
    closer = _align(ours, theirs)
    if closer.correlation <= 0:
        return found
    # in a frame of another size nothing moves a little
    return closer._replace(scale=found.scale, angle=found.angle, shift=found.shift, loose=False)


def _look_closer(picture: Described, window: Box) -> Described:
    """A window of a picture, described at the resolution that it has."""
    height, width = picture.fine.shape
    (left, top), (right, bottom) = picture.box[:2], picture.box[2:]
    across = (np.array(window[::2]) - left) / (right - left) * width
    down = (np.array(window[1::2]) - top) / (bottom - top) * height
    (left, right), (top, bottom) = (
        (max(math.floor(low), 0), math.ceil(high)) for low, high in (across.tolist(), down.tolist())
    )
    part = describe(np.ascontiguousarray(picture.fine[top:bottom, left:right]))
    return part._replace(box=_place(part.box, window))


def _align(left: Described, right: Described, *, need_keypoints: bool = False) -> Alignment:
    shapes = left.grey.shape, right.grey.shape
    counts = len(left.points), len(right.points)
    found, matches = fit_similarity(left, right)
    if found is None and need_keypoints:
        return _unaligned(counts, matches)
    starts = [] if found is None else [as_shares(found, *shapes)]
    if matches < _SURE_MATCHES:
        starts.append(np.eye(3))
    ours, theirs = (reduce_to(one.grey, _SIDE).astype(np.float32) for one in (left, right))
    best = fit_detail(ours, theirs, starts, _LIKELY if need_keypoints else -1.0)
    if not best.correlation:
        return _unaligned(counts, matches)
    turn = as_pixels(best.shares, *shapes)
    angle = -math.degrees(math.atan2(turn[1, 0] - turn[0, 1], turn[0, 0] + turn[1, 1]))
    scale = math.sqrt(abs(float(np.linalg.det(turn[:, :2]))))
    moved = best.shares[:2] @ (0.5, 0.5, 1) - 0.5
    window, other_window = _window(invert(best.shares)), _window(best.shares)
    return Alignment(
        best.correlation,
        (_count_inside(left, window), _count_inside(right, other_window)),
        matches,
        scale * max(shapes[0]) / max(shapes[1]),
        angle,
        (float(moved[0]), float(moved[1])),
        _place(window, left.box),
        _place(other_window, right.box),
        best.covered,
        loose=best.held < _HELD and _moved_a_little(best.shares, abs(angle)),
        alike=best.alike,
    )


def _unaligned(keypoints: tuple[int, int], matches: int) -> Alignment:
    nowhere = (math.nan,) * 4
    return Alignment(0.0, keypoints, matches, math.nan, math.nan, nowhere[:2], nowhere, nowhere)


def _moved_a_little(shares: Matrix, angle: float) -> bool:
    """Whether a frame has turned, or neither its edges nor its middle stay along one axis."""
    stays = np.array([(0, 0.5, 1), (0.5, 0.5, 1), (1, 0.5, 1)])
    across = np.abs(stays @ shares[0] - stays[:, 0]).min()
    down = np.abs(stays[:, [1, 0, 2]] @ shares[1] - stays[:, 0]).min()
    place = float(max(across, down))
    moved = angle > _SAME_ANGLE or place > _SAME_PLACE
    return moved and angle <= _MOST_ANGLE and place <= _MOST_PLACE


def _area(window: Box) -> float:
    left, top, right, bottom = window
    return (right - left) * (bottom - top)


def _count_inside(picture: Described, window: Box) -> int:
    """The keypoints of a picture that are in a window of it."""
    height, width = picture.grey.shape
    at = picture.points / (width, height)
    inside = (at >= window[:2]) & (at <= window[2:])
    return int(inside.all(axis=1).sum())


def _add_bars(window: Box, box: Box) -> Box:
    """A window of a picture with the bars around a box that it reaches the edges of."""
    left, top, right, bottom = window
    return (
        left if left > box[0] + _SAME_BARS else 0.0,
        top if top > box[1] + _SAME_BARS else 0.0,
        right if right < box[2] - _SAME_BARS else 1.0,
        bottom if bottom < box[3] - _SAME_BARS else 1.0,
    )


def _place(window: Box, box: Box) -> Box:
    """A window of a box of a picture as one of the whole picture."""
    (left, top), (right, bottom) = box[:2], box[2:]
    width, height = right - left, bottom - top
    return (
        left + window[0] * width,
        top + window[1] * height,
        left + window[2] * width,
        top + window[3] * height,
    )


def _window(shares: Matrix) -> Box:
    """The box in one picture that another one covers, as `shares` places it there."""
    corners = np.array([(0, 0, 1), (1, 0, 1), (0, 1, 1), (1, 1, 1)], float)
    there = (corners @ shares.T)[:, :2]
    low, high = np.clip((there.min(0), there.max(0)), 0, 1).tolist()
    return low[0], low[1], high[0], high[1]

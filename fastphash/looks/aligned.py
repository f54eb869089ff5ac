"""Two pictures brought into one frame, and how alike their detail is there.

Keypoints propose a similarity, and the frames of both pictures that nothing has moved. Each is
refined, and the one under which more detail agrees is taken.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.looks.fits import Matrix, as_pixels, as_shares, fit_detail, invert
from fastphash.looks.keypoints import Described, describe, fit_similarity, reduce_to

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
# of eight sectors of the rim, those that must agree where the frame is another one
_HELD = 6


class Alignment(NamedTuple):
    """How one picture lies in the frame of another.

    Attributes
    ----------
    correlation : float
        Of the detail of both in the overlap, -1 to 1; 0 where they can't be aligned.
    keypoints : (int, int)
        Found in either picture.
    matches : int
        Pairs of keypoints that agree on a similarity.
    scale, angle : float
        From the left picture, by its longer side, to the right one; degrees counter-clockwise.
    shift : (float, float)
        Of the left picture's centre from the right one's, as shares of width and height.
    window : (float, float, float, float)
        The box of the overlap in the left picture: left, top, right, bottom as shares; NaN where
        they can't be aligned.
    other_window : (float, float, float, float)
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
    window: tuple[float, float, float, float]
    other_window: tuple[float, float, float, float]
    covered: float = 0.0
    loose: bool = False
    alike: float = 0.0

    @property
    def matched(self) -> float:
        """The share of the keypoints, of the picture with fewer, that agree."""
        return self.matches / max(min(self.keypoints), 1)


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


def align_described(left: Described, right: Described) -> Alignment:
    """The same of pictures whose keypoints are known already."""
    shapes = left.grey.shape, right.grey.shape
    found, matches = fit_similarity(left, right)
    starts = [] if found is None else [as_shares(found, *shapes)]
    if matches < _SURE_MATCHES:
        starts.append(np.eye(3))
    ours, theirs = (reduce_to(one.grey, _SIDE).astype(np.float32) for one in (left, right))
    best = fit_detail(ours, theirs, starts)
    counts = len(left.points), len(right.points)
    if not best.correlation:
        none, nowhere = math.nan, (math.nan,) * 4
        return Alignment(0.0, counts, matches, none, none, (none,) * 2, nowhere, nowhere)
    turn = as_pixels(best.shares, *shapes)
    angle = -math.degrees(math.atan2(turn[1, 0] - turn[0, 1], turn[0, 0] + turn[1, 1]))
    scale = math.sqrt(abs(float(np.linalg.det(turn[:, :2]))))
    moved = best.shares[:2] @ (0.5, 0.5, 1) - 0.5
    return Alignment(
        best.correlation,
        counts,
        matches,
        scale * max(shapes[0]) / max(shapes[1]),
        angle,
        (float(moved[0]), float(moved[1])),
        _window(invert(best.shares)),
        _window(best.shares),
        best.covered,
        loose=best.held < _HELD and _moved_a_little(best.shares, abs(angle)),
        alike=best.alike,
    )


def _moved_a_little(shares: Matrix, angle: float) -> bool:
    """Whether a frame has turned, or neither its edges nor its middle stay along one axis."""
    stays = np.array([(0, 0.5, 1), (0.5, 0.5, 1), (1, 0.5, 1)])
    across = np.abs(stays @ shares[0] - stays[:, 0]).min()
    down = np.abs(stays[:, [1, 0, 2]] @ shares[1] - stays[:, 0]).min()
    place = float(max(across, down))
    moved = angle > _SAME_ANGLE or place > _SAME_PLACE
    return moved and angle <= _MOST_ANGLE and place <= _MOST_PLACE


def _window(shares: Matrix) -> tuple[float, float, float, float]:
    """The box in one picture that another one covers, as `shares` places it there."""
    corners = np.array([(0, 0, 1), (1, 0, 1), (0, 1, 1), (1, 1, 1)], float)
    there = (corners @ shares.T)[:, :2]
    low, high = np.clip((there.min(0), there.max(0)), 0, 1).tolist()
    return low[0], low[1], high[0], high[1]

"""Two pictures brought into one frame by their keypoints, and how alike their detail is there."""

import math
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import UsageError

#: Keypoints that both pictures need for the correlation to count against them.
ENOUGH_KEYPOINTS = 100

# pixels of the longer side at which keypoints are found
_SIDE = 256
_KEYPOINTS = 600
# smallest side of a picture in which keypoints are looked for, in pixels
_LEAST_SIDE = 32
# ORB's least contrast of a corner, in levels, and the border it leaves out, in pixels
_CORNER, _BORDER = 7, 12
# pixels by which a matched keypoint may miss its place, and matches that fix a similarity
_MISS, _LEAST_MATCHES = 4.0, 6
# detail is what a blur of this sigma leaves, divided by its strength around there and a little more
_DETAIL, _NOISE = 6.0, 4.0
# the overlap counts from this share of the smaller picture on
_LEAST_OVERLAP = 0.05
# scales beyond which a similarity is an accident
_MOST_SCALE = 8.0


class Alignment(NamedTuple):
    """How one picture lies in the frame of another.

    Attributes
    ----------
    correlation : float
        Of the detail of both in the overlap, -1 to 1; 0 where they can't be aligned.
    keypoints : (int, int)
        Found in either picture.
    matches : int
        Pairs of keypoints that agree on the transform.
    scale, angle : float
        From the left picture, by its longer side, to the right one; degrees counter-clockwise.
    shift : (float, float)
        Of the left picture's centre from the right one's, as shares of width and height.
    window : (float, float, float, float)
        The box of the overlap in the left picture: left, top, right, bottom as shares; NaN where
        they can't be aligned.
    """

    correlation: float
    keypoints: tuple[int, int]
    matches: int
    scale: float
    angle: float
    shift: tuple[float, float]
    window: tuple[float, float, float, float]


def align(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> Alignment:
    """Find the similarity that brings one picture onto another, and correlate their detail.

    Parameters
    ----------
    left, right : uint8 (h, w) or (h, w, 3)
        Grey or RGB; none may be mirrored.

    Raises
    ------
    UsageError
        OpenCV is missing.
    """
    cv2 = _load_opencv()
    ours, theirs = _reduced(cv2, left), _reduced(cv2, right)
    detector = cv2.ORB_create(_KEYPOINTS, edgeThreshold=_BORDER, fastThreshold=_CORNER)
    points, marks = _find_keypoints(detector, ours)
    their_points, their_marks = _find_keypoints(detector, theirs)
    counts = len(points), len(their_points)
    unaligned = Alignment(0.0, counts, 0, math.nan, math.nan, (math.nan,) * 2, (math.nan,) * 4)
    if min(counts) < _LEAST_MATCHES:
        return unaligned
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(marks, their_marks)
    if len(pairs) < _LEAST_MATCHES:
        return unaligned
    start = np.array([points[pair.queryIdx].pt for pair in pairs], np.float32)
    end = np.array([their_points[pair.trainIdx].pt for pair in pairs], np.float32)
    # seeded, so that a pair always gets one answer
    cv2.setRNGSeed(0)
    matrix, agreeing = cv2.estimateAffinePartial2D(
        start, end, method=cv2.RANSAC, ransacReprojThreshold=_MISS, maxIters=1000
    )
    if matrix is None or int(agreeing.sum()) < _LEAST_MATCHES:
        return unaligned
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if not 1 / _MOST_SCALE <= scale <= _MOST_SCALE:
        return unaligned
    correlation, window = _correlate(cv2, ours, theirs, matrix)
    height, width = ours.shape
    moved = matrix @ (width / 2, height / 2, 1) / theirs.shape[::-1] - 0.5
    return Alignment(
        correlation,
        counts,
        int(agreeing.sum()),
        scale * max(ours.shape) / max(theirs.shape),
        -math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])),
        (float(moved[0]), float(moved[1])),
        window,
    )


def _find_keypoints(detector: Any, grey: NDArray[np.uint8]) -> tuple[Any, Any]:
    """Keypoints and what describes each; none in pictures that ORB can't reduce further."""
    return detector.detectAndCompute(grey, None) if min(grey.shape) >= _LEAST_SIDE else ((), None)


def _load_opencv() -> ModuleType:
    try:
        import cv2
    except ImportError as error:
        raise UsageError(
            "pictures can't be aligned without OpenCV: pip install opencv-python-headless"
        ) from error
    return cv2


def _reduced(cv2: Any, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey, with a longer side of 256 pixels at most."""
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    factor = _SIDE / max(grey.shape)
    if factor < 1:
        width, height = (max(round(side * factor), 1) for side in grey.shape[::-1])
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    result: NDArray[np.uint8] = np.ascontiguousarray(grey)
    return result


def _correlate(
    cv2: Any, left: NDArray[np.uint8], right: NDArray[np.uint8], matrix: NDArray[np.float64]
) -> tuple[float, tuple[float, float, float, float]]:
    """The correlation in the overlap, and its box in the left picture."""
    size = right.shape[::-1]
    warped = cv2.warpAffine(left, matrix, size, flags=cv2.INTER_LINEAR, borderMode=1)
    inside = cv2.warpAffine(np.full(left.shape, 255, np.uint8), matrix, size)
    inside = cv2.erode(inside, np.ones((5, 5), np.uint8)) == 255
    whole = min(left.size * abs(np.linalg.det(matrix[:, :2])), right.size)
    if inside.sum() < _LEAST_OVERLAP * whole:
        return 0.0, (math.nan,) * 4
    ours, theirs = (_detail(cv2, one)[inside] for one in (warped, right))
    ours, theirs = ours - ours.mean(), theirs - theirs.mean()
    strength = float(np.linalg.norm(ours) * np.linalg.norm(theirs))
    correlation = float(ours @ theirs) / strength if strength > 0 else 0.0
    height, width = left.shape
    corners = np.array([(0, 0), (size[0], 0), (0, size[1]), size], float)
    back = cv2.invertAffineTransform(matrix)
    there = (corners @ back[:, :2].T + back[:, 2]) / (width, height)
    low, high = np.clip((there.min(0), there.max(0)), 0, 1).tolist()
    return correlation, (low[0], low[1], high[0], high[1])


def _detail(cv2: Any, grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A picture minus its blur, divided by the strength of that around each pixel."""
    levels = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0)
    detail = levels - cv2.GaussianBlur(levels, (0, 0), _DETAIL)
    power = cv2.GaussianBlur(detail * detail, (0, 0), _DETAIL)
    result: NDArray[np.float32] = detail / np.sqrt(power + np.float32(_NOISE))
    return result

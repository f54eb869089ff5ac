"""Keypoints of pictures, and the similarity that most of those of two pictures agree on."""

import contextlib
import io
import sys
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import UsageError
from fastphash.files.atomic import one_line
from fastphash.kernels import area
from fastphash.kernels import keypoints as kernels
from fastphash.looks.bars import PixelBox, find_picture

# pixels of the longer side at which keypoints are found
_SIDE = 256
# and at most those at which bars are found
_BARS_SIDE = 384
_KEYPOINTS = 600
# smallest side of a picture in which keypoints are looked for, in pixels
_LEAST_SIDE = 32
# ORB's least contrast of a corner, in levels, and the border it leaves out, in pixels
_CORNER, _BORDER = 7, 12
# pixels by which a matched keypoint may miss its place, and matches that fix a similarity
_MISS, _LEAST_MATCHES = 4.0, 6
_ROUNDS = 1000
# what is used of OpenCV; remains of an installation have nothing of it
_USED = (
    *("GaussianBlur", "KeyPoint_convert", "ORB_create", "cvtColor", "erode", "error"),
    *("estimateAffinePartial2D", "findTransformECC", "invertAffineTransform", "resize"),
    *("setNumThreads", "setRNGSeed", "warpAffine"),
)
_REMEDY = "pip install opencv-python-headless"
# pip believes that what is broken is installed
_REPAIR = "pip install --force-reinstall --no-deps opencv-python-headless"
# the module that was found to have all of this
_USABLE: dict[str, ModuleType] = {}
# scales beyond which a similarity is an accident
_MOST_SCALE = 8.0


#: A part of a picture: left, top, right and bottom as shares of its width and height.
Box = tuple[float, float, float, float]


class Described(NamedTuple):
    """A picture as alignment needs it, whichever other one it is compared with.

    Attributes
    ----------
    grey : uint8 (h, w)
        What bars along its edges leave of it; the longer side has 256 pixels at most.
    points : float32 (n, 2)
        x and y of its keypoints, in pixels.
    marks : uint8 (n, 32)
        What each keypoint looks like.
    box : Box
        What bars leave of the whole picture.
    fine : uint8 (h, w)
        The same as `grey`, not reduced.
    """

    grey: NDArray[np.uint8]
    points: NDArray[np.float32]
    marks: NDArray[np.uint8]
    box: Box
    fine: NDArray[np.uint8]


def describe(picture: NDArray[np.uint8]) -> Described:
    """Reduce a picture and find its keypoints: none in one of less than 32 pixels on a side.

    Parameters
    ----------
    picture : uint8 (h, w) or (h, w, 3)
        Grey or RGB.

    Raises
    ------
    UsageError
        OpenCV is missing or broken.
    """
    cv2 = load_opencv()
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    inner = _find_picture(grey)
    height, width = grey.shape
    box = inner.left / width, inner.top / height, inner.right / width, inner.bottom / height
    fine = np.ascontiguousarray(inner.cut(grey))
    grey = reduce_to(fine, _SIDE)
    points, marks = np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8)
    if min(grey.shape) >= _LEAST_SIDE:
        detector = cv2.ORB_create(_KEYPOINTS, edgeThreshold=_BORDER, fastThreshold=_CORNER)
        found, described = detector.detectAndCompute(grey, None)
        if found:
            points, marks = cv2.KeyPoint_convert(found), described
    return Described(grey, points, marks, box, fine)


def _find_picture(grey: NDArray[np.uint8]) -> PixelBox:
    """What bars leave of a picture."""
    # next to what a bar borders a JPEG has noise, which fewer pixels average
    reduced = reduce_to(grey, _BARS_SIDE)
    inner = find_picture(reduced)
    (height, width), (down, across) = grey.shape, reduced.shape
    return PixelBox(
        -(-inner.left * width // across),
        -(-inner.top * height // down),
        inner.right * width // across,
        inner.bottom * height // down,
    )


def reduce_to(grey: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A grey picture whose longer side has so many pixels at most."""
    factor = side / max(grey.shape)
    if factor < 1:
        height, width = (max(round(length * factor), 1) for length in grey.shape)
        if not (grey.shape[0] % height or grey.shape[1] % width):
            # means of whole pixels
            cv2 = load_opencv()
            grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
        else:
            grey = _reduce(np.ascontiguousarray(grey), height, width)
    return np.ascontiguousarray(grey)


def _reduce(grey: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    most = max(height, width)
    taps = max(grey.shape[0] // height, grey.shape[1] // width) + 3
    reduced = np.empty((height, width), np.uint8)
    first, counts = np.empty((2, most), np.int64), np.empty((2, most), np.int64)
    area.reduce_area(grey, first, counts, np.empty((2, most, taps), np.float32), reduced)
    return reduced


def fit_similarity(left: Described, right: Described) -> tuple[NDArray[np.float64] | None, int]:
    """The similarity from the left picture to the right one, and how many keypoints agree on it.

    Returns
    -------
    float64 (2, 3) or None
        Of the centres of pixels; None where too few keypoints agree.
    int
    """
    cv2 = load_opencv()
    if min(len(left.points), len(right.points)) < _LEAST_MATCHES:
        return None, 0
    start, end = _match(left, right)
    if len(start) < _LEAST_MATCHES:
        return None, 0
    # seeded, so that a pair always gets one answer
    cv2.setRNGSeed(0)
    matrix, agreeing = cv2.estimateAffinePartial2D(
        start, end, method=cv2.RANSAC, ransacReprojThreshold=_MISS, maxIters=_ROUNDS
    )
    if matrix is None or int(agreeing.sum()) < _LEAST_MATCHES:
        return None, 0
    if not 1 / _MOST_SCALE <= np.hypot(matrix[0, 0], matrix[1, 0]) <= _MOST_SCALE:
        return None, 0
    return matrix, int(agreeing.sum())


def _match(left: Described, right: Described) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where keypoints of both pictures are that look alike, each of them once."""
    ours, theirs = (np.ascontiguousarray(one.marks).view(np.uint64) for one in (left, right))
    nearest, distance = np.empty(len(ours), np.int64), np.empty(len(ours), np.int64)
    kernels.find_nearest(ours, theirs, nearest, distance)
    # of all that match one keypoint the most alike: matching the way back costs as much again
    order = np.argsort(-distance, kind="stable")
    matched, last = np.unique(nearest[order][::-1], return_index=True)
    ours_of = order[::-1][last]
    # the order decides what is drawn to fit a similarity: by what is the least alike of all
    first = np.unique(nearest[order], return_index=True)[1]
    by_first = np.argsort(first)
    return left.points[ours_of[by_first]], right.points[matched[by_first]]


def use_one_thread() -> None:
    """Keep OpenCV to one thread in a process that is one of as many as there are cores."""
    load_opencv().setNumThreads(1)


def load_opencv() -> ModuleType:
    """OpenCV, or a UsageError that says what is wrong with it, and what to install."""
    loaded = sys.modules.get("cv2")
    # each look asks eight times
    if loaded is not None and loaded is _USABLE.get("cv2"):
        return loaded
    try:
        # numpy writes a page there where OpenCV was built for another one
        with contextlib.redirect_stderr(io.StringIO()):
            import cv2
    except ModuleNotFoundError as error:
        if error.name != "cv2":
            raise _unusable(one_line(error)) from error
        raise UsageError(f"pictures can't be aligned without OpenCV: {_REMEDY}") from error
    except Exception as error:  # a broken installation may raise anything
        raise _unusable(one_line(error) or type(error).__name__) from error
    if missing := [name for name in _USED if not hasattr(cv2, name)]:
        raise _unusable(f"it has no {missing[0]}")
    _USABLE["cv2"] = cv2
    return cv2


def _unusable(why: str) -> UsageError:
    return UsageError(f"pictures can't be aligned, since OpenCV is broken ({why}): {_REPAIR}")

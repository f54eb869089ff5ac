"""How alike the detail of two pictures is, once one is brought into the frame of the other.

Transforms are of shares of width and height, as (3, 3) matrices, from the left picture to the right
one.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.looks.keypoints import load_opencv

Matrix = NDArray[np.float64]

# rounds of the refinement, the gain that ends it, and the side of its blur in pixels
_ROUNDS, _GAIN, _BLUR = 30, 1e-4, 5
# agreement that needs no refinement: no judgement asks for more
_SURE = 0.98
# shares of a side by which it may move a corner: further away lies another start
_MOST_MOVED = 0.15
# detail is what is left between blurs of these sigmas, in pixels
_FINE, _COARSE = 1.2, 4.0
# weights of the interpolation from which on a pixel is inside the other picture
_INSIDE = 0.99
# the overlap counts from this share of the smaller picture on
_LEAST_OVERLAP = 0.4
# degrees by which right angles may become others
_MOST_SKEW = 10.0
# levels squared, for each pixel, below which there is no detail, and from which on a cell shows any
_NO_DETAIL, _CONTENT = 0.02, 4.0
_TINY = 1e-9
# pixels of one picture for one of the other from which on it is blurred first
_BLURRED_AREA = 1.4
# cells along each side; how many the rim is wide; sectors of the rim
_CELLS, _RIM, _SECTORS = 16, 2, 8
# how many times more is much, the correlation of cells that agree well, and the fewest that count
_MUCH, _CLOSE, _LEAST_CELLS = 6.0, 0.9, 10
# correlation from which on a cell agrees, and the share of those that hold a sector
_AGREES, _HOLDS = 0.6, 0.2


class Fit(NamedTuple):
    """A transform that was refined, and what agrees under it.

    Attributes
    ----------
    correlation : float
        Of detail in the overlap, -1 to 1; 0 if there is none, or the pictures can't be compared.
    alike : float
        The share that agrees well of the cells that show much detail in both pictures, whatever
        covers the others; 0 if there are few.
    covered : float
        The share of the overlap that shows detail, in either picture.
    held : int
        Of eight sectors of the rim of the overlap, those in which detail agrees.
    shares : float64 (3, 3)
    """

    correlation: float
    alike: float
    covered: float
    held: int
    shares: Matrix


def fit_detail(
    left: NDArray[np.float32],
    right: NDArray[np.float32],
    starts: Sequence[Matrix],
    least: float = -1.0,
) -> Fit:
    """Compare the detail under the best of some transforms, refined until light and dark fit (ECC).

    Parameters
    ----------
    left, right : float32 (h, w)
        Grey levels; some 160 pixels on the longer side serve best.
    starts : sequence of float64 (3, 3)
    least : float
        The correlation from which on the best one is refined.
    """
    cv2 = load_opencv()
    places = [as_pixels(invert(start), right.shape, left.shape) for start in starts]
    fits = [_fit(cv2, left, right, back) for back in places]
    best = max(range(len(fits)), key=lambda place: _quality(fits[place]))
    if fits[best].correlation < least or min(_quality(fits[best])) >= _SURE:
        return fits[best]
    refined = _fit(cv2, left, right, _refine(cv2, left, right, places[best]))
    # text and logos may have pulled it away
    return max(refined, fits[best], key=_quality)


def _quality(fit: Fit) -> tuple[float, float]:
    return fit.alike, fit.correlation


def _fit(cv2: Any, left: NDArray[np.float32], right: NDArray[np.float32], back: Matrix) -> Fit:
    """Compare the detail under a transform (2, 3) from pixels of the right picture to the left."""
    shares = as_shares(cv2.invertAffineTransform(back), left.shape, right.shape)
    area = abs(float(np.linalg.det(back[:, :2])))
    size, how = right.shape[::-1], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    inside = cv2.warpAffine(np.ones_like(left), back, size, flags=how)
    inside = (inside > _INSIDE).astype(np.float32)
    overlap = float(inside.sum())
    if overlap < max(_LEAST_OVERLAP * min(left.size / max(area, _TINY), right.size), 1):
        return Fit(0.0, 0.0, 0.0, 0, shares)
    if _skew(back) > _MOST_SKEW:
        return Fit(0.0, 0.0, 0.0, 0, shares)
    ours = cv2.warpAffine(_blur_for(cv2, left, area), back, size, flags=how, borderMode=1)
    theirs = _blur_for(cv2, right, 1 / area)
    weights = [
        np.maximum(cv2.GaussianBlur(inside, (0, 0), sigma), 1e-3) for sigma in (_FINE, _COARSE)
    ]
    ours, theirs = (_detail(cv2, one, inside, weights) for one in (ours, theirs))
    return _compare(cv2, ours, theirs, inside)._replace(shares=shares)


def _refine(
    cv2: Any, left: NDArray[np.float32], right: NDArray[np.float32], start: Matrix
) -> Matrix:
    """The transform near the start under which light and dark fit best; else the start."""
    rule = cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ROUNDS, _GAIN
    # what lies beside the overlap is blurred into its edges, and a border pulls at the transform
    shown = cv2.warpAffine(np.ones(right.shape, np.uint8), start, left.shape[::-1], flags=0)
    shown = cv2.erode(shown, np.ones((2 * _BLUR - 1,) * 2, np.uint8), borderType=0, borderValue=0)
    refined = start.astype(np.float32)
    try:
        refined = cv2.findTransformECC(right, left, refined, cv2.MOTION_AFFINE, rule, shown, _BLUR)[
            1
        ]
    except cv2.error:
        # nothing fits better, or a picture is of one colour
        return start
    moved = np.abs((refined - start) @ _corners(right.shape)).max(axis=1)
    return refined.astype(np.float64) if (moved <= _MOST_MOVED * _sides(left)).all() else start


def _corners(shape: tuple[int, ...]) -> Matrix:
    """x, y and 1 of the corners of a picture: (3, 4)."""
    height, width = shape
    return np.array([(0, width, 0, width), (0, 0, height, height), (1, 1, 1, 1)], float)


def _sides(picture: NDArray[np.float32]) -> NDArray[np.int64]:
    """Width and height."""
    return np.array(picture.shape[::-1])


def _compare(
    cv2: Any, ours: NDArray[np.float32], theirs: NDArray[np.float32], inside: NDArray[np.float32]
) -> Fit:
    """What agrees of two pictures of detail, 0 outside of the overlap."""
    both, *each = (
        cv2.resize(one, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
        for one in (ours * theirs, ours * ours, theirs * theirs)
    )
    within = cv2.resize(inside, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    strength = math.sqrt(float(each[0].sum()) * float(each[1].sum()))
    if strength < _NO_DETAIL * float(within.sum()):
        return Fit(0.0, 0.0, 0.0, 0, np.eye(3))
    known = within > 0.5
    content = _CONTENT * within
    much = known & (np.minimum(*each) > _MUCH * content)
    close = both > _CLOSE * np.sqrt(each[0] * each[1])
    alike = float(close[much].mean()) if much.sum() >= _LEAST_CELLS else 0.0
    agrees = both > _AGREES * np.sqrt((each[0] + content / 2) * (each[1] + content / 2))
    agrees &= np.minimum(*each) > content / 2
    covered = (np.maximum(*each) > content)[known].mean() if known.any() else 0.0
    held = _count_held(cv2, agrees, known)
    return Fit(float(both.sum()) / strength, alike, float(covered), held, np.eye(3))


def _count_held(cv2: Any, agrees: NDArray[np.bool_], known: NDArray[np.bool_]) -> int:
    """The sectors of the rim of the known cells in which enough cells agree."""
    inner = np.pad(known, _RIM).astype(np.uint8)
    inner = cv2.erode(inner, np.ones((2 * _RIM + 1,) * 2, np.uint8))
    rim = known & (inner[_RIM:-_RIM, _RIM:-_RIM] == 0)
    rows, columns = np.nonzero(rim)
    if not rows.size:
        return 0
    middle = np.argwhere(known).mean(axis=0)
    angle = np.arctan2(rows - middle[0], columns - middle[1])
    sector = ((angle / (2 * math.pi) + 0.5) * _SECTORS).astype(np.int64) % _SECTORS
    cells = np.bincount(sector, minlength=_SECTORS)
    agreeing = np.bincount(sector, agrees[rim], minlength=_SECTORS)
    return int((agreeing > _HOLDS * cells).sum())


def _skew(matrix: Matrix) -> float:
    """The degrees by which a transform of pixels changes a right angle."""
    across, down = matrix[:, 0], matrix[:, 1]
    lengths = math.hypot(*across) * math.hypot(*down)
    return abs(math.degrees(math.asin(max(min(float(across @ down) / lengths, 1), -1))))


def _blur_for(cv2: Any, grey: NDArray[np.float32], area: float) -> NDArray[np.float32]:
    """A picture as blurred as one that has one pixel for so many of its pixels."""
    if area < _BLURRED_AREA:
        return grey
    blurred: NDArray[np.float32] = cv2.GaussianBlur(grey, (0, 0), 0.5 * math.sqrt(area - 1))
    return blurred


def _detail(
    cv2: Any,
    grey: NDArray[np.float32],
    inside: NDArray[np.float32],
    weights: Sequence[NDArray[np.float32]],
) -> NDArray[np.float32]:
    """What is neither noise nor ground: the difference of two blurs of what is inside.

    `weights` are the same blurs of the mask.
    """
    grey = grey * inside
    fine, coarse = (
        cv2.GaussianBlur(grey, (0, 0), sigma) / weight
        for sigma, weight in zip((_FINE, _COARSE), weights, strict=True)
    )
    detail: NDArray[np.float32] = (fine - coarse) * inside
    return detail


def as_shares(matrix: Matrix, left: tuple[int, ...], right: tuple[int, ...]) -> Matrix:
    """A transform (2, 3) of pixels of pictures of these heights and widths, as one of shares."""
    whole = np.vstack([matrix, (0, 0, 1)])
    shares: Matrix = invert(_pixels(right)) @ whole @ _pixels(left)
    return shares


def as_pixels(shares: Matrix, left: tuple[int, ...], right: tuple[int, ...]) -> Matrix:
    """The inverse of `as_shares`: (2, 3)."""
    matrix: Matrix = (_pixels(right) @ shares @ invert(_pixels(left)))[:2]
    return matrix


def invert(matrix: Matrix) -> Matrix:
    """The transform back."""
    back: Matrix = np.asarray(np.linalg.inv(matrix), np.float64)
    return back


def _pixels(shape: tuple[int, ...]) -> Matrix:
    """From shares of width and height to pixels, whose centres have whole numbers."""
    height, width = shape[:2]
    return np.array([[width, 0, -0.5], [0, height, -0.5], [0, 0, 1]], float)

"""How alike the detail of two pictures is, once one is brought into the frame of the other.

Transforms are of shares of width and height, as (3, 3) matrices, from the left picture to the right
one.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.looks.keypoints import load_opencv

Matrix = NDArray[np.float64]

# rounds of the refinement, the gain that ends it, and the side of its blur in pixels
_ROUNDS, _GAIN, _BLUR = 30, 1e-4, 5
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
# pixels of one picture for one of the other from which on it is blurred first
_BLURRED_AREA = 1.4
# cells along each side; how many the rim is wide; sectors of the rim
_CELLS, _RIM, _SECTORS = 16, 2, 8
# correlation from which on a cell agrees, and the share of those that hold a sector
_AGREES, _HOLDS = 0.6, 0.2


class Fit(NamedTuple):
    """A transform that was refined, and what agrees under it.

    Attributes
    ----------
    correlation : float
        Of detail in the overlap, -1 to 1; 0 if there is none, or the pictures can't be compared.
    covered : float
        The share of the overlap that shows detail, in either picture.
    held : int
        Of eight sectors of the rim of the overlap, those in which detail agrees.
    shares : float64 (3, 3)
    """

    correlation: float
    covered: float
    held: int
    shares: Matrix


def fit_detail(left: NDArray[np.float32], right: NDArray[np.float32], start: Matrix) -> Fit:
    """Refine a transform until light and dark fit best (ECC), and compare the detail under it.

    Parameters
    ----------
    left, right : float32 (h, w)
        Grey levels; some 160 pixels on the longer side serve best.
    start : float64 (3, 3)
    """
    cv2 = load_opencv()
    back = as_pixels(invert(start), right.shape, left.shape)
    rule = cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ROUNDS, _GAIN
    try:
        refined = back.astype(np.float32)
        refined = cv2.findTransformECC(right, left, refined, cv2.MOTION_AFFINE, rule, None, _BLUR)[
            1
        ]
        back = refined.astype(np.float64)
    except cv2.error:
        # nothing fits better than the start, or a picture is of one colour
        pass
    area = abs(float(np.linalg.det(back[:, :2])))
    size, how = right.shape[::-1], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    inside = cv2.warpAffine(np.ones_like(left), back, size, flags=how)
    inside = (inside > _INSIDE).astype(np.float32)
    nothing = Fit(0.0, 0.0, 0, start)
    if not area or inside.sum() < max(_LEAST_OVERLAP * min(left.size / area, right.size), 1):
        return nothing
    if _skew(back) > _MOST_SKEW:
        return nothing
    ours = cv2.warpAffine(_blur_for(cv2, left, area), back, size, flags=how, borderMode=1)
    ours, theirs = (_detail(cv2, one, inside) for one in (ours, _blur_for(cv2, right, 1 / area)))
    shares = as_shares(cv2.invertAffineTransform(back), left.shape, right.shape)
    return _compare(cv2, ours, theirs, inside)._replace(shares=shares)


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
        return Fit(0.0, 0.0, 0, np.eye(3))
    known = within > 0.5
    content = _CONTENT * within
    agrees = both > _AGREES * np.sqrt((each[0] + content / 2) * (each[1] + content / 2))
    agrees &= np.minimum(*each) > content / 2
    covered = (np.maximum(*each) > content)[known].mean() if known.any() else 0.0
    return Fit(
        float(both.sum()) / strength, float(covered), _count_held(cv2, agrees, known), np.eye(3)
    )


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
    cv2: Any, grey: NDArray[np.float32], inside: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What is neither noise nor ground: the difference of two blurs of what is inside."""
    grey = grey * inside
    fine, coarse = (
        cv2.GaussianBlur(grey, (0, 0), sigma)
        / np.maximum(cv2.GaussianBlur(inside, (0, 0), sigma), 1e-3)
        for sigma in (_FINE, _COARSE)
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

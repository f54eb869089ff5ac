"""Do two thumbnails agree, and what kind of pair does that make."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.joins import Matches, first_orientation
from fastphash.kernels import agree
from fastphash.thumbnail import turned_indices
from fastphash.words import AUGMENTED, COLLISION, EXACT, IDENTICAL, NEAR


class Verdicts(NamedTuple):
    """What the thumbnails say of each match.

    Attributes
    ----------
    agrees : bool (n,)
    orientation : uint8 (n,)
        The first that gives the distance; at distance 0 the first of them under which the
        thumbnails agree, if there is one.
    score : float32 (n,)
        Correlation of the two thumbnails in that orientation, 0 to 1; NaN where one is unknown.
    """

    agrees: NDArray[np.bool_]
    orientation: NDArray[np.uint8]
    score: NDArray[np.float32]


def judge(
    matches: Matches, left: NDArray[np.uint8] | None, right: NDArray[np.uint8] | None
) -> Verdicts:
    """Compare the thumbnails of each match in the orientations that give its distance.

    Parameters
    ----------
    matches : Matches
    left, right : uint8 (n, 1024), (m, 1024) or None
        Thumbnails of the needles and of the haystack; without them nothing agrees.
    """
    size = matches.mask.size
    if left is None or right is None:
        unknown = np.full(size, np.nan, np.float32)
        return Verdicts(np.zeros(size, np.bool_), first_orientation(matches.mask), unknown)
    verdicts = Verdicts(
        np.empty(size, np.bool_), np.empty(size, np.uint8), np.empty(size, np.float32)
    )
    first = matches.mask & (~matches.mask + np.uint8(1))
    mask = np.where(matches.distance == 0, matches.mask, first)
    agree.judge_pairs(left, matches.left, right, matches.right, mask, turned_indices(), *verdicts)
    return verdicts


def kinds(
    distance: NDArray[np.uint8],
    agrees: NDArray[np.bool_],
    orientation: NDArray[np.uint8],
    same_bytes: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """The kind of each pair, as an index into KINDS."""
    upright = np.where(orientation == 0, EXACT, AUGMENTED)
    equal = np.where(same_bytes, IDENTICAL, np.where(agrees, upright, COLLISION))
    return np.where(distance > 0, NEAR, equal).astype(np.uint8)

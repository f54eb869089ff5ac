"""What the thumbnails and colours of the two images of each pair show."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.orientations import orientation_indices
from fastphash.base.vocabulary import CHROMA_SIDE, UNKNOWN_COLOUR
from fastphash.joins.matches import Matches, first_orientation
from fastphash.kernels import agreement, colour
from fastphash.store.rows import Content
from fastphash.verify.similarity import similarity


class Comparison(NamedTuple):
    """What thumbnails and colours show of each pair; `fastphash.verify.decide_kind` decides by it.

    Attributes
    ----------
    agrees : bool (n,)
        Whether the hashes are equal and the thumbnails are the same except for a little noise,
        light and contrast.
    orientation : uint8 (n,)
        One of those that give the distance. At distance 0 the first under which the thumbnails
        agree; where none does, the one with the highest score.
    score : float32 (n,)
        How alike the thumbnails are in that orientation, 0 to 1; NaN where they were not compared.
    colour : uint8 (n,)
        Index into COLOURS, or UNKNOWN_COLOUR.
    colour_distance : float32 (n,)
        Levels by which the colours differ after fading and tint are taken off; NaN where unknown.
    """

    agrees: NDArray[np.bool_]
    orientation: NDArray[np.uint8]
    score: NDArray[np.float32]
    colour: NDArray[np.uint8]
    colour_distance: NDArray[np.float32]

    def take(self, pairs: NDArray[np.int64]) -> "Comparison":
        """A copy of these pairs."""
        columns: Iterable[NDArray[Any]] = self
        return Comparison(*(column[pairs] for column in columns))


def compare_images(
    matches: Matches, left: Content, right: Content, *, score_near: bool = True
) -> Comparison:
    """Compare thumbnails and colours in the orientations that give the distance of each pair.

    Parameters
    ----------
    matches : Matches
    left, right : Content
        Of the rows that `matches.left` and `matches.right` count. Without thumbnails nothing
        agrees.
    score_near : bool
        Whether to score pairs at a distance, and pairs that don't agree, as well.
    """
    size = matches.mask.size
    comparison = Comparison(
        np.zeros(size, np.bool_),
        first_orientation(matches.mask),
        np.full(size, np.nan, np.float32),
        np.full(size, UNKNOWN_COLOUR, np.uint8),
        np.full(size, np.nan, np.float32),
    )
    if left.thumbnails is None or right.thumbnails is None:
        return comparison
    _judge_equal_hashes(comparison, matches, left.thumbnails, right.thumbnails)
    if score_near:
        _score_disagreeing(comparison, matches, left.thumbnails, right.thumbnails)
    if left.chroma is not None and right.chroma is not None:
        colour.compare_colours(
            left.chroma,
            matches.left,
            right.chroma,
            matches.right,
            comparison.orientation,
            orientation_indices(CHROMA_SIDE),
            comparison.colour,
            comparison.colour_distance,
        )
    return comparison


def _judge_equal_hashes(
    comparison: Comparison,
    matches: Matches,
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
) -> None:
    """Fill in whether the thumbnails of pairs at distance 0 agree."""
    equal = np.flatnonzero(matches.distance == 0)
    if not equal.size:
        return
    pairs = matches.take(equal)
    agrees, orientation, score, *_ = comparison.take(equal)
    agreement.compare_pairs(
        left,
        pairs.left,
        right,
        pairs.right,
        pairs.mask,
        orientation_indices(),
        agrees,
        orientation,
        score,
    )
    comparison.agrees[equal] = agrees
    comparison.orientation[equal] = orientation
    comparison.score[equal] = score


def _score_disagreeing(
    comparison: Comparison,
    matches: Matches,
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
) -> None:
    """Fill in how alike the thumbnails are of pairs that don't agree."""
    disagreeing = np.flatnonzero(~comparison.agrees)
    if not disagreeing.size:
        return
    pairs = matches.take(disagreeing)
    scored = similarity(left, pairs.left, right, pairs.right, pairs.mask)
    comparison.orientation[disagreeing] = scored.orientation
    comparison.score[disagreeing] = scored.score

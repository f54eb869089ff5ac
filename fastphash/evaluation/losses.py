"""Why a listed pair isn't accused."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import DIFFERENT
from fastphash.verify.criteria import CopyCriteria
from fastphash.verify.decide_kind import Relation

#: Reasons: an image has no hash, the distance is beyond the radius, there are no thumbnails to
#: compare, the score is too low, or the colours are different.
LOSSES = ("rejected", "radius", "unseen", "score", "colour")
REJECTED, _RADIUS, _UNSEEN, _SCORE, _COLOUR, NOT_LOST = range(6)


def find_losses(
    relation: Relation,
    listed: NDArray[np.bool_],
    accused: NDArray[np.bool_],
    criteria: CopyCriteria,
) -> NDArray[np.uint8]:
    """Why each pair of two hashed images is lost: an index into `LOSSES`, or `NOT_LOST`.

    Parameters
    ----------
    relation : Relation
    listed, accused : bool (n,)
        Pairs that are accused or not listed aren't lost.
    criteria : CopyCriteria
    """
    distance, score, colour = relation.distance, relation.score, relation.colour
    alike = score >= np.float32(criteria.min_score or 0)
    loss = np.where((colour == DIFFERENT) & alike, _COLOUR, _SCORE)
    loss = np.where(np.isnan(score), _UNSEEN, loss)
    loss = np.where(distance > criteria.radius, _RADIUS, loss)
    return np.where(accused | ~listed, NOT_LOST, loss).astype(np.uint8)


def count_losses(losses: NDArray[np.uint8], rejected: int) -> dict[str, int]:
    """How many pairs are lost for each reason; `rejected` of them have an image without a hash."""
    counts = np.bincount(losses, minlength=NOT_LOST)
    counts[REJECTED] = rejected
    return {reason: int(counts[i]) for i, reason in enumerate(LOSSES)}

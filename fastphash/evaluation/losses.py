"""Why a listed pair isn't accused."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import DIFFERENT
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import Relation

#: Reasons: an image has no hash; the audit left an image out; the distance is beyond the radius; it
#: is, and no window of one image was found in the other; there are no thumbnails to compare; the
#: score is too low; the colours are different; a look at pixels said that they are no copies.
LOSSES = ("rejected", "left_out", "radius", "views", "unseen", "score", "colour", "pixels")
REJECTED, _LEFT_OUT, _RADIUS, _VIEWS, _UNSEEN, _SCORE, _COLOUR, _PIXELS, NOT_LOST = range(9)


def find_losses(
    relation: Relation,
    listed: NDArray[np.bool_],
    accused: NDArray[np.bool_],
    compared: NDArray[np.bool_],
    vetoed: NDArray[np.bool_],
    criteria: CopyCriteria,
    viewed_beyond: int,
) -> NDArray[np.uint8]:
    """Why each pair of two hashed images is lost: an index into `LOSSES`, or `NOT_LOST`.

    Parameters
    ----------
    relation : Relation
    listed, accused : bool (n,)
        Pairs that are accused or not listed aren't lost.
    compared : bool (n,)
        Pairs of images that the audit compared.
    vetoed : bool (n,)
        Pairs that were found to be no copies.
    criteria : CopyCriteria
    viewed_beyond : int
        Windows of images were compared where the whole images are further apart than this.
    """
    distance, score, colour = relation.distance, relation.score, relation.colour
    alike = score >= np.float32(criteria.min_score or 0)
    loss = np.where((colour == DIFFERENT) & alike, _COLOUR, _SCORE)
    loss = np.where(np.isnan(score), _UNSEEN, loss)
    loss = np.where(distance > criteria.radius, _RADIUS, loss)
    loss = np.where(distance > max(criteria.radius, viewed_beyond), _VIEWS, loss)
    loss = np.where(vetoed, _PIXELS, loss)
    loss = np.where(compared, loss, _LEFT_OUT)
    return np.where(accused | ~listed, NOT_LOST, loss).astype(np.uint8)


def count_losses(losses: NDArray[np.uint8], rejected: int) -> dict[str, int]:
    """How many pairs are lost for each reason; `rejected` of them have an image without a hash."""
    counts = np.bincount(losses, minlength=NOT_LOST)
    counts[REJECTED] = rejected
    return {reason: int(counts[i]) for i, reason in enumerate(LOSSES)}

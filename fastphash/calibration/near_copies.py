"""The share of copies among pairs that are accused by their scores, and the score for a share."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.calibration.chance_matches import Tail, fit_tail
from fastphash.calibration.estimates import SCORES, Estimate, estimate_tail
from fastphash.calibration.falling import count_from, falling_matches

# copies may fall by this factor from one score to a higher one, as measured in edited photos
_SLOPE = 1.5
# fewer accused pairs than this say nothing
_LEAST_PAIRS = 20
# fewer expected chance matches than this are none, among at least so many pairs
_NEGLIGIBLE, _OF_PAIRS = 0.5, 5
# chance matches, as a share of pairs, that show a template
_TEMPLATE_SHARE = 0.1
_DEVIATIONS = 3.0


class ScoreChoice(NamedTuple):
    """The least score that an audit uses, and the share of copies that it gives.

    Attributes
    ----------
    score : float
    estimate : Estimate
        Of the pairs with at least this score.
    asked : Estimate
        Of the pairs with at least the score that was asked for.
    reached : bool
        Whether the share is what was wanted.
    """

    score: float
    estimate: Estimate
    asked: Estimate
    reached: bool


class NearShares:
    """The share of copies among pairs of one kind, at each least score.

    Parameters
    ----------
    scores : float32 (n,)
        Of all pairs that would be of this kind if the least score were 0, or of a sample of them:
        also of those that score less than any copy.
    min_score : float
        The least score of the audit.

    Notes
    -----
    Chance matches are those of the exponential tail that `fastphash.calibration.chance_matches`
    fits, or those that the shape of the scores shows (`fastphash.calibration.falling`), if these
    are more. Where these are clearly more, the pictures share a template, as cars on white do: the
    scores of chance matches then don't fall off exponentially, and the shape alone counts.
    """

    def __init__(self, scores: NDArray[np.float32], min_score: float) -> None:
        self._scores = scores
        self._tail: Tail = fit_tail(scores)
        self._falling = falling_matches(scores, _SLOPE)
        pairs = int((scores >= min_score).sum())
        shown = count_from(self._falling, scores, min_score)
        in_tail = estimate_tail(scores, self._tail, min_score).chance
        clear = _TEMPLATE_SHARE * pairs + _DEVIATIONS * math.sqrt(pairs)
        #: Whether the pictures share a template.
        self.template = shown > max(in_tail, clear)
        if self.template:
            self._falling = falling_matches(scores, 1.0)

    def at_score(self, score: float) -> Estimate:
        """Of the pairs with at least a score."""
        tail = estimate_tail(self._scores, self._tail, score)
        falling = count_from(self._falling, self._scores, score)
        if self.template or falling > tail.chance:
            return Estimate.of(tail.pairs, falling, 1 / math.sqrt(max(falling, 1.0)))
        return tail


def choose_score(
    scores: NDArray[np.float32], min_score: float, precision: float
) -> ScoreChoice | None:
    """The least score from `min_score` up, in hundredths, from which a share of pairs are copies.

    `min_score` itself if there is none. None if too few pairs are accused to say anything.

    Parameters
    ----------
    scores : float32 (n,)
        See `NearShares`.
    min_score : float
    precision : float
        The share that is wanted, between 0 and 1.
    """
    if int((scores >= min_score).sum()) < _LEAST_PAIRS:
        return None
    shares = NearShares(scores, min_score)
    asked = shares.at_score(min_score)
    if asked.pairs * (1 - precision) < 1 and asked.bounds[1] >= precision:
        return None
    for score in (min_score, *SCORES[min_score < SCORES].tolist()):
        estimate = shares.at_score(score)
        negligible = estimate.pairs >= _OF_PAIRS and estimate.chance < _NEGLIGIBLE
        if estimate.precision >= precision or negligible:
            return ScoreChoice(score, estimate, asked, reached=True)
    return ScoreChoice(min_score, asked, asked, reached=False)

"""The share of copies among pairs that are accused by their scores, and the score for a share."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.calibration.chance_matches import BAND_END, LEAST_COPY_SCORE, Tail, fit_tail
from fastphash.calibration.estimates import MODEL_ERROR, SCORES, Estimate, estimate_tail

# fewer accused pairs than this say nothing
_LEAST_PAIRS = 20
# bounds for the share of copies that are further apart say nothing,
_WIDEST = 0.3
# unless those for the chance matches differ by a smaller factor; the model's error alone gives 3.2
_LARGEST_FACTOR = 8.0
# the part of the band, at its end, that shows whether scores fall off
_END = 0.05
_DEVIATIONS = 2.0


class ScoreChoice(NamedTuple):
    """The share of copies from the least score of an audit up, and the least score for a share.

    Attributes
    ----------
    asked : Estimate
        Of the pairs with at least the score that was asked for.
    too_few : bool
        Whether the share is below the one that is wanted, even by its upper bound.
    score : float or None
        The score that was asked for, unless too few are copies there: then the least from which
        enough are, or None.
    estimate : Estimate
        Of the pairs with at least `score`; `asked` if that is None.
    """

    asked: Estimate
    too_few: bool
    score: float | None
    estimate: Estimate


def choose_score(
    scores: NDArray[np.float32], min_score: float, precision: float
) -> ScoreChoice | None:
    """The least score from `min_score` up, in hundredths, from which a share of pairs are copies.

    None if the scores don't say: too few pairs are accused, the bounds are too far apart, or the
    scores don't fall off as those of chance matches do. Then nobody knows how many chance matches
    there are.

    Parameters
    ----------
    scores : float32 (n,)
        Of all pairs that would be accused if the least score were 0, or of a sample of them: also
        of those that score less than any copy.
    min_score : float
        The least score that was asked for.
    precision : float
        The share that is wanted, between 0 and 1.

    Notes
    -----
    The chance matches are those of the tail that `fastphash.calibration.chance_matches` fits. Pairs
    that are alike for a reason, as pictures that share a template are, count as copies.
    """
    tail = fit_tail(scores)
    asked = estimate_tail(scores, tail, min_score)
    if asked.pairs < _LEAST_PAIRS or not _says_something(asked) or not falls_off(scores, tail):
        return None
    too_few = asked.bounds[1] < precision
    if not too_few:
        proves_nothing = asked.pairs * (1 - precision) < 1
        return None if proves_nothing else ScoreChoice(asked, False, min_score, asked)
    for score in SCORES[min_score < SCORES].tolist():
        estimate = estimate_tail(scores, tail, score)
        if estimate.reaches(precision) and estimate.bounds[0] > precision - _WIDEST:
            return ScoreChoice(asked, True, score, estimate)
    return ScoreChoice(asked, True, None, asked)


def falls_off(scores: NDArray[np.float32], tail: Tail) -> bool:
    """Whether the scores fall off between 0.25 and 0.45 as the tail that was fitted to them does.

    Copies get more with the score. Where many score so low, the band ends with more pairs than the
    tail has.
    """
    start = BAND_END - _END
    found = int(((scores >= start) & (scores < BAND_END)).sum())
    beyond = start - LEAST_COPY_SCORE
    expected = tail.chance * math.exp(-tail.rate * beyond) * -math.expm1(-tail.rate * _END)
    return found <= expected * math.exp(MODEL_ERROR) + _DEVIATIONS * math.sqrt(expected) + 1


def _says_something(estimate: Estimate) -> bool:
    low, high = estimate.bounds
    return high - low <= _WIDEST or estimate.most <= _LARGEST_FACTOR * estimate.least

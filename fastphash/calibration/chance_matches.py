"""How many near pairs of images are chance matches, from their scores and those of decoys."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Nearly all copies score more.
LEAST_COPY_SCORE = 0.25
#: From the least score of copies up to here most pairs are chance matches, where there are any.
BAND_END = 0.45
# among 3,000 tiles, 10,000 crops and drawn pages without copies scores fell off at 9 to 25
_LEAST_RATE = 9.0
# and more than any scores show
_MOST_RATE = 1e6
_USUAL_RATE = 13.0
# a prior: as if so many more pairs had been seen, falling off at the usual rate
_PRIOR_PAIRS = 5
# distances are pooled until they have so many decoys
_DECOYS_PER_POOL = 30
_TWO_SIDED = 0.025, 0.975
_DEVIATIONS = 1.96


class ScoredPairs(NamedTuple):
    """Pairs, each with its distance and score.

    Attributes
    ----------
    distance : uint8 (n,)
    score : float32 (n,)
        As `fastphash.verification.similarity.similarity` gives it; NaN without thumbnails.
    """

    distance: NDArray[np.uint8]
    score: NDArray[np.float32]


class Tail(NamedTuple):
    """Chance matches with scores from 0.25 + x up: ``chance * exp(-rate * x)``.

    Attributes
    ----------
    chance, rate : float
    pairs : int
        How many pairs it was fitted to.
    rate_deviation : float
        Standard deviation of the rate.
    """

    chance: float
    rate: float
    pairs: int
    rate_deviation: float


def fit_tail(scores: NDArray[np.float32]) -> Tail:
    """Fit how the scores of chance matches fall off, to the scores between 0.25 and 0.45.

    The fit is the maximum likelihood of an exponential distribution that is cut off where the band
    ends.

    Parameters
    ----------
    scores : float32 (n,)
    """
    start, width = LEAST_COPY_SCORE, BAND_END - LEAST_COPY_SCORE
    in_band = scores[(scores >= start) & (scores < BAND_END)].astype(np.float64) - start
    weight = in_band.size + _PRIOR_PAIRS
    mean = (in_band.sum() + _PRIOR_PAIRS * _cut_mean(_USUAL_RATE, width)) / weight
    rate = _LEAST_RATE
    if mean < _cut_mean(_LEAST_RATE, width):
        rate = _rate_of_mean(mean, width)
    # even its square is a number
    growth = math.exp(min(rate * width, 300.0))
    variance = 1 / rate**2 - width**2 * growth / (growth - 1) ** 2
    deviation = 1 / math.sqrt(weight * variance)
    return Tail(in_band.size / (1 - 1 / growth), rate, in_band.size, deviation)


def chance_by_distance(
    pairs: ScoredPairs, decoys: ScoredPairs, tail: Tail, bits: int = 64
) -> NDArray[np.float64]:
    """How many chance matches there are at each distance: float64 (bits + 1,).

    Pairs below 0.25 are counted. Those of the tail are spread over the distances as decoys from
    0.25 up relate to decoys below.
    """
    low, low_decoys, all_decoys = (
        np.bincount(distances, minlength=bits + 1).astype(np.float64)
        for distances in (
            pairs.distance[pairs.score < LEAST_COPY_SCORE],
            decoys.distance[decoys.score < LEAST_COPY_SCORE],
            decoys.distance,
        )
    )
    pool = ((np.cumsum(all_decoys) - all_decoys) // _DECOYS_PER_POOL).astype(np.int64)
    low_share = (np.bincount(pool, low_decoys) + 1) / (np.bincount(pool, all_decoys) + 1)
    high = low * (1 / low_share[pool] - 1)
    return low + high * (tail.chance / max(float(high.sum()), 1.0))


def bounds_of_chance(expected: float, log_deviation: float) -> tuple[float, float]:
    """Bounds of 95 % for the number of chance matches (Garwood, 1936).

    Parameters
    ----------
    expected : float
        The estimated number.
    log_deviation : float
        Standard deviation of the estimate's logarithm.
    """
    from scipy.special import gammaincinv

    factor = math.exp(_DEVIATIONS * min(log_deviation, 10.0))
    may_be_none = math.exp(-expected / factor) > _TWO_SIDED[0]
    least = 0.0 if may_be_none else float(gammaincinv(expected / factor, _TWO_SIDED[0]))
    return least, float(gammaincinv(expected * factor + 1, _TWO_SIDED[1]))


def _cut_mean(rate: float, width: float) -> float:
    """The mean of an exponential distribution that is cut off at `width`."""
    return 1 / rate - width / math.expm1(min(rate * width, 500.0))


def _rate_of_mean(mean: float, width: float) -> float:
    """The rate at which such a distribution has this mean, from the least rate up."""
    # bisection down to neighbouring numbers: to import scipy.optimize takes a third of a second
    low, high = _LEAST_RATE, _MOST_RATE
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _cut_mean(middle, width) > mean else (low, middle)
    return low

"""Chance matches by the shape of the scores, where pictures share a template."""

import numpy as np
from numpy.typing import NDArray

from fastphash.calibration.chance_matches import LEAST_COPY_SCORE

# bins of scores from 0.25 to 1
_STEP = 0.05
_BINS = 15
_EDGES = LEAST_COPY_SCORE + _STEP * np.arange(_BINS + 1)
# bins that are pooled to say how many copies a bin has at most
_POOLED = 3
# as among drawn cars, planes, bottles and faces, from 0.8 up
_FALL = 0.25


def falling_matches(scores: NDArray[np.float32], slope: float) -> NDArray[np.float64]:
    """How many pairs of each bin are chance matches, because more score less: float64 (15,).

    Copies get more with the score, chance matches get fewer. So a bin has no more copies than
    `slope` times the least mean of three neighbouring bins above it, of which each mean is taken
    with its standard error. Of the last three bins, from 0.85 up, each has a quarter of the chance
    matches of the bin before.

    Parameters
    ----------
    scores : float32 (n,)
    slope : float
        1, or more to be surer that what falls are chance matches.
    """
    pairs = np.histogram(np.minimum(scores, 1), _EDGES)[0].astype(np.float64)
    total = np.concatenate(([0.0], np.cumsum(pairs)))
    pooled = total[_POOLED:] - total[:-_POOLED]
    most_copies = (pooled + np.sqrt(pooled) + 1) / _POOLED
    least_above = np.minimum.accumulate(most_copies[::-1])[::-1]
    matches = np.zeros(_BINS)
    matches[:-_POOLED] = np.maximum(pairs[:-_POOLED] - slope * least_above[1:], 0)
    matches[-_POOLED:] = matches[-_POOLED - 1] * _FALL ** np.arange(1, _POOLED + 1)
    return matches


def count_from(matches: NDArray[np.float64], scores: NDArray[np.float32], score: float) -> float:
    """How many of the matches by bin have at least a score; in its bin, the share of its pairs."""
    place = int(np.clip(np.searchsorted(_EDGES, score, "right") - 1, 0, _BINS - 1))
    in_bin = (scores >= _EDGES[place]) & (scores < _EDGES[place + 1])
    share = (scores[in_bin] >= score).mean() if in_bin.any() else 0.0
    return float(matches[place] * share + matches[place + 1 :].sum())

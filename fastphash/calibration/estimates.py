"""The estimated share of copies at every threshold of score or distance."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.calibration.chance_matches import (
    LEAST_COPY_SCORE,
    ScoredPairs,
    Tail,
    bounds_of_chance,
)

#: Thresholds of score that are tried.
SCORES = np.arange(100) / 100
#: Error of the estimates where the truth is known, as a logarithm.
MODEL_ERROR = 0.3


class Estimate(NamedTuple):
    """The pairs at a threshold, and how many of them are chance matches.

    Attributes
    ----------
    pairs : int
    chance : float
        Expected chance matches.
    least, most : float
        Bounds of 95 % for the chance matches.
    """

    pairs: int
    chance: float
    least: float
    most: float

    @classmethod
    def of(cls, pairs: int, chance: float, deviation: float) -> "Estimate":
        """With bounds for this error of the chance matches, as a logarithm, and the model's."""
        return cls(pairs, chance, *bounds_of_chance(chance, math.hypot(MODEL_ERROR, deviation)))

    @property
    def precision(self) -> float:
        """The share of copies; NaN where there are no pairs."""
        return _share_of_copies(self.pairs, self.chance)

    @property
    def bounds(self) -> tuple[float, float]:
        """Bounds of 95 % for the share of copies."""
        return _share_of_copies(self.pairs, self.most), _share_of_copies(self.pairs, self.least)

    def reaches(self, precision: float) -> bool:
        """Whether this share are copies, even with one chance match more than expected."""
        return _share_of_copies(self.pairs, self.chance + 1) >= precision

    def as_json(self) -> dict[str, Any]:
        """Its figures; null for shares of no pairs."""
        least, most = self.bounds
        shares = {"precision": self.precision, "least": least, "most": most}
        known = {name: None if math.isnan(share) else share for name, share in shares.items()}
        return {"pairs": self.pairs, "chance": self.chance, **known}


@dataclass(frozen=True)
class Calibration:
    """How many pairs there are within a radius, and how many of them are chance matches.

    Attributes
    ----------
    radius : int
    pairs : ScoredPairs
        Of images.
    decoys : ScoredPairs
        Of an image and the negative of another.
    chance : float64 (bits + 1,)
        Chance matches by distance.
    tail : Tail, optional
        None without thumbnails.

    Notes
    -----
    The assumptions are these. Nearly all copies score 0.25 or more, so pairs below are chance
    matches. From 0.25 up the scores of chance matches fall off exponentially. The rate is fitted
    between 0.25 and 0.45, where copies are still few, and is at least the lowest that was measured
    in images without copies. At each distance, the ratio of chance matches from 0.25 up to those
    below is that of decoys, times a factor which is the same for all distances. Images that
    resemble each other for a reason, such as frames of a film, are no chance matches: by their
    scores they are copies.

    Decoys alone, the way false matches of spectra are counted (Elias and Gygi, 2007), underestimate
    chance matches. Real pictures, of one place for instance, are alike in detail more often than a
    picture and the negative of another. Where the truth was known, decoys gave a fifth to four
    fifths of the chance matches from a score of 0.3 up. Decoys with swapped halves instead of
    negatives gave a tenth to a half.
    """

    radius: int
    pairs: ScoredPairs
    decoys: ScoredPairs
    chance: NDArray[np.float64]
    tail: Tail | None

    def at_distance(self, distance: int) -> Estimate:
        """Of the pairs up to a distance, whatever their score."""
        chance = float(self.chance[: distance + 1].sum())
        pairs = int((self.pairs.distance <= distance).sum())
        return Estimate.of(pairs, chance, 0.0)

    def at_score(self, score: float) -> Estimate:
        """Of the pairs with at least a score."""
        if self.tail is None:
            return Estimate(0, 0.0, 0.0, 0.0)
        return estimate_tail(self.pairs.score, self.tail, score)

    def precision_at(self, score: float) -> float:
        """The estimated share of copies among pairs with at least a score.

        It never falls with the score.
        """
        return _highest(self.at_score(at).precision for at in (*SCORES[score > SCORES], score))

    def precision_at_distance(self, distance: int) -> float:
        """The estimated share of copies among pairs up to a distance.

        It never rises with the distance.
        """
        return _highest(
            self.at_distance(d).precision
            for d in range(min(distance, self.radius), self.radius + 1)
        )

    def min_score(self, precision: float) -> float | None:
        """The least score, in hundredths, from which this share are copies; None if there is none.

        One chance match more than expected is added, so that a few pairs alone prove nothing.
        """
        for score in SCORES.tolist():
            if self.at_score(score).reaches(precision):
                return float(score)
        return None

    def max_distance(self, precision: float) -> int | None:
        """The greatest distance up to which this share are copies; as for `min_score`."""
        for distance in range(self.radius, -1, -1):
            if self.at_distance(distance).reaches(precision):
                return distance
        return None

    def radius_for(self, score: float) -> int:
        """The least even radius that holds 99 % of all pairs with at least this score."""
        distances = np.sort(self.pairs.distance[self.pairs.score >= score])
        if not distances.size:
            return self.radius
        furthest = int(distances[math.ceil(distances.size * 0.99) - 1])
        return min(furthest + furthest % 2, self.radius)


def estimate_tail(scores: NDArray[np.float32], tail: Tail, score: float) -> Estimate:
    """Of the pairs with at least a score, by the tail that was fitted to all scores (n,)."""
    pairs = int((scores >= score).sum())
    beyond = max(score - LEAST_COPY_SCORE, 0.0)
    chance = tail.chance * math.exp(-tail.rate * beyond)
    chance += pairs - int((scores >= max(score, LEAST_COPY_SCORE)).sum())
    sampling_error = 1 / math.sqrt(max(tail.pairs, 1))
    return Estimate.of(pairs, chance, math.hypot(sampling_error, tail.rate_deviation * beyond))


def _share_of_copies(pairs: int, chance: float) -> float:
    return max(1 - chance / pairs, 0.0) if pairs else math.nan


def _highest(precisions: Iterable[float]) -> float:
    """The highest precision that is known, or NaN."""
    known = [precision for precision in precisions if not math.isnan(precision)]
    return max(known, default=math.nan)

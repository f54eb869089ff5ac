"""Candidates ranked by score and by distance, and their curves of precision against recall."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.evaluation.judging import STATUS_TRUE, STATUS_UNLISTED, JudgedPairs
from fastphash.evaluation.metrics import Figures, Ranked, Ranking
from fastphash.evaluation.svg import Panel
from fastphash.evaluation.truth import Truth

_POINTS = 400


class RankedCandidates(NamedTuple):
    """The candidates of an evaluation, which can be ranked in several ways.

    Attributes
    ----------
    pairs : JudgedPairs
        The judged pairs within the radius, and the copies found beyond it.
    truth : Truth
    images : int
        How many images have a hash.
    radius : int
    """

    pairs: JudgedPairs
    truth: Truth
    images: int
    radius: int

    @property
    def scored(self) -> bool:
        """Whether every candidate has a score."""
        return not np.isnan(self.pairs.relation.score).any()

    def by_score(self) -> Ranking:
        """Ranked by `JudgedPairs.confidence`."""
        return self._rank(self.pairs.confidence)

    def by_distance(self) -> Ranking:
        """Ranked by distance; thresholds are negated distances.

        Copies found beyond the radius are not accused.
        """
        distance = self.pairs.relation.distance.astype(np.float32)
        return self._rank(np.where(distance <= self.radius, -distance, np.float32(-np.inf)))

    def figures(self, accused: NDArray[np.bool_]) -> Figures:
        """The figures if exactly these pairs are accused."""
        confidence = np.where(accused, np.float32(0), np.float32(-np.inf))
        return self._rank(confidence).at(np.zeros(1))[0]

    def panels(self, by_score: Ranking, by_distance: Ranking) -> list[Panel]:
        """The curves of both rankings; none by score unless every candidate has one."""
        panels = [precision_recall_panel("by score", by_score.pairs)] if self.scored else []
        return [*panels, precision_recall_panel("by distance alone", by_distance.pairs)]

    def _rank(self, confidence: NDArray[np.float32]) -> Ranking:
        never = np.float32(-np.inf)
        left, right, _, status, *_ = self.pairs
        true_confidence = np.where(status < STATUS_UNLISTED, confidence, never)
        pairs = Ranked(confidence, true_confidence, status == STATUS_TRUE, len(self.truth.pairs))
        image_confidence, true_image_confidence = np.full((2, self.images), never)
        for ends in (left, right):
            np.maximum.at(image_confidence, ends, confidence)
            np.maximum.at(true_image_confidence, ends, true_confidence)
        listed_images = np.unique(self.truth.pairs)
        listed = np.zeros(self.images, np.bool_)
        listed[listed_images[listed_images < self.images]] = True
        ranked_images = Ranked(image_confidence, true_image_confidence, listed, listed_images.size)
        return Ranking(pairs, ranked_images)


def precision_recall_panel(title: str, ranked: Ranked) -> Panel:
    """The curve of precision against recall, in 400 points at most."""
    recall, precision = ranked.curve()
    if not recall.size:
        recall, precision = np.zeros(1), np.zeros(1)
    points = np.unique(np.linspace(0, recall.size - 1, _POINTS).astype(np.int64))
    # the curve begins at recall 0, with the precision of its first point
    x = [0.0, *recall[points].tolist()]
    y = [precision[0].item(), *precision[points].tolist()]
    ticks = (0, 0.25, 0.5, 0.75, 1)
    return Panel(f"Precision against recall, {title}", "recall", x, y, y, y, ticks)

"""The calibration of a store as JSON and as curves."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastphash.calibration.estimates import SCORES, Calibration, Estimate
from fastphash.evaluation.svg import Panel

#: Scores that are listed.
SHOWN = [0.0, *(at / 20 for at in range(5, 20))]


class StoreCalibration(NamedTuple):
    """The calibration of a store, and which of its images were joined.

    Attributes
    ----------
    calibration : Calibration
    images : int
    identical, equal : int
        Images left out, because others have the same bytes, or the same hashes and thumbnail.
    needles : int
        How many of the remaining images were joined with all remaining images.
    """

    calibration: Calibration
    images: int
    identical: int
    equal: int
    needles: int

    def summary(self, precision: float) -> dict[str, Any]:
        """All figures, and the thresholds recommended for a share of copies, for JSON."""
        calibration = self.calibration
        min_score = calibration.min_score(precision)
        scores = [] if calibration.tail is None else SHOWN
        distances = range(calibration.radius % 2, calibration.radius + 1, 2)
        return {
            "images": self.images,
            "identical": self.identical,
            "equal": self.equal,
            "needles": self.needles,
            "radius": calibration.radius,
            "pairs": int(calibration.pairs.distance.size),
            "decoys": int(calibration.decoys.distance.size),
            "scores": [{"score": at, **calibration.at_score(at).as_json()} for at in scores],
            "distances": [
                {"distance": at, **calibration.at_distance(at).as_json()} for at in distances
            ],
            "recommended": {
                "precision": precision,
                "min_score": min_score,
                "radius": None if min_score is None else calibration.radius_for(min_score),
                "unseen_radius": calibration.max_distance(precision),
            },
        }

    def panels(self, precision: float) -> list[Panel]:
        """The share of copies by score and by distance, as curves."""
        calibration = self.calibration
        panels = []
        if calibration.tail is not None and calibration.pairs.score.size:
            scores = [at for at in SCORES.tolist() if calibration.at_score(at).pairs]
            ticks, mark = np.arange(6) / 5, calibration.min_score(precision)
            title, across = "Copies among pairs, by score", "score at least"
            panels.append(_panel(title, across, scores, calibration.at_score, ticks.tolist(), mark))
        distances = [
            at for at in range(calibration.radius + 1) if calibration.at_distance(at).pairs
        ]
        if distances:
            longest = max(calibration.radius, 1)
            ticks = np.unique(np.linspace(0, longest, min(longest, 4) + 1).astype(np.int64))
            title, across = "Copies among pairs, by distance alone", "bits at most"
            mark = calibration.max_distance(precision)
            panels.append(
                _panel(title, across, distances, calibration.at_distance, ticks.tolist(), mark)
            )
        return panels


def _panel(
    title: str,
    across: str,
    thresholds: list[Any],
    estimate_at: Callable[[Any], Estimate],
    ticks: list[float],
    mark: float | None,
) -> Panel:
    estimates = [estimate_at(threshold) for threshold in thresholds]
    least, most = zip(*(estimate.bounds for estimate in estimates), strict=True)
    precisions = [estimate.precision for estimate in estimates]
    return Panel(title, across, thresholds, precisions, least, most, ticks, mark)

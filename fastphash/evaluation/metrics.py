"""Precision, recall and average precision of candidates that are ranked by confidence."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: The precision that thresholds are recommended for.
WANTED = 0.99

Figures = dict[str, Any]


class Ranked(NamedTuple):
    """Candidates, pairs or images, ranked by confidence.

    Attributes
    ----------
    confidence : float32 (n,)
        A candidate is accused at thresholds up to this; minus infinity if it never is.
    true_confidence : float32 (n,)
        A candidate is rightly accused at thresholds up to this; `confidence` at most.
    listed : bool (n,)
        Whether the table of true pairs lists it.
    total : int
        How many are listed, with those that are no candidates.
    """

    confidence: NDArray[np.float32]
    true_confidence: NDArray[np.float32]
    listed: NDArray[np.bool_]
    total: int

    def at(self, thresholds: NDArray[Any]) -> list[Figures]:
        """Figures at each threshold."""
        counts = (count.tolist() for count in self._counts(thresholds))
        return [
            figures(accused, right, found, self.total)
            for accused, right, found in zip(*counts, strict=True)
        ]

    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Recall, ascending, and precision, at every confidence, the highest first."""
        values = np.unique(np.concatenate((self.confidence, self.true_confidence)))[::-1]
        accused, right, found = self._counts(values[values > -np.inf])
        return found / max(self.total, 1), right / accused

    def _counts(self, thresholds: NDArray[Any]) -> Iterator[NDArray[np.int64]]:
        """How many are accused, rightly accused, and both listed and rightly accused."""
        thresholds = thresholds.astype(np.float32)
        for values in (self.confidence, self.true_confidence, self.true_confidence[self.listed]):
            yield values.size - np.searchsorted(np.sort(values), thresholds)

    @property
    def average_precision(self) -> float:
        """The mean of the precision over recall."""
        recall, precision = self.curve()
        return float((np.diff(recall, prepend=0.0) * precision).sum())


class Ranking(NamedTuple):
    """Ranked pairs, and the images in them, each with the confidence of its best pair."""

    pairs: Ranked
    images: Ranked

    def at(self, thresholds: NDArray[Any]) -> list[Figures]:
        """Figures of pairs and images at each threshold."""
        rows = zip(self.pairs.at(thresholds), self.images.at(thresholds), strict=True)
        return [{"pairs": pairs, "images": images} for pairs, images in rows]

    @property
    def average_precision(self) -> Figures:
        """Of pairs and of images."""
        return {name: ranked.average_precision for name, ranked in self._asdict().items()}


def figures(accused: int, right: int, found: int, total: int) -> Figures:
    """Precision, recall and F1.

    Parameters
    ----------
    accused : int
    right : int
        Of those accused.
    found : int
        Of those right, how many are listed.
    total : int
        How many are listed.

    Examples
    --------
    >>> figures(4, 3, 2, 5)["precision"], figures(4, 3, 2, 5)["recall"]
    (0.75, 0.4)
    """
    precision = right / accused if accused else None
    recall = found / total if total else None
    f1 = None
    if precision is not None and recall is not None:
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {
        "accused": accused,
        "right": right,
        "found": found,
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


def best(thresholds: Iterable[float], rows: Sequence[Figures]) -> Figures:
    """The threshold with the best F1 of pairs, and the one with the best recall at precision 0.99.

    Parameters
    ----------
    thresholds : iterable of float
    rows : sequence of dict
        Figures at each threshold; none at all if pairs have no scores.
    """
    pairs = [
        {"threshold": threshold, **row["pairs"]}
        for threshold, row in zip(thresholds, rows, strict=False)
        if row["pairs"]["f1"] is not None
    ]
    precise = [row for row in pairs if row["precision"] >= WANTED]
    return {
        "f1": max(pairs, key=lambda row: float(row["f1"]), default=None),
        "precision_99": max(precise, key=lambda row: float(row["recall"]), default=None),
    }

"""Precision and recall: what is accused, held against what is right."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: The precision that thresholds are looked for.
WANTED = 0.99

Figures = dict[str, Any]


class Ranked(NamedTuple):
    """What may be accused, pairs or images: the stronger, the sooner.

    Attributes
    ----------
    strength : float32 (n,)
        Minus infinity for what never is.
    right : float32 (n,)
        The strength from which on it is rightly so: at most the other.
    listed : bool (n,)
    total : int
        How many are listed; some may be none of these n.
    """

    strength: NDArray[np.float32]
    right: NDArray[np.float32]
    listed: NDArray[np.bool_]
    total: int

    def at(self, thresholds: NDArray[Any]) -> list[Figures]:
        """Figures of what has at least each of these strengths."""
        accused, right, found = (some.tolist() for some in self._counts(thresholds))
        counts = zip(accused, right, found, strict=True)
        return [figures(*some, self.total) for some in counts]

    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Recall, ascending, and precision, at each strength that there is, the highest first."""
        values = np.unique(np.concatenate((self.strength, self.right)))[::-1]
        accused, right, found = self._counts(values[values > -np.inf])
        return found / max(self.total, 1), right / accused

    def _counts(self, least: NDArray[Any]) -> Iterator[NDArray[np.int64]]:
        """How many are accused, are rightly so, and of these are listed, from strengths on."""
        least = least.astype(np.float32)
        for some in (self.strength, self.right, self.right[self.listed]):
            yield some.size - np.searchsorted(np.sort(some), least)

    @property
    def average_precision(self) -> float:
        """The mean of the precision over recall."""
        recall, precision = self.curve()
        return float((np.diff(recall, prepend=0.0) * precision).sum())


class Ranking(NamedTuple):
    """Pairs, and the images in them: each as strong, and as right, as its strongest pairs."""

    pairs: Ranked
    images: Ranked

    def at(self, thresholds: NDArray[Any]) -> list[Figures]:
        """Figures of both at each threshold."""
        both = zip(self.pairs.at(thresholds), self.images.at(thresholds), strict=True)
        return [{"pairs": pairs, "images": images} for pairs, images in both]

    @property
    def average_precision(self) -> Figures:
        """Of both."""
        return {side: part.average_precision for side, part in self._asdict().items()}


def figures(accused: int, right: int, found: int, total: int) -> Figures:
    """Shares of what is accused and right, and of all that is listed, of which some is found.

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
    """The threshold of the best F1, and the one that finds most with 99 % right, of pairs."""
    found = [
        {"threshold": threshold, **row["pairs"]}
        for threshold, row in zip(thresholds, rows, strict=False)
        if row["pairs"]["f1"] is not None
    ]
    enough = [row for row in found if row["precision"] >= WANTED]
    return {
        "f1": max(found, key=lambda row: float(row["f1"]), default=None),
        "precision_99": max(enough, key=lambda row: float(row["recall"]), default=None),
    }

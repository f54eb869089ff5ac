"""Pairs ranked by a method's own number, told by what is true: counts, thresholds, recall."""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
# (some needles) to the distance of each from each row of the haystack, whole numbers
Distances = Callable[[Integers], NDArray[np.integer]]

# needles compared at once: their distances stay in the cache
_TOGETHER = 64


class Truth(NamedTuple):
    """What the pairs of n needles and m rows of a haystack are.

    Attributes
    ----------
    own : int64 (n,)
        The row that each needle is a copy of.
    row : int64 (n,)
        Where each needle is counted.
    rows : int
    haystack : int
        m.
    unjudged : int64 (k,)
        Pairs that are neither true nor false, as ``needle * m + row``, in order.
    """

    own: Integers
    row: Integers
    rows: int
    haystack: int
    unjudged: Integers


class Counts(NamedTuple):
    """How many pairs there are at each level, the most alike first.

    Attributes
    ----------
    true, false : int64 (rows, levels)
    copies : int64 (rows,)
        True pairs, wherever they are ranked, and if they are not.
    """

    true: Integers
    false: Integers
    copies: Integers

    def take(self, rows: NDArray[np.bool_] | Integers) -> "Counts":
        return Counts(self.true[rows], self.false[rows], self.copies[rows])

    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Precision and recall of all that is up to each level (levels,)."""
        true, false = self.true.sum(0).cumsum(), self.false.sum(0).cumsum()
        return true / np.maximum(true + false, 1), true / max(self.copies.sum(), 1)

    def threshold(self, precision: float) -> int:
        """The last level up to which the precision is at least this; -1 if there is none."""
        found, recall = self.curve()
        good = np.flatnonzero((found >= precision) & (recall > 0))
        return int(good[-1]) if good.size else -1

    def recall(self, level: int) -> float:
        """The share of all copies that is found up to a level; NaN if there are none."""
        copies = int(self.copies.sum())
        return int(self.true[:, : level + 1].sum()) / copies if copies else math.nan

    def average_precision(self) -> float:
        precision, recall = self.curve()
        return float((np.diff(recall, prepend=0) * precision).sum())


def tally_all(distances: Distances, levels: int, truth: Truth) -> Counts:
    """Count every pair, by its distance."""
    starts = range(0, truth.own.size, _TOGETHER)

    def some(start: int) -> tuple[Integers, Integers]:
        needles = np.arange(start, min(start + _TOGETHER, truth.own.size))
        found = distances(needles)
        judged = np.ones(found.shape, np.bool_)
        judged[needles - start, truth.own[needles]] = False
        low, high = np.searchsorted(
            truth.unjudged, (start * truth.haystack, (needles[-1] + 1) * truth.haystack)
        )
        judged.reshape(-1)[truth.unjudged[low:high] - start * truth.haystack] = False
        rows = truth.row[needles]
        true = found[needles - start, truth.own[needles]]
        false = (rows[:, None] * levels + found)[judged]
        size = truth.rows * levels
        return (
            np.bincount(rows * levels + true, minlength=size),
            np.bincount(false, minlength=size),
        )

    true, false = (np.zeros(truth.rows * levels, np.int64) for _ in range(2))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for own, others in threads.map(some, starts):
            true += own
            false += others
    return _counts(true, false, truth, levels)


def tally_some(
    needles: Integers, haystack: Integers, level: Integers, truth: Truth, levels: int
) -> Counts:
    """Count the pairs that were ranked at all."""
    own = truth.own[needles] == haystack
    judged = ~own & ~np.isin(needles * truth.haystack + haystack, truth.unjudged)
    places = truth.row[needles] * levels + level
    size = truth.rows * levels
    true = np.bincount(places[own], minlength=size)
    return _counts(true, np.bincount(places[judged], minlength=size), truth, levels)


def _counts(true: Integers, false: Integers, truth: Truth, levels: int) -> Counts:
    shape = truth.rows, levels
    copies = np.bincount(truth.row, minlength=truth.rows)
    return Counts(true.reshape(shape), false.reshape(shape), copies)


def hamming(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> Distances:
    """The least distance over the ways of the left: (n, ways, words) and (m, words)."""

    def distances(needles: Integers) -> NDArray[np.integer]:
        least = np.full((needles.size, right.shape[0]), np.iinfo(np.uint16).max, np.uint16)
        for way in range(left.shape[1]):
            bits = np.zeros(least.shape, np.uint16)
            for word in range(right.shape[1]):
                ours, theirs = left[needles, way, word], right[:, word]
                bits += np.bitwise_count(ours[:, None] ^ theirs)
            np.minimum(least, bits, out=least)
        return least

    return distances

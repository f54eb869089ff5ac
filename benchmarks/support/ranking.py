"""Precision and recall of pairs ranked by a method's score, held against the truth."""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Distances = Callable[[Integers], NDArray[np.integer]]
"""From k needles to integer distances (k, m) between them and each haystack row."""

# so many needles are compared at once that their distances stay in the cache
_BATCH = 64


class Truth(NamedTuple):
    """Which pairs of n needles and m haystack rows are copies.

    Attributes
    ----------
    original : int64 (n,)
        The haystack row that each needle is a copy of.
    stratum : int64 (n,)
        Needles of one stratum are counted together.
    strata : int
    haystack_rows : int
        m.
    ambiguous : int64 (k,)
        Pairs that count neither as true nor as false, as ``needle * m + row``, sorted.
    """

    original: Integers
    stratum: Integers
    strata: int
    haystack_rows: int
    ambiguous: Integers


class Counts(NamedTuple):
    """Number of pairs at each level. Level 0 is the most similar.

    Attributes
    ----------
    true, false : int64 (strata, levels)
    copies : int64 (strata,)
        All true pairs, those without a level included.
    """

    true: Integers
    false: Integers
    copies: Integers

    def take(self, strata: NDArray[np.bool_] | Integers) -> "Counts":
        return Counts(self.true[strata], self.false[strata], self.copies[strata])

    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Precision and recall of the pairs up to each level: (levels,) each."""
        true, false = self.true.sum(0).cumsum(), self.false.sum(0).cumsum()
        return true / np.maximum(true + false, 1), true / max(self.copies.sum(), 1)

    def threshold(self, precision: float) -> int:
        """The last level with at least this precision; -1 if there is none."""
        found, recall = self.curve()
        good = np.flatnonzero((found >= precision) & (recall > 0))
        return int(good[-1]) if good.size else -1

    def recall(self, level: int) -> float:
        """The share of copies found up to a level; NaN if there are no copies."""
        copies = int(self.copies.sum())
        return int(self.true[:, : level + 1].sum()) / copies if copies else math.nan

    def average_precision(self) -> float:
        precision, recall = self.curve()
        return float((np.diff(recall, prepend=0) * precision).sum())


def tally_all(distances: Distances, levels: int, truth: Truth) -> Counts:
    """Count all pairs, by distance."""
    starts = range(0, truth.original.size, _BATCH)

    def count_batch(start: int) -> tuple[Integers, Integers]:
        needles = np.arange(start, min(start + _BATCH, truth.original.size))
        found = distances(needles)
        clear = np.ones(found.shape, np.bool_)
        clear[needles - start, truth.original[needles]] = False
        low, high = np.searchsorted(
            truth.ambiguous, (start * truth.haystack_rows, (needles[-1] + 1) * truth.haystack_rows)
        )
        clear.reshape(-1)[truth.ambiguous[low:high] - start * truth.haystack_rows] = False
        stratum = truth.stratum[needles]
        true = found[needles - start, truth.original[needles]]
        false = (stratum[:, None] * levels + found)[clear]
        size = truth.strata * levels
        return (
            np.bincount(stratum * levels + true, minlength=size),
            np.bincount(false, minlength=size),
        )

    true, false = (np.zeros(truth.strata * levels, np.int64) for _ in range(2))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for batch_true, batch_false in threads.map(count_batch, starts):
            true += batch_true
            false += batch_false
    return _counts(true, false, truth, levels)


def tally_some(
    needles: Integers, haystack: Integers, level: Integers, truth: Truth, levels: int
) -> Counts:
    """Count the given pairs, by level."""
    is_copy = truth.original[needles] == haystack
    is_false = ~is_copy & ~np.isin(needles * truth.haystack_rows + haystack, truth.ambiguous)
    places = truth.stratum[needles] * levels + level
    size = truth.strata * levels
    true = np.bincount(places[is_copy], minlength=size)
    return _counts(true, np.bincount(places[is_false], minlength=size), truth, levels)


def _counts(true: Integers, false: Integers, truth: Truth, levels: int) -> Counts:
    shape = truth.strata, levels
    copies = np.bincount(truth.stratum, minlength=truth.strata)
    return Counts(true.reshape(shape), false.reshape(shape), copies)


def hamming(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> Distances:
    """Hamming distance of (n, orientations, words) and (m, words), the least over orientations."""

    def distances(needles: Integers) -> NDArray[np.integer]:
        least = np.full((needles.size, right.shape[0]), np.iinfo(np.uint16).max, np.uint16)
        for orientation in range(left.shape[1]):
            bits = np.zeros(least.shape, np.uint16)
            for word in range(right.shape[1]):
                ours, theirs = left[needles, orientation, word], right[:, word]
                bits += np.bitwise_count(ours[:, None] ^ theirs)
            np.minimum(least, bits, out=least)
        return least

    return distances

"""Segments: values that agree in the digits they were partitioned by stand together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.partitions import Digit, allocate_padded, pad, partition
from fastphash.kernels import pieces, radix
from fastphash.kernels.runs import PAD


@dataclass(frozen=True, slots=True)
class Segments:
    """Values of one side in segments.

    Attributes
    ----------
    values : uint64
        With room for `PAD` more behind them.
    labels : uint32
        Of each value, with the same room; empty where values have no labels.
    bounds : int64 (segments + 1,)
        Segment s is values[bounds[s] - bounds[0]:bounds[s + 1] - bounds[0]].
    """

    values: NDArray[np.uint64]
    labels: NDArray[np.uint32]
    bounds: NDArray[np.int64]

    @property
    def size(self) -> int:
        """Number of values."""
        return int(self.bounds[-1] - self.bounds[0])

    @property
    def longest(self) -> int:
        """Values of the largest segment."""
        return int(np.diff(self.bounds).max(initial=0))

    def take(self, low: int, high: int) -> "Segments":
        """The segments from `low` up to `high`."""
        start, stop = (int(self.bounds[i] - self.bounds[0]) for i in (low, high))
        labels = self.labels[start : stop + PAD] if self.labels.size else self.labels
        return Segments(self.values[start : stop + PAD], labels, self.bounds[low : high + 1])

    def tiles(self, size: int) -> "list[Segments]":
        """The one segment cut into pieces of `size` values."""
        bounds = np.array([*range(0, self.size, size), self.size], np.int64)
        cut = Segments(self.values, self.labels, bounds)
        return [cut.take(i, i + 1) for i in range(bounds.size - 1)]

    def partition_sorted(self, digit: Digit) -> "Segments":
        """The one segment, of ascending values, cut by their top digit."""
        bounds = np.empty((1 << digit.bits) + 1, np.int64)
        radix.find_bounds(self.values[: self.size], digit.shift, bounds)
        return Segments(self.values, self.labels, bounds)

    def partition(self, digit: Digit, threads: int) -> "Segments":
        """The one segment partitioned by a digit, with all threads."""
        values, labels = self.values[: self.size], self.labels[: self.size]
        out, out_labels = allocate_padded(self.size), np.empty(self.labels.size, np.uint32)
        rows = labels if self.labels.size else None
        bounds = partition(values, rows, digit, out, out_labels, threads)
        return Segments(out, out_labels, bounds)

    def split(self, digit: Digit) -> "Segments":
        """Every segment partitioned by a digit."""
        digits = 1 << digit.bits
        parts = Segments(
            allocate_padded(self.size),
            np.empty(self.size + PAD if self.labels.size else 0, np.uint32),
            np.empty((self.bounds.size - 1) * digits + 1, np.int64),
        )
        radix.split_segments(
            self.values,
            self.labels,
            self.bounds,
            digit.shift,
            digits,
            np.empty(digits, np.int64),
            parts.values,
            parts.labels,
            parts.bounds,
        )
        return parts

    def without_repeats(self) -> "Segments":
        """The same segments with each of their values once; they have no labels."""
        values, bounds = allocate_padded(self.size), np.empty_like(self.bounds)
        table = np.empty(1 << (2 * self.longest).bit_length(), np.uint64)
        pieces.drop_repeats(self.values[: self.size], self.bounds, table, values, bounds)
        return Segments(values, self.labels, bounds)


def one_segment(values: NDArray[np.uint64], labels: NDArray[np.uint32] | None = None) -> Segments:
    """Values (n,), and their labels (n,) if given, as one segment."""
    padded = np.empty(0, np.uint32)
    if labels is not None:
        padded = np.concatenate((labels, np.zeros(PAD, np.uint32)))
    return Segments(pad(values), padded, np.array([0, values.size], np.int64))

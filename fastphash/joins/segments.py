"""Values cut into segments, the parts that a search looks into."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.partitions import allocate_padded, pad, scatter_by_digit
from fastphash.kernels import radix
from fastphash.kernels.hamming import PAD

TILE = 1 << 13


@dataclass(frozen=True, slots=True)
class Segments:
    """Values in segments: those of segment s are values[bounds[s] - bounds[0]:...].

    Labels go with them, or there are none of any.
    """

    values: NDArray[np.uint64]
    labels: NDArray[np.uint32]
    bounds: NDArray[np.int64]

    @property
    def size(self) -> int:
        """How many values there are."""
        return int(self.bounds[-1] - self.bounds[0])

    @property
    def longest(self) -> int:
        """Values of the largest segment."""
        return int(np.diff(self.bounds).max(initial=0))

    def part(self, low: int, high: int) -> "Segments":
        """Some of the segments."""
        start, stop = (int(self.bounds[i] - self.bounds[0]) for i in (low, high))
        labels = self.labels[start : stop + PAD] if self.labels.size else self.labels
        return Segments(self.values[start : stop + PAD], labels, self.bounds[low : high + 1])

    def tiles(self) -> list["Segments"]:
        """The one segment cut into several, whatever the values."""
        ends = [*range(0, self.size, TILE), self.size]
        whole = Segments(self.values, self.labels, np.array(ends, np.int64))
        return [whole.part(i, i + 1) for i in range(len(ends) - 1)]

    def sorted_by(self, shift: int, bits: int) -> "Segments":
        """The one segment of ascending values cut by their top bits."""
        bounds = np.empty((1 << bits) + 1, np.int64)
        radix.find_bounds(self.values[: self.size], shift, bounds)
        return Segments(self.values, self.labels, bounds)

    def scattered_by(self, shift: int, bits: int, threads: int) -> "Segments":
        """The one segment cut by a digit, with all threads."""
        out, labels = allocate_padded(self.size), np.empty(self.labels.size, np.uint32)
        own_labels = self.labels[: self.size] if labels.size else None
        own = self.values[: self.size]
        bounds = scatter_by_digit(own, own_labels, shift, 1 << bits, out, labels, threads)
        return Segments(out, labels, bounds)

    def split(self, shift: int, bits: int) -> "Segments":
        """Every segment cut by a digit."""
        digits = 1 << bits
        made = Segments(
            allocate_padded(self.size),
            np.empty(self.labels.size and self.size + PAD, np.uint32),
            np.empty((self.bounds.size - 1) * digits + 1, np.int64),
        )
        radix.split_segments(
            self.values,
            self.labels,
            self.bounds,
            shift,
            digits,
            np.empty(digits, np.int64),
            made.values,
            made.labels,
            made.bounds,
        )
        return made


def one_segment(values: NDArray[np.uint64], labels: NDArray[np.uint32] | None = None) -> Segments:
    """Values, and labels if any, with room behind them, as one segment."""
    padded = np.empty(0, np.uint32)
    if labels is not None:
        padded = np.concatenate((labels, np.zeros(PAD, np.uint32)))
    return Segments(pad(values), padded, np.array([0, values.size], np.int64))

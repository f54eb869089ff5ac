"""Equal hashes as one value, and the rows that have it. A search takes distinct values only."""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.threads import run_all
from fastphash.joins.partitions import (
    PARALLEL_SIZE,
    Digit,
    allocate_padded,
    partition,
    task_ranges,
)
from fastphash.joins.search_plan import DIGIT_BITS
from fastphash.kernels import radix

# a sort partitions by up to so many bits first
_SORT_BITS = 14
# a look-up table has up to 2 to the power of this entries, and about one for eight values
_LOOKUP_BITS = 20


class DistinctValues(NamedTuple):
    """The distinct values of hashes, and the rows that have each.

    Attributes
    ----------
    values : uint64 (n,) or (n, 4)
        Those of 64 bits ascend, with room for `PAD` more behind them in memory.
    starts : uint32 (n + 1,)
    rows : uint32 (m,)
        The rows rows[starts[i]:starts[i + 1]] have value i, ascending.
    """

    values: NDArray[np.uint64]
    starts: NDArray[np.uint32]
    rows: NDArray[np.uint32]

    @property
    def counts(self) -> NDArray[np.uint32]:
        """How many rows have each value: uint32 (n,)."""
        return np.diff(self.starts)


class NumberPairs(NamedTuple):
    """Pairs of numbers, int64 (n,): of values in ascending order, or of distinct rows."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]


def sort_values(
    hashes: NDArray[np.uint64], rows: NDArray[np.uint32] | None = None, threads: int = 1
) -> DistinctValues:
    """Sort hashes (n,) with their rows (n,), 0 to n - 1 by default, and drop repeats."""
    size = hashes.size
    if rows is None:
        rows = np.arange(size, dtype=np.uint32)
    threads = threads if size > PARALLEL_SIZE else 1
    bits = min(max(size.bit_length() - 4, 1), _SORT_BITS)
    digit = Digit(64 - bits, bits)
    values = allocate_padded(size)
    value_rows = np.empty(size, np.uint32)
    bounds = partition(hashes, rows, digit, values, value_rows, threads)

    def sort(low: int, high: int) -> None:
        longest = int(np.diff(bounds[low : high + 1]).max(initial=0))
        radix.sort_segments(
            values,
            value_rows,
            bounds[low : high + 1],
            digit.shift,
            np.empty(longest, np.uint64),
            np.empty(longest, np.uint32),
            np.empty(1 << DIGIT_BITS, np.int64),
        )

    run_all(threads, (partial(sort, low, high) for low, high in task_ranges(bounds)))
    starts = np.empty(size + 1, np.uint32)
    distinct = radix.collapse_sorted(values[:size], starts)
    return DistinctValues(values[:distinct], starts[: distinct + 1], value_rows)


class NumberLookup:
    """Looks up the numbers of values in ascending order.

    A table of the values' top bits narrows each look-up to a few values.
    """

    def __init__(self, values: NDArray[np.uint64]) -> None:
        bits = min(max(values.size.bit_length() - 3, 1), _LOOKUP_BITS)
        self._values = values
        self._shift = 64 - bits
        self._bounds = np.empty((1 << bits) + 1, np.int64)
        radix.find_bounds(values, self._shift, self._bounds)

    def numbers(self, wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The numbers of the wanted values: uint64 (n,) to int64 (n,)."""
        out = np.empty(wanted.size, np.int64)
        radix.find_places(self._values, self._bounds, self._shift, wanted, out)
        return out

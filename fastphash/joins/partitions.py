"""Values sorted and partitioned by their digits, with all threads."""

import math
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.threads import run_all
from fastphash.joins.planner import DIGIT_BITS, SearchPlan, order_table
from fastphash.kernels import radix
from fastphash.kernels.hamming import PAD

# hashes of a task: some thousandths of a second, so that threads end together and Ctrl-C is quick
_TASK = 1 << 17
_LEAST_TASK = 1 << 15
_SORT_BITS = 14


class Values(NamedTuple):
    """The different ones of many values, ascending, and which rows they came from.

    Attributes
    ----------
    values : uint64 (n,)
        With room for `PAD` more behind them in memory.
    starts : uint32 (n + 1,)
    rows : uint32 (m,)
        Value i came from rows[starts[i]:starts[i + 1]], ascending.
    """

    values: NDArray[np.uint64]
    starts: NDArray[np.uint32]
    rows: NDArray[np.uint32]


def sort_values(values: NDArray[np.uint64], rows: NDArray[np.uint32], threads: int = 1) -> Values:
    """Sort values (n,) with their rows (n,), and collapse equal ones."""
    size = values.size
    threads = threads if size > _TASK else 1
    bits = min(max(size.bit_length() - 4, 1), _SORT_BITS)
    shift = 64 - bits
    kept = allocate_padded(size)
    kept_rows = np.empty(size, np.uint32)
    bounds = scatter_by_digit(values, rows, shift, 1 << bits, kept, kept_rows, threads)

    def sort(low: int, high: int) -> None:
        longest = int(np.diff(bounds[low : high + 1]).max(initial=0))
        radix.sort_segments(
            kept,
            kept_rows,
            bounds[low : high + 1],
            shift,
            np.empty(longest, np.uint64),
            np.empty(longest, np.uint32),
            np.empty(1 << DIGIT_BITS, np.int64),
        )

    run_all(threads, (partial(sort, *task) for task in segment_ranges(bounds)))
    starts = np.empty(size + 1, np.uint32)
    found = radix.collapse_sorted(kept[:size], starts)
    return Values(kept[:found], starts[: found + 1], kept_rows)


def permuted(values: NDArray[np.uint64], plan: SearchPlan) -> NDArray[np.uint64]:
    """Values (n,) with their bits in the plan's order: distances stay what they are."""
    if not plan.order:
        return values
    out = np.empty_like(values)
    radix.permute(values, order_table(plan.order), out)
    return out


def scatter_by_digit(
    values: NDArray[np.uint64],
    rows: NDArray[np.uint32] | None,
    shift: int,
    digits: int,
    out: NDArray[np.uint64],
    out_rows: NDArray[np.uint32],
    threads: int,
) -> NDArray[np.int64]:
    """Partition values, and rows if any, by a digit, stably; the bounds of the parts."""
    chunk = max(math.ceil(values.size / threads), _TASK)
    starts = range(0, values.size, chunk)
    threads = min(threads, len(starts))
    counts = np.zeros((len(starts), digits), np.int64)
    run_all(
        threads,
        (
            partial(radix.count_digits, values[a : a + chunk], shift, counts[i])
            for i, a in enumerate(starts)
        ),
    )
    bounds = np.concatenate(([0], np.cumsum(counts.sum(axis=0))))
    place = bounds[:-1] + np.cumsum(counts, axis=0) - counts

    def scatter(i: int, a: int) -> None:
        own = values[a : a + chunk]
        if rows is None:
            radix.scatter(own, shift, place[i], out)
        else:
            radix.scatter_rows(own, rows[a : a + chunk], shift, place[i], out, out_rows)

    run_all(threads, (partial(scatter, i, a) for i, a in enumerate(starts)))
    return bounds


def segment_ranges(bounds: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges of segments of about so many values that all threads have some; none is empty."""
    segments = bounds.size - 1
    size = int(min(max(bounds[-1] // 8, _LEAST_TASK), _TASK))
    low = 0
    while low < segments:
        high = int(np.searchsorted(bounds, bounds[low] + size, side="right")) - 1
        high = min(max(high, low + 1), segments)
        if bounds[high] > bounds[low]:
            yield low, high
        low = high


def allocate_padded(size: int) -> NDArray[np.uint64]:
    """An array for `size` values with zeros behind them: uint64 (size + PAD,)."""
    out = np.empty(size + PAD, np.uint64)
    out[size:] = 0
    return out


def pad(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The same values with room behind them: the array they are the front of, or a copy."""
    whole = values.base
    if (
        isinstance(whole, np.ndarray)
        and whole.dtype == np.uint64
        and whole.ndim == 1
        and whole.ctypes.data == values.ctypes.data
        and whole.size >= values.size + PAD
    ):
        return whole
    out = allocate_padded(values.size)
    out[: values.size] = values
    return out


def sort_rows(hashes: NDArray[np.uint64], threads: int) -> Values:
    """Sort hashes (n,), the rows counted from 0."""
    return sort_values(hashes, np.arange(hashes.size, dtype=np.uint32), threads)

"""Radix partition: values brought together by some of their bits, with all threads."""

import math
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.threads import run_all
from fastphash.kernels import line_scatter, radix
from fastphash.kernels.runs import PAD

#: A thread partitions at least so many values; fewer take one thread.
PARALLEL_SIZE = 1 << 17
# a task has up to 2^17 values and takes milliseconds: threads end together, and Ctrl-C is quick
_MAX_TASK = 1 << 17
_MIN_TASK = 1 << 15
# fewer values stay in a cache; and of fewer parts a processor foresees what is written
_LINED_VALUES = 1 << 19
_LINED_PARTS = 1 << 7


class Digit(NamedTuple):
    """Adjacent bits of a value: (value >> shift) & ((1 << bits) - 1)."""

    shift: int
    bits: int


def partition(
    values: NDArray[np.uint64],
    rows: NDArray[np.uint32] | None,
    digit: Digit,
    out: NDArray[np.uint64],
    out_rows: NDArray[np.uint32],
    threads: int,
) -> NDArray[np.int64]:
    """Write values, and their rows if given, by a digit, stably.

    Returns the bounds of the parts, int64 (2^bits + 1,). Each thread counts the digits of a chunk;
    a chunk's values of a digit go behind those of the chunks before it.
    """
    chunk_size = max(math.ceil(values.size / threads), PARALLEL_SIZE)
    chunks = [slice(start, start + chunk_size) for start in range(0, values.size, chunk_size)]
    threads = min(threads, len(chunks))
    counts = np.zeros((len(chunks), 1 << digit.bits), np.int64)
    run_all(
        threads,
        (
            partial(radix.count_digits, values[chunk], digit.shift, count)
            for chunk, count in zip(chunks, counts, strict=True)
        ),
    )
    bounds = np.concatenate(([0], np.cumsum(counts.sum(axis=0))))
    targets = bounds[:-1] + np.cumsum(counts, axis=0) - counts

    def scatter(chunk: slice, target: NDArray[np.int64]) -> None:
        if rows is None:
            by_lines = scatter_by_lines(values[chunk].size, target.size)
            kernel = line_scatter.scatter_digits if by_lines else radix.scatter
            kernel(values[chunk], digit.shift, target, out)
        else:
            radix.scatter_rows(values[chunk], rows[chunk], digit.shift, target, out, out_rows)

    run_all(threads, (partial(scatter, *job) for job in zip(chunks, targets, strict=True)))
    return bounds


def scatter_by_lines(values: int, parts: int) -> bool:
    """Whether so many values are scattered to so many parts faster as `line_scatter` does it."""
    return values >= _LINED_VALUES and parts >= _LINED_PARTS


def task_ranges(bounds: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Cut segments into ranges for tasks: none is empty, and every thread gets a few."""
    segments = bounds.size - 1
    size = int(min(max(bounds[-1] // 8, _MIN_TASK), _MAX_TASK))
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

"""Pairs of values to pairs of rows: a join by equal values, on the disk.

Values and the rows that have them are cut into buckets by a hash of the value. In each bucket, left
values find their rows; then the right ones, in buckets by their hash.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.external.buckets import Buckets, bucket_of
from fastphash.external.scratch import Scratch

# rows of a result that are made at once
_AT_ONCE = 1 << 18
# values that wait for their rows in memory: one value may come any number of times
_HELD = 1 << 20


class ValueRows(NamedTuple):
    """Values and the rows that have them, in buckets by value: rows of (value, row)."""

    left: Buckets
    right: Buckets


def join_values(
    scratch: Scratch, name: str, pairs: Iterator[NDArray[np.uint64]], rows: ValueRows
) -> Iterator[NDArray[np.int64]]:
    """The pairs of rows that have the values of a pair.

    Parameters
    ----------
    scratch : Scratch
    name : str
        Of the files that are made meanwhile.
    pairs : iterator of uint64 (n, 2)
        Pairs of values, perhaps repeatedly.
    rows : ValueRows
        With one number of buckets. Rows may have other values than the pairs.

    Yields
    ------
    int64 (n, 2)
        Pairs of rows, in any order; each as often as there are pairs of values for it.
    """
    count = rows.left.buckets
    by_left = Buckets(scratch, f"{name}-by-left", count, 2)
    for some in pairs:
        by_left.add(some, bucket_of(some[:, 0], count))
    by_right = Buckets(scratch, f"{name}-by-right", count, 2)
    for number in range(count):
        wanted = _distinct(by_left.read(number))
        by_left.remove(number)
        for row, right in _match(rows.left.pieces(number), wanted):
            half = np.stack([right, row], axis=1)
            by_right.add(half, bucket_of(right, count))
    for number in range(count):
        for half in by_right.pieces(number, _HELD):
            waiting = half[np.argsort(half[:, 0], kind="stable")]
            for right_row, left_row in _match(rows.right.pieces(number), waiting):
                yield np.stack([left_row, right_row], axis=1).view(np.int64)
        by_right.remove(number)
    for folder in (f"{name}-by-left", f"{name}-by-right"):
        scratch.remove(folder)


def _distinct(pairs: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The pairs (n, 2) in order, each once."""
    ordered = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    is_first = np.ones(len(ordered), np.bool_)
    is_first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    return ordered[is_first]


def _match(
    pieces: Iterable[NDArray[np.uint64]], waiting: NDArray[np.uint64]
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.uint64]]]:
    """Each row of (value, row) with all that waits for its value: of (value, it), ascending."""
    values, carried = np.ascontiguousarray(waiting.T)
    for rows in pieces:
        start = np.searchsorted(values, rows[:, 0], "left")
        counts = np.searchsorted(values, rows[:, 0], "right") - start
        found = np.flatnonzero(counts)
        ends = np.cumsum(counts[found])
        first = 0
        while first < found.size:
            done = int(ends[first - 1]) if first else 0
            last = max(int(np.searchsorted(ends, done + _AT_ONCE, "right")), first + 1)
            some = found[first:last]
            first = last
            yield from _expand(rows[some, 1], start[some], counts[some], carried)


def _expand(
    rows: NDArray[np.uint64],
    start: NDArray[np.int64],
    counts: NDArray[np.int64],
    waiting: NDArray[np.uint64],
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.uint64]]]:
    """Each of `rows` with `counts` of what waits, from its `start` on, some at a time."""
    if counts.size == 1:
        # any number may wait for one value
        for offset in range(0, int(counts[0]), _AT_ONCE):
            own = waiting[start[0] + offset : start[0] + min(offset + _AT_ONCE, int(counts[0]))]
            yield np.repeat(rows, own.size), own
        return
    total = int(counts.sum())
    before = np.cumsum(counts) - counts
    places = np.arange(total) + np.repeat(start - before, counts)
    yield np.repeat(rows, counts), waiting[places]

"""Equal values and equal rows of large arrays, most of which come once.

A table of bits tells which values may come twice. Only these are sorted.
"""

import math
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.threads import run_all
from fastphash.joins.values import DistinctValues, sort_values
from fastphash.kernels import repeats, row_keys

# a thread takes so many values at least
_CHUNK = 1 << 17
# bits of the table for each value: of values that come once, one in 16 meets another's bit
_BITS_PER_VALUE = 32


class EqualRows(NamedTuple):
    """Lists of equal rows, in the order of their first rows.

    Attributes
    ----------
    starts : uint32 (d + 1,)
    rows : uint32 (n,)
        The rows rows[starts[i]:starts[i + 1]] are equal, ascending.
    """

    starts: NDArray[np.uint32]
    rows: NDArray[np.uint32]

    @property
    def first(self) -> NDArray[np.int64]:
        """The first row of each list: int64 (d,)."""
        return self.rows[self.starts[:-1]].astype(np.int64)

    @property
    def counts(self) -> NDArray[np.uint32]:
        """How many rows each list has: uint32 (d,)."""
        return np.diff(self.starts)


def find_repeated(values: NDArray[np.uint64], threads: int) -> NDArray[np.uint32]:
    """The numbers of all values (n,) that come more than once, and of some others, ascending."""
    bits = max((_BITS_PER_VALUE * values.size - 1).bit_length(), 6)
    words = 1 << (bits - 6)
    seen, again = np.zeros(words, np.uint64), np.zeros(words, np.uint64)
    threads = min(threads, -(-values.size // _CHUNK), words)
    parts = np.linspace(0, words, max(threads, 1) + 1).astype(int).tolist()
    run_all(
        threads,
        (
            partial(repeats.mark_repeats, values, 64 - bits, first, last, seen, again)
            for first, last in pairwise(parts)
        ),
    )
    starts = range(0, values.size, _CHUNK)
    found = [np.empty(0, np.uint32) for _ in starts]

    def find(chunk: int, start: int) -> None:
        out = np.empty(min(_CHUNK, values.size - start), np.uint32)
        count = repeats.find_marked(values[start : start + _CHUNK], 64 - bits, again, out)
        found[chunk] = out[:count] + np.uint32(start)

    run_all(threads, (partial(find, *job) for job in enumerate(starts)))
    return np.concatenate([np.empty(0, np.uint32), *found])


def repeated_values(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The values (n,) that come more than once, each once, ascending."""
    some = sort_values(values[find_repeated(values, 1)])
    return some.values[some.counts > 1]


def find_equal_rows(*matrices: NDArray[Any], threads: int = 1) -> EqualRows:
    """Which rows are equal in all the given C-contiguous arrays (n, ...).

    A row of each array is a whole number of 8-byte words.
    """
    words = [_as_words(matrix) for matrix in matrices]
    keys = _row_keys(words, threads)
    rows = find_repeated(keys, threads)
    some = sort_values(keys[rows], rows, threads)
    if any(_differ(matrix, some) for matrix in words):
        # two different rows have the same 64-bit key
        _, inverse = np.unique(np.concatenate(words, axis=1), axis=0, return_inverse=True)
        some = sort_values(inverse.reshape(-1).astype(np.uint64))
    return _all_lists(some, keys.size)


def _as_words(matrix: NDArray[Any]) -> NDArray[np.uint64]:
    """The rows of an array as words, (n, words)."""
    return matrix.reshape(len(matrix), math.prod(matrix.shape[1:])).view(np.uint64)


def _row_keys(words: list[NDArray[np.uint64]], threads: int) -> NDArray[np.uint64]:
    """A key for each row, (n,): equal ones for equal rows."""
    keys = np.zeros(len(words[0]), np.uint64)

    def mix(part: slice) -> None:
        for matrix in words:
            row_keys.mix_rows(matrix[part], keys[part])

    starts = range(0, keys.size, _CHUNK)
    run_all(
        threads if len(starts) > 1 else 1,
        (partial(mix, slice(start, start + _CHUNK)) for start in starts),
    )
    return keys


def _differ(words: NDArray[np.uint64], equal: DistinctValues) -> bool:
    """Whether rows of one list differ."""
    rows = words[equal.rows]
    first = np.repeat(equal.starts[:-1], equal.counts).astype(np.int64)
    return row_keys.first_unequal(rows, first) >= 0


def _all_lists(some: DistinctValues, size: int) -> EqualRows:
    """The lists of some rows, and one of its own for each other row."""
    if some.values.size == some.rows.size:
        numbers = np.arange(size + 1, dtype=np.uint32)
        return EqualRows(numbers, numbers[:-1])
    is_first = np.ones(size, np.bool_)
    is_first[some.rows] = False
    first = some.rows[some.starts[:-1]]
    is_first[first] = True
    number = np.cumsum(is_first)[first] - 1
    counts = np.ones(np.count_nonzero(is_first), np.int64)
    counts[number] = some.counts
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.uint32)
    rows = np.empty(size, np.uint32)
    rows[starts[:-1]] = np.flatnonzero(is_first)
    places = np.arange(some.rows.size) + np.repeat(
        starts[number].astype(np.int64) - some.starts[:-1], some.counts
    )
    rows[places] = some.rows
    return EqualRows(starts, rows)

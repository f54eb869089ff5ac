"""Equal rows as one distinct row: a search sees each distinct row once."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.index import Index
from fastphash.joins.repeats import find_equal_rows
from fastphash.joins.values import DistinctValues, NumberPairs, sort_values


class DistinctRows(NamedTuple):
    """Which rows are equal. Distinct rows are numbered in the order of their first rows.

    Attributes
    ----------
    first : int64 (d,)
        The first row that equals each distinct row.
    of_row : int64 (n,)
        The number of the distinct row that each row equals.
    """

    first: NDArray[np.int64]
    of_row: NDArray[np.int64]


class DistinctIndex(NamedTuple):
    """The distinct rows of an index, in any order.

    Attributes
    ----------
    hashes : Index
    starts : uint32 (d + 1,)
    rows : uint32 (n,)
        Distinct row d equals the rows rows[starts[d]:starts[d + 1]], ascending.
    """

    hashes: Index
    starts: NDArray[np.uint32]
    rows: NDArray[np.uint32]


class DistinctPairs(NamedTuple):
    """Pairs of distinct rows, by their numbers; both sides are alike within one index."""

    left: DistinctIndex
    right: DistinctIndex
    pairs: NumberPairs


def find_distinct_rows(*matrices: NDArray[Any]) -> DistinctRows:
    """Number the rows that are distinct in the given C-contiguous arrays (n, ...) taken together.

    A row of each array is a whole number of 8-byte words.
    """
    equal = find_equal_rows(*matrices)
    of_row = np.empty(equal.rows.size, np.int64)
    of_row[equal.rows] = np.repeat(np.arange(equal.counts.size), equal.counts)
    return DistinctRows(equal.first, of_row)


def distinct_index(index: Index, threads: int = 1) -> DistinctIndex:
    """The distinct rows of an index, in the order of their first rows."""
    equal = find_equal_rows(index.hashes, threads=threads)
    all_differ = equal.counts.size == len(index)
    return DistinctIndex(index if all_differ else index.choose(equal.first), *equal)


def distinct_values(
    hashes: NDArray[np.uint64], rows: NDArray[np.uint32] | None = None, threads: int = 1
) -> DistinctValues:
    """The distinct ones of hashes (n,) or (n, words); those of one word ascend.

    Hash i belongs to rows[i], by default to row i.
    """
    if hashes.ndim == 1:
        return sort_values(hashes, rows, threads)
    equal = find_equal_rows(hashes, threads=threads)
    all_differ = equal.counts.size == len(hashes)
    values = hashes if all_differ else hashes[equal.first]
    return DistinctValues(values, equal.starts, equal.rows if rows is None else rows[equal.rows])

"""Equal rows as one distinct row: a search sees each distinct row once."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.index import Index
from fastphash.joins.values import NumberPairs, find_equal_rows


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
    if not len(matrices[0]):
        return DistinctRows(np.empty(0, np.int64), np.empty(0, np.int64))
    equal = find_equal_rows(*matrices)
    first = equal.rows[equal.starts[:-1]].astype(np.int64)
    number = np.empty(first.size, np.int64)
    number[np.argsort(first)] = np.arange(first.size)
    of_row = np.empty(equal.rows.size, np.int64)
    of_row[equal.rows] = np.repeat(number, equal.counts)
    return DistinctRows(np.sort(first), of_row)


def distinct_index(index: Index, threads: int = 1) -> DistinctIndex:
    """The distinct rows of an index."""
    equal = find_equal_rows(index.hashes, threads=threads)
    if equal.values.size == len(index):
        starts = np.arange(len(index) + 1, dtype=np.uint32)
        return DistinctIndex(index, starts, starts[:-1])
    first = equal.rows[equal.starts[:-1]].astype(np.int64)
    return DistinctIndex(index.take(first), equal.starts, equal.rows)

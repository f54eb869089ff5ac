"""Equal rows as one distinct row: a search sees each distinct row once."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.index import Index
from fastphash.joins.values import NumberPairs, sort_values
from fastphash.kernels import row_keys


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
    """Number the rows that are distinct in the given C-contiguous (n, k) arrays taken together.

    A row of each array is a whole number of 8-byte words.
    """
    words = [matrix.view(np.uint64) for matrix in matrices]
    keys = np.zeros(words[0].shape[0], np.uint64)
    for matrix in words:
        row_keys.mix_rows(matrix, keys)
    distinct = _number_keys(keys)
    first_equal = distinct.first[distinct.of_row]
    if any(row_keys.first_unequal(matrix, first_equal) >= 0 for matrix in words):
        # two different rows have the same 64-bit key
        _, inverse = np.unique(np.concatenate(words, axis=1), axis=0, return_inverse=True)
        distinct = _number_keys(inverse.reshape(-1).astype(np.uint64))
    return distinct


def _number_keys(keys: NDArray[np.uint64]) -> DistinctRows:
    """Number distinct keys (n,) in the order of their first rows."""
    if keys.size == 0:
        return DistinctRows(np.empty(0, np.int64), np.empty(0, np.int64))
    ordered = sort_values(keys)
    first = ordered.rows[ordered.starts[:-1]].astype(np.int64)
    number = np.empty(first.size, np.int64)
    number[np.argsort(first)] = np.arange(first.size)
    of_row = np.empty(keys.size, np.int64)
    of_row[ordered.rows] = np.repeat(number, np.diff(ordered.starts))
    return DistinctRows(np.sort(first), of_row)


def distinct_index(index: Index) -> DistinctIndex:
    """The distinct rows of an index."""
    distinct = find_distinct_rows(index.hashes)
    rows = np.argsort(distinct.of_row, kind="stable").astype(np.uint32)
    counts = np.bincount(distinct.of_row, minlength=distinct.first.size)
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.uint32)
    return DistinctIndex(index.take(distinct.first), starts, rows)

"""Lists of rows, and pairs of lists expanded to pairs of rows.

A distinct value, or a distinct row, is a list of the rows that are equal to it.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.values import NumberPairs
from fastphash.kernels import expansion


class RowLists(Protocol):
    """Lists of rows one after the other: list i is rows[starts[i]:starts[i + 1]]."""

    @property
    def starts(self) -> NDArray[np.uint32]:
        """Where each list starts, and where the last one ends."""

    @property
    def rows(self) -> NDArray[np.uint32]:
        """The rows of all lists."""


class RowPairs(NamedTuple):
    """Pairs of rows, int64 (n,), and what each was made from.

    Attributes
    ----------
    left, right : int64 (n,)
    origin : int64 (n,)
        The pair of lists, or the list, that a pair of rows comes from.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    origin: NDArray[np.int64]


def count_row_pairs(pairs: NumberPairs, left: RowLists, right: RowLists) -> int:
    """How many pairs of rows pairs of lists stand for."""
    return expansion.count_expanded(pairs.left, left.starts, pairs.right, right.starts)


def count_each(pairs: NumberPairs, left: RowLists, right: RowLists) -> NDArray[np.int64]:
    """How many pairs of rows each pair of lists stands for: int64 (n,)."""
    return _lengths(left, pairs.left) * _lengths(right, pairs.right)


def _lengths(lists: RowLists, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many rows each of the given lists has."""
    return lists.starts[numbers + 1].astype(np.int64) - lists.starts[numbers]


def expand(pairs: NumberPairs, left: RowLists, right: RowLists, size: int) -> RowPairs:
    """The `size` pairs of rows that pairs of lists stand for."""
    out = RowPairs(*(np.empty(size, np.int64) for _ in RowPairs._fields))
    expansion.expand(
        pairs.left, left.starts, left.rows, pairs.right, right.starts, right.rows, *out
    )
    return out


def count_equal_pairs(lists: RowLists) -> int:
    """How many pairs of two rows of one list there are."""
    return expansion.count_inside(lists.starts)


def expand_equal(lists: RowLists) -> RowPairs:
    """All pairs of two rows of one list."""
    out = RowPairs(*(np.empty(count_equal_pairs(lists), np.int64) for _ in RowPairs._fields))
    expansion.expand_inside(lists.starts, lists.rows, *out)
    return out

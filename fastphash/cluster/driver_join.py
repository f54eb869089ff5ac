"""Pairs of values to pairs of rows on the driver, where there are few.

Spark would do it by several shuffles, each of which takes seconds however little passes through it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.cluster.join_stages import hashes_in, relate_rows
from fastphash.joins.matches import Matches, concatenate_matches, sort_matches


class ValueRows(NamedTuple):
    """Values and the rows that have them, by value; `hashes` are uint64 (n, known)."""

    values: NDArray[np.uint64]
    rows: NDArray[np.int64]
    hashes: NDArray[np.uint64]

    @classmethod
    def of(cls, table: pa.Table, known: int) -> "ValueRows":
        """Those of a table of `join_stages.VALUE_ROWS`, with hashes of so many orientations."""
        values, rows = (table[i].to_numpy() for i in range(2))
        order = np.argsort(values.view(np.uint64), kind="stable")
        return cls(values.view(np.uint64)[order], rows[order], hashes_in(table[2], known)[order])

    def find(self, values: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the rows of each value (m,) start, and how many there are."""
        start = np.searchsorted(self.values, values, "left")
        return start, np.searchsorted(self.values, values, "right") - start


class FoundPairs(NamedTuple):
    """The pairs of values of a search, and the rows that have them.

    Attributes
    ----------
    pairs : uint64 (n, 2)
        Each once.
    left, right : ValueRows
        Of all left and right values. Within one side both are one, with all values.
    within : bool
    """

    pairs: NDArray[np.uint64]
    left: ValueRows
    right: ValueRows
    within: bool

    @property
    def expanded(self) -> int:
        """How many pairs of rows these are, those of a row with itself and repeats included."""
        (_, lefts), (_, rights) = self._places()
        return int((lefts.astype(np.float64) * rights).sum())

    @property
    def row_pairs(self) -> int:
        """How many of these are pairs within one side, once each, or pairs of two sides."""
        if not self.within:
            return self.expanded
        equal = self.pairs[:, 0] == self.pairs[:, 1]
        _, counts = self.left.find(self.pairs[equal, 0])
        # c rows of one value are c x c pairs, of which c x (c - 1) / 2 count
        return self.expanded - int((counts * (counts + 1.0) / 2).sum())

    def _places(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        return [
            rows.find(np.ascontiguousarray(self.pairs[:, i]))
            for i, rows in enumerate((self.left, self.right))
        ]

    def expand(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Each pair of rows that have the values of a pair: their places in `left` and `right`."""
        (left, lefts), (right, rights) = self._places()
        counts = lefts * rights
        pair = np.repeat(np.arange(counts.size), counts)
        number = np.arange(pair.size) - np.repeat(np.cumsum(counts) - counts, counts)
        row, column = np.divmod(number, rights[pair])
        return left[pair] + row, right[pair] + column

    def partnered(self) -> NDArray[np.int64]:
        """The rows that are in a pair with another one than themselves, perhaps repeatedly.

        Within one side that is all: a value that is paired with itself has several rows.
        """
        if self.within:
            return self.left.rows
        found = [
            _with_others(self.pairs, self.left, self.right),
            _with_others(self.pairs[:, ::-1], self.right, self.left),
        ]
        return np.concatenate(found)


def _with_others(
    pairs: NDArray[np.uint64], rows: ValueRows, others: ValueRows
) -> NDArray[np.int64]:
    """Those of `rows` that are in a pair with another row; the first values of pairs are theirs."""
    if not len(pairs):
        return np.empty(0, np.int64)
    values, starts = np.unique(others.values, return_index=True)
    of_pair = np.searchsorted(values, pairs[:, 1])
    order = np.argsort(pairs[:, 0], kind="stable")
    first_values, first = np.unique(pairs[order, 0], return_index=True)
    place = np.searchsorted(first_values, rows.values)
    is_paired = np.zeros(rows.rows.size, np.bool_)
    # a row has no other partner than itself if that is its lowest and its highest one
    for extreme in (np.minimum, np.maximum):
        partner = extreme.reduceat(others.rows, starts)[of_pair]
        is_paired |= extreme.reduceat(partner[order], first)[place] != rows.rows
    return rows.rows[is_paired]


def find_matches_here(
    found: Sequence[FoundPairs],
    known: tuple[tuple[int, ...], tuple[int, ...]],
    right_rows: int,
    *,
    within: bool,
) -> Matches:
    """All matches in order, each once; `known` are the orientations of the hashes of each side."""
    batches = []
    for one in found:
        left, right = one.expand()
        hashes = (one.left.hashes[left], one.right.hashes[right])
        rows = (one.left.rows[left], one.right.rows[right])
        batches.append(relate_rows(*rows, hashes, known, within=within))
    matches = sort_matches(concatenate_matches(batches), right_rows)
    is_first = np.ones(matches.left.size, np.bool_)
    is_first[1:] = np.diff(matches.left).astype(bool) | np.diff(matches.right).astype(bool)
    return matches.take(is_first)

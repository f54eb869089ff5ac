"""Pairs of distinct rows where a row has hashes of several orientations.

The distance of rows a and b is the least over T of d(hash_T(a), hash(b)) and d(hash(a),
hash_T^-1(b)). So the hashes of all orientations of one side are searched in the upright hashes of
the other, and the other way round. Each search takes hashes as values, and turns pairs of values
into pairs of distinct rows. A pair found several times is kept once.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import TooManyPairsError
from fastphash.joins.bit_order import reorder_bits
from fastphash.joins.distinct import DistinctPairs, distinct_index, distinct_values
from fastphash.joins.index import Index
from fastphash.joins.options import JoinOptions
from fastphash.joins.row_lists import (
    RowLists,
    count_each,
    count_equal_pairs,
    expand,
    expand_equal,
)
from fastphash.joins.search import find_across, find_within, plan_search
from fastphash.joins.values import NumberPairs

#: A pair of rows comes 30 times at most: in 15 pairs of columns, and both ways round.
MAX_REPEATS = 32

_UPRIGHT = (0,)
# pairs of rows expanded at once, before repeats are dropped; bytes that each takes meanwhile, and
# the share of the memory for them: a search has half
_EXPANDED_AT_ONCE = 1 << 22
_EXPANDED_BYTES = 160
_EXPANDED_SHARE = 1 / 8


def find_oriented_pairs(
    left: Index, right: Index | None, radius: int, limit: int, options: JoinOptions
) -> DistinctPairs:
    """All pairs of distinct rows; without `right`, pairs of two distinct rows of `left`.

    Raises
    ------
    TooManyPairsError
        There are more than `limit`.
    """
    a = distinct_index(left, options.threads)
    b = a if right is None else distinct_index(right, options.threads)
    pairs = _PairSet(len(b.hashes), limit, options.memory, within=right is None)
    search = _OrientedSearch(pairs, radius, options)
    turned = tuple(t for t in b.hashes.known if t)
    if right is None:
        search.within(_hashes_of(a.hashes, _UPRIGHT))
        search.across(_hashes_of(a.hashes, turned), _hashes_of(a.hashes, _UPRIGHT))
    elif a.hashes.known == _UPRIGHT:
        # one search with all needles costs less than two
        search.across(_hashes_of(a.hashes, _UPRIGHT), _hashes_of(b.hashes, b.hashes.known))
    else:
        search.across(_hashes_of(a.hashes, a.hashes.known), _hashes_of(b.hashes, _UPRIGHT))
        search.across(_hashes_of(a.hashes, _UPRIGHT), _hashes_of(b.hashes, turned))
    return DistinctPairs(a, b, pairs.pairs())


class _RowHashes(NamedTuple):
    """Hashes (n,) or (n, words), and the row that each is of (n,)."""

    hashes: NDArray[np.uint64]
    rows: NDArray[np.uint32]


def _hashes_of(index: Index, orientations: tuple[int, ...]) -> _RowHashes:
    """The hashes of some orientations of all rows, one orientation after the other."""
    hashes = np.concatenate([index.column(0)[:0], *map(index.column, orientations)])
    return _RowHashes(hashes, np.tile(np.arange(len(index), dtype=np.uint32), len(orientations)))


class _OrientedSearch:
    """Searches hashes of rows, and adds the pairs of rows to a set."""

    def __init__(self, pairs: "_PairSet", radius: int, options: JoinOptions) -> None:
        self._pairs = pairs
        self._radius = radius
        self._options = options

    def within(self, side: _RowHashes) -> None:
        """Add the pairs of two rows of one side."""
        plan = plan_search(side.hashes, None, self._radius, self._options)
        values = distinct_values(reorder_bits(side.hashes, plan), side.rows, self._options.threads)
        self._pairs.add_equal(values)
        if self._radius:
            batches = find_within(values.values, plan, self._options)
            self._pairs.add_expanded(batches, values, values)

    def across(self, left: _RowHashes, right: _RowHashes) -> None:
        """Add the pairs of a left and a right row."""
        if not (left.hashes.size and right.hashes.size):
            return
        plan = plan_search(left.hashes, right.hashes, self._radius, self._options)
        left_values, right_values = (
            distinct_values(reorder_bits(side.hashes, plan), side.rows, self._options.threads)
            for side in (left, right)
        )
        batches = find_across(left_values.values, right_values.values, plan, self._options)
        self._pairs.add_expanded(batches, left_values, right_values)


class _PairSet:
    """A set of pairs of rows; TooManyPairsError as soon as it has more than `limit`.

    With `within`, pairs (a, b) and (b, a) are the same, and (a, a) is none.
    """

    def __init__(self, right_rows: int, limit: int, memory: int, *, within: bool) -> None:
        self._at_once = min(
            max(int(memory * _EXPANDED_SHARE) // _EXPANDED_BYTES, 1), _EXPANDED_AT_ONCE
        )
        self._right_rows = max(right_rows, 1)
        self._limit = limit
        self._within = within
        # a pair is the number left * right_rows + right
        self._batches: list[NDArray[np.int64]] = []
        self._size = 0
        self._drop_repeats_at = limit

    def add_equal(self, lists: RowLists) -> None:
        """Add all pairs of two rows of one list."""
        count = count_equal_pairs(lists)
        if count > self._limit:
            raise TooManyPairsError(count, self._limit)
        rows = expand_equal(lists)
        self._add(rows.left, rows.right)

    def add_expanded(self, batches: Iterable[NumberPairs], left: RowLists, right: RowLists) -> None:
        """Add the pairs of rows that pairs of lists stand for, in bounded memory."""
        for batch in batches:
            ends = np.cumsum(count_each(batch, left, right))
            self._check_expanded(int(ends[-1]) if ends.size else 0)
            start = done = 0
            while start < ends.size:
                stop = int(np.searchsorted(ends, done + self._at_once, side="right"))
                stop = max(stop, start + 1)
                pairs = NumberPairs(batch.left[start:stop], batch.right[start:stop])
                rows = expand(pairs, left, right, int(ends[stop - 1]) - done)
                self._add(rows.left, rows.right)
                start, done = stop, int(ends[stop - 1])

    def _check_expanded(self, count: int) -> None:
        """Raise TooManyPairsError if so many pairs must be too many, whichever are repeats.

        Within one side, each row may also be paired with itself.
        """
        if count > MAX_REPEATS * (self._limit + self._right_rows):
            least = math.ceil(count / MAX_REPEATS) - self._right_rows
            raise TooManyPairsError(least, self._limit)

    def _add(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> None:
        if self._within:
            low, high = np.minimum(left, right), np.maximum(left, right)
            numbers = (low * self._right_rows + high)[low != high]
        else:
            numbers = left * self._right_rows + right
        self._batches.append(numbers)
        self._size += numbers.size
        if self._size > self._drop_repeats_at:
            self._drop_repeats_at = max(2 * self._drop_repeats().size, self._limit)

    def _drop_repeats(self) -> NDArray[np.int64]:
        numbers = np.concatenate([np.empty(0, np.int64), *self._batches])
        self._batches = []
        # as np.unique, which sorts a copy
        numbers.sort()
        differs = np.ones(numbers.size, np.bool_)
        np.not_equal(numbers[1:], numbers[:-1], out=differs[1:])
        numbers = numbers[differs]
        self._batches, self._size = [numbers], numbers.size
        if numbers.size > self._limit:
            raise TooManyPairsError(numbers.size, self._limit)
        return numbers

    def pairs(self) -> NumberPairs:
        """All pairs, in order of (left, right)."""
        left, right = np.divmod(self._drop_repeats(), self._right_rows)
        return NumberPairs(left, right)

"""From pairs of distinct hashes to pairs of rows, in any orientation."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import TooManyPairsError
from fastphash.joins.index import Index, collapse
from fastphash.joins.options import JoinOptions
from fastphash.joins.partitions import Values, permuted, sort_rows, sort_values
from fastphash.joins.relation import UNDONE, Matches, in_order, row_distances
from fastphash.joins.search import Found, find_across, find_within, plan_for
from fastphash.kernels import expansion

# pairs of rows looked at together before those found twice are dropped
_EXPANDED = 1 << 22
# how often at most one pair of rows comes up: in fifteen ways, and both ways round
_REPEATS = 32


class _DistinctRows(NamedTuple):
    """Different rows of hashes: class c stands for rows[starts[c]:starts[c + 1]], ascending."""

    classes: Index
    starts: NDArray[np.uint32]
    rows: NDArray[np.uint32]


class _ClassPairs(NamedTuple):
    left: _DistinctRows
    right: _DistinctRows
    pairs: Found


def find_row_matches(
    left: Index, right: Index | None, radius: int, limit: int, options: JoinOptions
) -> Matches:
    """All matches, or with `right` None those within `left`; TooManyPairsError beyond `limit`."""
    single = left.known == (0,) and (right is None or right.known == (0,))
    find = _single_pairs if single else _oriented_pairs
    sides = find(left, right, radius, limit, options)
    found = _spread(sides, limit, within=right is None)
    return in_order(found, len(left if right is None else right))


def _single_pairs(
    left: Index, right: Index | None, radius: int, limit: int, options: JoinOptions
) -> _ClassPairs:
    """Pairs of different hashes where rows are single ones."""
    sides_given = [side for side in (left, right) if side is not None]
    columns = [np.ascontiguousarray(side.hashes[:, 0]) for side in sides_given]
    plan = plan_for(columns[0], None if right is None else columns[1], radius, options)
    values = [sort_rows(permuted(column, plan), options.threads) for column in columns]
    sides = [_DistinctRows(Index(v.values), v.starts, v.rows) for v in values]
    if right is None:
        blocks = find_within(values[0].values, plan, options) if radius else iter(())
        total = expansion.count_inside(sides[0].starts)
    else:
        blocks = find_across(values[0].values, values[1].values, plan, options)
        total = 0
    kept = []
    for block in blocks:
        total += expansion.count_expanded(
            block.left, sides[0].starts, block.right, sides[-1].starts
        )
        if total > limit:
            break
        kept.append(block)
    if total > limit:
        raise TooManyPairsError(total, limit)
    return _ClassPairs(sides[0], sides[-1], _joined(kept))


def _oriented_pairs(
    left: Index, right: Index | None, radius: int, limit: int, options: JoinOptions
) -> _ClassPairs:
    """Pairs of different rows where rows have several orientations."""
    sides = [_collapsed(side) for side in (left, right) if side is not None]
    a, b = sides[0], sides[-1]
    size = max(len(b.classes), 1)
    keys = _Keys(limit)

    def search(own: Values, other: Values, blocks: Iterator[Found]) -> None:
        for block in blocks:
            for first, second in _expanded(block, own, other, limit, size):
                if right is None:
                    low, high = np.minimum(first, second), np.maximum(first, second)
                    keys.add((low * size + high)[low != high])
                else:
                    keys.add(first * size + second)

    def across(
        own: Index, own_known: tuple[int, ...], other: Index, known: tuple[int, ...]
    ) -> None:
        columns = [_column(own, own_known), _column(other, known)]
        if not (columns[0][0].size and columns[1][0].size):
            return
        plan = plan_for(columns[0][0], columns[1][0], radius, options)
        ours, theirs = (
            sort_values(permuted(hashes, plan), rows, options.threads) for hashes, rows in columns
        )
        search(ours, theirs, find_across(ours.values, theirs.values, plan, options))

    turned = tuple(t for t in b.classes.known if t)
    if right is None:
        hashes, rows = _column(a.classes, (0,))
        plan = plan_for(hashes, None, radius, options)
        values = sort_values(permuted(hashes, plan), rows, options.threads)
        keys.add(_pairs_inside(values, size, limit))
        search(values, values, find_within(values.values, plan, options) if radius else iter(()))
        across(a.classes, turned, a.classes, (0,))
    else:
        across(a.classes, a.classes.known, b.classes, (0,))
        across(a.classes, (0,), b.classes, turned)
    found = keys.unique()
    return _ClassPairs(a, b, Found(found // size, found % size))


class _Keys:
    """Whole numbers collected, each once; TooManyPairsError if there are more than `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._blocks: list[NDArray[np.int64]] = []
        self._size = 0
        self._collapse_at = limit

    def add(self, keys: NDArray[np.int64]) -> None:
        self._blocks.append(keys)
        self._size += keys.size
        if self._size > self._collapse_at:
            self._collapse_at = max(2 * self.unique().size, self._limit)

    def unique(self) -> NDArray[np.int64]:
        found = np.unique(np.concatenate([np.empty(0, np.int64), *self._blocks]))
        self._blocks, self._size = [found], found.size
        if found.size > self._limit:
            raise TooManyPairsError(found.size, self._limit)
        return found


def _collapsed(index: Index) -> _DistinctRows:
    classes = collapse(index.hashes)
    rows = np.argsort(classes.of_row, kind="stable").astype(np.uint32)
    counts = np.bincount(classes.of_row, minlength=classes.first.size)
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.uint32)
    return _DistinctRows(index.take(classes.first), starts, rows)


def _column(index: Index, known: tuple[int, ...]) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    """Hashes of some orientations one below the other, and the rows that they are of."""
    hashes = np.concatenate([np.empty(0, np.uint64), *(index.hashes[:, t] for t in known)])
    return hashes, np.tile(np.arange(len(index), dtype=np.uint32), len(known))


def _joined(blocks: list[Found]) -> Found:
    if len(blocks) == 1:
        return blocks[0]
    none = np.empty(0, np.int64)
    return Found(
        np.concatenate([none, *(block.left for block in blocks)]),
        np.concatenate([none, *(block.right for block in blocks)]),
    )


def _expanded(
    pairs: Found, left: Values, right: Values, limit: int, alone: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of rows for pairs of places, some at a time.

    TooManyPairsError if they are more than `limit` even without repeats and without the rows,
    `alone` at most, that are paired with themselves.
    """
    counts = np.diff(left.starts)[pairs.left].astype(np.int64) * np.diff(right.starts)[pairs.right]
    ends = np.cumsum(counts)
    if ends.size and ends[-1] > _REPEATS * (limit + alone):
        raise TooManyPairsError(math.ceil(ends[-1] / _REPEATS) - alone, limit)
    start = 0
    while start < ends.size:
        before = ends[start] - counts[start]
        stop = max(int(np.searchsorted(ends, before + _EXPANDED, side="right")), start + 1)
        own, other = pairs.left[start:stop], pairs.right[start:stop]
        a, b, which = (np.empty(ends[stop - 1] - before, np.int64) for _ in range(3))
        expansion.expand(own, left.starts, left.rows, other, right.starts, right.rows, a, b, which)
        yield a, b
        start = stop


def _pairs_inside(values: Values, size: int, limit: int) -> NDArray[np.int64]:
    """Pairs of rows that share a value, as keys."""
    inside = expansion.count_inside(values.starts)
    if inside > limit:
        raise TooManyPairsError(inside, limit)
    left, right, which = (np.empty(inside, np.int64) for _ in range(3))
    expansion.expand_inside(values.starts, values.rows, left, right, which)
    return left * size + right


def _spread(sides: _ClassPairs, limit: int, *, within: bool) -> Matches:
    """From pairs of classes to pairs of rows, in any order; `within`, left < right."""
    a, b, pairs = sides
    size = expansion.count_expanded(pairs.left, a.starts, pairs.right, b.starts)
    inside = expansion.count_inside(a.starts) if within else 0
    if size + inside > limit:
        raise TooManyPairsError(size + inside, limit)
    distance, mask = row_distances(a.classes, pairs.left, b.classes, pairs.right)
    left, right, which = (np.empty(size, np.int64) for _ in range(3))
    expansion.expand(
        pairs.left, a.starts, a.rows, pairs.right, b.starts, b.rows, left, right, which
    )
    distance, mask = distance[which], mask[which]
    if not within:
        return Matches(left, right, distance, mask)
    swapped = left > right
    left, right = np.where(swapped, right, left), np.where(swapped, left, right)
    mask = np.where(swapped, UNDONE[mask], mask)
    own_left, own_right, which = (np.empty(inside, np.int64) for _ in range(3))
    expansion.expand_inside(a.starts, a.rows, own_left, own_right, which)
    classes = np.arange(len(a.classes))
    own_distance, own_mask = row_distances(a.classes, classes, a.classes, classes)
    return Matches(
        np.concatenate([left, own_left]),
        np.concatenate([right, own_right]),
        np.concatenate([distance, own_distance[which]]),
        np.concatenate([mask, own_mask[which]]),
    )

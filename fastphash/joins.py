"""Pairs of hashes within a radius, exact and complete."""

import math
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import TooManyPairsError, UsageError
from fastphash.kernels import collide, relate
from fastphash.near import (
    Effort,
    Found,
    Values,
    find_across,
    find_within,
    permuted,
    plan_for,
    sort_values,
)
from fastphash.threads import run_all
from fastphash.words import INVERSE, MAX_PAIRS, ORIENTATIONS

# bytes that a pair takes while it is put in order, and a hash while it is searched
_PAIR_BYTES = 100
_VALUE_BYTES = 40
# what a search is never cut below, however little memory it may take
_LEAST_PAIRS = 1 << 20
_LEAST_ROWS = 1 << 18
# rows are counted in 32 bits, eight hashes each
_MOST_ROWS = 2**29
# pairs of rows looked at together before those found twice are dropped
_EXPANDED = 1 << 22
# how often at most one pair of rows comes up: in fifteen ways, and both ways round
_REPEATS = 32


class Pairs(NamedTuple):
    """Pairs of rows in order of (left, right).

    Attributes
    ----------
    left, right : int64 (n,)
    distance : uint8 (n,)
        Bits.
    orientation : uint8 (n,)
        Index into `fastphash.ORIENTATIONS` of what turns `left` into the frame of `right`.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    distance: NDArray[np.uint8]
    orientation: NDArray[np.uint8]


class Matches(NamedTuple):
    """Pairs of rows in order of (left, right).

    Attributes
    ----------
    left, right : int64 (n,)
    distance : uint8 (n,)
    mask : uint8 (n,)
        Bit t is set if orientation t gives this distance.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    distance: NDArray[np.uint8]
    mask: NDArray[np.uint8]

    def take(self, chosen: "NDArray[Any] | slice") -> "Matches":
        """Some of the pairs."""
        return Matches(
            self.left[chosen], self.right[chosen], self.distance[chosen], self.mask[chosen]
        )


class Classes(NamedTuple):
    """Equal rows collapsed; classes are in order of their first rows.

    Attributes
    ----------
    first : int64 (c,)
        The first row of each class.
    of_row : int64 (n,)
        The class of each row.
    """

    first: NDArray[np.int64]
    of_row: NDArray[np.int64]


class Index:
    """Hashes to be joined.

    Parameters
    ----------
    hashes : uint64 (n,), (n, 1) or (n, 8)
    known : sequence of int, optional
        Which of the eight columns hold hashes, identity among them; all by default.
    """

    def __init__(self, hashes: NDArray[np.uint64], known: tuple[int, ...] | None = None) -> None:
        self.hashes = check_hashes(hashes)
        self.known = tuple(range(self.hashes.shape[1])) if known is None else known

    def __len__(self) -> int:
        return int(self.hashes.shape[0])

    def take(self, rows: "NDArray[np.int64] | slice") -> "Index":
        """Some of the rows."""
        return Index(self.hashes[rows], self.known)


def join(needles: Any, haystack: Any, radius: int = 0, *, max_pairs: int = MAX_PAIRS) -> Pairs:
    """Every pair of a needle and a haystack row within a Hamming radius.

    With orientations on both sides the distance of a pair (a, b) is the least over T of
    ``min(d(hash_T(a), hash(b)), d(hash(a), hash_T^-1(b)))``, and ties go to the first T.

    Parameters
    ----------
    needles : uint64 (n,) or, as `phash_orientations` gives them, (n, 8)
    haystack : uint64 (m,) or (m, 8)
    radius : int
        Bits, 0 to 64.
    max_pairs : int
        Stop instead of returning more pairs than this.

    Raises
    ------
    UsageError
        No such radius, or arrays of another dtype or shape.
    TooManyPairsError
        More than `max_pairs`.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = join(np.array([7, 5], np.uint64), np.array([5, 6, 5], np.uint64), radius=1)
    >>> list(zip(pairs.left.tolist(), pairs.right.tolist(), pairs.distance.tolist()))
    [(0, 0, 1), (0, 1, 1), (0, 2, 1), (1, 0, 0), (1, 2, 0)]
    """
    check_radius(radius)
    return _pairs(matches(Index(needles), Index(haystack), radius, max_pairs=max_pairs))


def self_join(hashes: Any, radius: int = 0, *, max_pairs: int = MAX_PAIRS) -> Pairs:
    """Every pair i < j of rows within a Hamming radius; otherwise as `join`."""
    check_radius(radius)
    return _pairs(matches(Index(hashes), None, radius, max_pairs=max_pairs))


def check_radius(radius: int) -> None:
    """Raise UsageError for what is no radius."""
    if isinstance(radius, bool) or not isinstance(radius, (int, np.integer)):
        raise UsageError(f"a radius is a whole number of bits, not {radius!r}")
    if radius < 0 or radius > 64:
        raise UsageError(f"a radius is a number of bits from 0 to 64, not {radius}")


def check_hashes(hashes: Any) -> NDArray[np.uint64]:
    """Hashes as uint64 (n, 1) or (n, 8), or UsageError."""
    hashes = np.asarray(hashes)
    if hashes.size == 0 and hashes.ndim == 1:
        hashes = hashes.astype(np.uint64)
    if hashes.ndim == 1:
        hashes = hashes[:, None]
    if hashes.dtype.kind != "u" or hashes.dtype.itemsize != 8:
        raise UsageError(f"hashes must be uint64, not {hashes.dtype}")
    if hashes.ndim != 2 or hashes.shape[1] not in (1, len(ORIENTATIONS)):
        raise UsageError(f"hashes must be (n,) or (n, 8), not {hashes.shape}")
    if hashes.shape[0] * hashes.shape[1] >= 8 * _MOST_ROWS:
        raise UsageError(f"{hashes.shape[0]:,} rows are more than one join can hold: split them")
    return np.ascontiguousarray(hashes, np.uint64)


def matches(
    left: Index,
    right: Index | None,
    radius: int,
    *,
    max_pairs: int | None = None,
    effort: Effort | None = None,
) -> Iterator[Matches]:
    """Every pair of rows within a radius, in blocks of ascending left rows.

    Parameters
    ----------
    left, right : Index
        Without `right`, pairs left < right within `left`.
    max_pairs : int, optional
    effort : Effort, optional
        Blocks are as large as its memory allows; where not all rows can be searched at once, some
        of them are, one after another.

    Raises
    ------
    TooManyPairsError
        More than `max_pairs`; blocks may have been given out by then.
    """
    effort = effort or Effort()
    held = max(effort.memory // _PAIR_BYTES, _LEAST_PAIRS)
    total = 0
    ranges = [*_pieces(len(left), left.hashes.shape[1], effort.memory)][::-1]
    while ranges:
        start, stop = ranges.pop()
        allowed = None if max_pairs is None else max_pairs - total
        single = stop - start <= 1
        limit = min(n for n in (None if single else held, allowed, 1 << 62) if n is not None)
        try:
            block = _range(left, start, stop, right, radius, limit, effort)
        except TooManyPairsError as error:
            if allowed is not None and error.pairs > allowed:
                raise TooManyPairsError(total + error.pairs, max_pairs or 0) from None
            middle = (start + stop) // 2
            ranges += [(middle, stop), (start, middle)]
            continue
        total += block.left.size
        if block.left.size:
            yield block


def relation(
    left: Index, left_rows: NDArray[np.int64], right: Index, right_rows: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Distance of each pair of rows, and a mask of the orientations that give it: uint8 (n,)."""
    distance = np.empty(left_rows.size, np.uint8)
    mask = np.empty(left_rows.size, np.uint8)
    ways = np.array(_ways(left.known, right.known), np.uint8)
    relate.relate(left.hashes, left_rows, right.hashes, right_rows, ways, distance, mask)
    return distance, mask


def count_distances(rows: Index, threads: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many pairs i < j of rows are at each distance, and at each greatest distance of any
    orientation: int64 (65,) both. Every pair is looked at.
    """
    ways = np.array(_ways(rows.known, rows.known), np.uint8)
    # pieces of about as many pairs each: the first rows have the most
    cuts = len(rows) * (1 - np.sqrt(1 - np.linspace(0, 1, 8 * threads + 1)))
    bounds = np.round(cuts).astype(np.int64).tolist()
    counts = np.zeros((len(bounds) - 1, 2, 65), np.int64)
    jobs = (
        partial(relate.count_distances, rows.hashes, ways, start, stop, *count)
        for (start, stop), count in zip(pairwise(bounds), counts, strict=True)
    )
    run_all(threads, jobs)
    least, most = counts.sum(axis=0)
    return least, most


def first_orientation(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The lowest orientation of each mask (uint8, none empty)."""
    lowest = mask & (~mask + np.uint8(1))
    return np.bitwise_count(lowest - np.uint8(1))


def collapse(*matrices: NDArray[Any]) -> Classes:
    """Collapse rows that are equal in all of the given C-contiguous (n, k) arrays.

    Rows must be whole numbers of 8 bytes.
    """
    words = [matrix.view(np.uint64) for matrix in matrices]
    rows = words[0].shape[0]
    key = np.zeros(rows, np.uint64)
    for matrix in words:
        collide.mix_rows(matrix, key)
    classes = _collapse_keys(key)
    like = classes.first[classes.of_row]
    if any(collide.first_unequal(matrix, like) >= 0 for matrix in words):
        # two different rows got one 64-bit key
        _, inverse = np.unique(np.concatenate(words, axis=1), axis=0, return_inverse=True)
        classes = _collapse_keys(inverse.reshape(-1).astype(np.uint64))
    return classes


def _collapse_keys(key: NDArray[np.uint64]) -> Classes:
    if key.size == 0:
        return Classes(np.empty(0, np.int64), np.empty(0, np.int64))
    ordered = sort_values(key, np.arange(key.size, dtype=np.uint32))
    first = ordered.rows[ordered.starts[:-1]].astype(np.int64)
    place = np.empty(first.size, np.int64)
    place[np.argsort(first)] = np.arange(first.size)
    of_row = np.empty(key.size, np.int64)
    of_row[ordered.rows] = np.repeat(place, np.diff(ordered.starts))
    return Classes(np.sort(first), of_row)


def _pairs(blocks: Iterator[Matches]) -> Pairs:
    left, right, distance, mask = concatenated(list(blocks))
    return Pairs(left, right, distance, first_orientation(mask))


def _ways(left: tuple[int, ...], right: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Which columns to compare: (left's, right's, the orientation that their likeness means)."""
    ways = [(t, 0, t) for t in left]
    ways += [(0, INVERSE[t], t) for t in range(1, len(ORIENTATIONS)) if INVERSE[t] in right]
    return ways


def _pieces(rows: int, width: int, memory: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows that can be searched at once in half of the memory."""
    most = max(memory // (2 * _VALUE_BYTES * width), _LEAST_ROWS)
    for start in range(0, rows, most):
        yield start, min(start + most, rows)


def _range(
    left: Index,
    start: int,
    stop: int,
    right: Index | None,
    radius: int,
    limit: int,
    effort: Effort,
) -> Matches:
    """All matches of left[start:stop]; TooManyPairsError if they are more than `limit`."""
    own = left.take(slice(start, stop))
    blocks: list[Matches] = []

    def search(other: Index | None, offset: int) -> None:
        before = sum(block.left.size for block in blocks)
        try:
            found = _search(own, other, radius, limit - before, effort)
        except TooManyPairsError as error:
            raise TooManyPairsError(before + error.pairs, limit) from None
        blocks.append(found._replace(left=found.left + start, right=found.right + offset))

    if right is None:
        search(None, start)
    other, begin = (left, stop) if right is None else (right, 0)
    for low, high in _pieces(len(other) - begin, other.hashes.shape[1], effort.memory):
        search(other.take(slice(begin + low, begin + high)), begin + low)
    return blocks[0] if len(blocks) == 1 else _in_order(concatenated(blocks), len(other))


def concatenated(blocks: list[Matches]) -> Matches:
    """All pairs of several blocks, or of none, one after the other."""
    if len(blocks) == 1:
        return blocks[0]
    none = np.empty(0, np.int64), np.empty(0, np.uint8)
    return Matches(
        np.concatenate([none[0], *(block.left for block in blocks)]),
        np.concatenate([none[0], *(block.right for block in blocks)]),
        np.concatenate([none[1], *(block.distance for block in blocks)]),
        np.concatenate([none[1], *(block.mask for block in blocks)]),
    )


def _in_order(found: Matches, columns: int) -> Matches:
    return found.take(np.argsort(found.left * max(columns, 1) + found.right))


class _Side(NamedTuple):
    """Different rows of hashes: class c stands for rows[starts[c]:starts[c + 1]], ascending."""

    classes: Index
    starts: NDArray[np.uint32]
    rows: NDArray[np.uint32]


class _ClassPairs(NamedTuple):
    left: _Side
    right: _Side
    pairs: Found


def _search(left: Index, right: Index | None, radius: int, limit: int, effort: Effort) -> Matches:
    """All matches, or with `right` None those within `left`; TooManyPairsError beyond `limit`."""
    single = left.known == (0,) and (right is None or right.known == (0,))
    find = _single_pairs if single else _oriented_pairs
    sides = find(left, right, radius, limit, effort)
    found = _spread(sides, limit, within=right is None)
    return _in_order(found, len(left if right is None else right))


def _single_pairs(
    left: Index, right: Index | None, radius: int, limit: int, effort: Effort
) -> _ClassPairs:
    """Pairs of different hashes where rows are single ones."""
    sides_given = [side for side in (left, right) if side is not None]
    columns = [np.ascontiguousarray(side.hashes[:, 0]) for side in sides_given]
    plan = plan_for(columns[0], None if right is None else columns[1], radius, effort)
    values = [sort_rows(permuted(column, plan), effort.threads) for column in columns]
    sides = [_Side(Index(v.values), v.starts, v.rows) for v in values]
    if right is None:
        blocks = find_within(values[0].values, plan, effort) if radius else iter(())
        total = relate.count_inside(sides[0].starts)
    else:
        blocks = find_across(values[0].values, values[1].values, plan, effort)
        total = 0
    kept = []
    for block in blocks:
        total += relate.count_expanded(block.left, sides[0].starts, block.right, sides[-1].starts)
        if total > limit:
            break
        kept.append(block)
    if total > limit:
        raise TooManyPairsError(total, limit)
    return _ClassPairs(sides[0], sides[-1], _joined(kept))


def _oriented_pairs(
    left: Index, right: Index | None, radius: int, limit: int, effort: Effort
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
        plan = plan_for(columns[0][0], columns[1][0], radius, effort)
        ours, theirs = (
            sort_values(permuted(hashes, plan), rows, effort.threads) for hashes, rows in columns
        )
        search(ours, theirs, find_across(ours.values, theirs.values, plan, effort))

    turned = tuple(t for t in b.classes.known if t)
    if right is None:
        hashes, rows = _column(a.classes, (0,))
        plan = plan_for(hashes, None, radius, effort)
        values = sort_values(permuted(hashes, plan), rows, effort.threads)
        keys.add(_pairs_inside(values, size, limit))
        search(values, values, find_within(values.values, plan, effort) if radius else iter(()))
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


def sort_rows(hashes: NDArray[np.uint64], threads: int) -> Values:
    """Sort hashes (n,), the rows counted from 0."""
    return sort_values(hashes, np.arange(hashes.size, dtype=np.uint32), threads)


def _collapsed(index: Index) -> _Side:
    classes = collapse(index.hashes)
    rows = np.argsort(classes.of_row, kind="stable").astype(np.uint32)
    counts = np.bincount(classes.of_row, minlength=classes.first.size)
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.uint32)
    return _Side(index.take(classes.first), starts, rows)


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
        relate.expand(own, left.starts, left.rows, other, right.starts, right.rows, a, b, which)
        yield a, b
        start = stop


def _pairs_inside(values: Values, size: int, limit: int) -> NDArray[np.int64]:
    """Pairs of rows that share a value, as keys."""
    inside = relate.count_inside(values.starts)
    if inside > limit:
        raise TooManyPairsError(inside, limit)
    left, right, which = (np.empty(inside, np.int64) for _ in range(3))
    relate.expand_inside(values.starts, values.rows, left, right, which)
    return left * size + right


def _spread(sides: _ClassPairs, limit: int, *, within: bool) -> Matches:
    """From pairs of classes to pairs of rows, in any order; `within`, left < right."""
    a, b, pairs = sides
    size = relate.count_expanded(pairs.left, a.starts, pairs.right, b.starts)
    inside = relate.count_inside(a.starts) if within else 0
    if size + inside > limit:
        raise TooManyPairsError(size + inside, limit)
    distance, mask = relation(a.classes, pairs.left, b.classes, pairs.right)
    left, right, which = (np.empty(size, np.int64) for _ in range(3))
    relate.expand(pairs.left, a.starts, a.rows, pairs.right, b.starts, b.rows, left, right, which)
    distance, mask = distance[which], mask[which]
    if not within:
        return Matches(left, right, distance, mask)
    swapped = left > right
    left, right = np.where(swapped, right, left), np.where(swapped, left, right)
    mask = np.where(swapped, _UNDONE[mask], mask)
    own_left, own_right, which = (np.empty(inside, np.int64) for _ in range(3))
    relate.expand_inside(a.starts, a.rows, own_left, own_right, which)
    classes = np.arange(len(a.classes))
    own_distance, own_mask = relation(a.classes, classes, a.classes, classes)
    return Matches(
        np.concatenate([left, own_left]),
        np.concatenate([right, own_right]),
        np.concatenate([distance, own_distance[which]]),
        np.concatenate([mask, own_mask[which]]),
    )


# the mask of a pair (b, a) by that of (a, b)
_UNDONE = np.array(
    [sum(1 << INVERSE[t] for t in range(8) if mask >> t & 1) for mask in range(256)], np.uint8
)

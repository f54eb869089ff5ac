"""Collisions over arrays of hashes: sorted-array merges, exact and complete."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import TooManyPairsError, UsageError
from fastphash.kernels import collide
from fastphash.words import INVERSE, MAX_PAIRS, ORIENTATIONS

# pairs that are held at once while they are put in order
_BLOCK = 4_000_000


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
    """Pairs at distance 0, by (left, right); bit t of `mask` is set if orientation t gives it."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    mask: NDArray[np.uint8]


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


@dataclass(frozen=True, slots=True)
class _Sorted:
    values: NDArray[np.uint64]
    rows: NDArray[np.int64]


class Index:
    """Hashes with each orientation sorted, ready to be joined.

    Parameters
    ----------
    hashes : uint64 (n,), (n, 1) or (n, 8)
    known : sequence of int, optional
        Which of the eight columns hold hashes, identity among them; all by default.
    """

    def __init__(self, hashes: NDArray[np.uint64], known: tuple[int, ...] | None = None) -> None:
        self.hashes = check_hashes(hashes)
        self.known = tuple(range(self.hashes.shape[1])) if known is None else known
        self._sorted: dict[int, _Sorted] = {}

    def __len__(self) -> int:
        return int(self.hashes.shape[0])

    def sorted(self, orientation: int) -> _Sorted:
        """The hashes under one orientation, ascending, with the rows they came from."""
        if orientation not in self._sorted:
            column = np.ascontiguousarray(self.hashes[:, orientation])
            rows = np.argsort(column)
            self._sorted[orientation] = _Sorted(column[rows], rows)
        return self._sorted[orientation]


def join(needles: Any, haystack: Any, radius: int = 0, *, max_pairs: int = MAX_PAIRS) -> Pairs:
    """Every pair of a needle and a haystack row within a Hamming radius.

    With orientations on both sides the distance of a pair (a, b) is the least over T of
    ``min(d(hash_T(a), hash(b)), d(hash(a), hash_T^-1(b)))``, and ties go to the first T.

    Parameters
    ----------
    needles : uint64 (n,) or, as `phash_orientations` gives them, (n, 8)
    haystack : uint64 (m,) or (m, 8)
    radius : int
        Bits; only 0 in this version.
    max_pairs : int
        Stop instead of returning more pairs than this.

    Raises
    ------
    UsageError
        Another radius, or arrays of another dtype or shape.
    TooManyPairsError
        More than `max_pairs`.

    Examples
    --------
    >>> import numpy as np
    >>> join(np.array([7, 5], np.uint64), np.array([5, 6, 5], np.uint64)).right.tolist()
    [0, 2]
    """
    check_radius(radius)
    left, right = Index(needles), Index(haystack)
    return _pairs(left, right, max_pairs, within=False)


def self_join(hashes: Any, radius: int = 0, *, max_pairs: int = MAX_PAIRS) -> Pairs:
    """Every pair i < j of rows within a Hamming radius; otherwise as `join`."""
    check_radius(radius)
    index = Index(hashes)
    return _pairs(index, index, max_pairs, within=True)


def check_radius(radius: int) -> None:
    """Raise UsageError for a radius that this version can't join at."""
    if radius < 0 or radius > 64:
        raise UsageError(f"a radius is a number of bits from 0 to 64, not {radius}")
    if radius != 0:
        raise UsageError(f"radius {radius}: this version joins at radius 0 only (equal hashes)")


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
    return np.ascontiguousarray(hashes, np.uint64)


def hits(needles: Index, haystack: Index) -> NDArray[np.int64]:
    """How many haystack rows each needle meets, each orientation of a pair counted: int64 (n,)."""
    found = np.zeros(len(needles), np.int64)
    for a, b, _ in _ways(needles.known, haystack.known):
        needle = needles.sorted(a)
        low, high = _runs(needle.values, haystack.sorted(b).values)
        found[needle.rows] += high - low
    return found


def matches(
    needles: Index, haystack: Index, hit: NDArray[np.int64] | None = None
) -> Iterator[Matches]:
    """Every pair at distance 0 with all its orientations, in blocks of ascending needles.

    `hit` is what `hits` gives, where it is known already.
    """
    ends = np.cumsum(hits(needles, haystack) if hit is None else hit)
    start = 0
    while start < len(needles):
        before = int(ends[start - 1]) if start else 0
        stop = max(int(np.searchsorted(ends, before + _BLOCK, side="right")), start + 1)
        if ends[stop - 1] > before:
            yield _block(needles, haystack, start, stop, int(ends[stop - 1]) - before)
        start = stop


def has_partner(rows: Index) -> NDArray[np.bool_]:
    """Whether each row shares a hash, in some orientation, with another row: bool (n,)."""
    found = hits(rows, rows)
    for a, b, _ in _ways(rows.known, rows.known):
        found -= rows.hashes[:, a] == rows.hashes[:, b]
    return found > 0


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
    order = np.argsort(key)
    ordered = key[order]
    new = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    first = np.minimum.reduceat(order, np.flatnonzero(new))
    place = np.empty(first.size, np.int64)
    place[np.argsort(first)] = np.arange(first.size)
    of_row = np.empty(key.size, np.int64)
    of_row[order] = place[np.cumsum(new) - 1]
    return Classes(np.sort(first), of_row)


def _ways(left: tuple[int, ...], right: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Which columns to compare: (left's, right's, the orientation that their equality means)."""
    ways = [(t, 0, t) for t in left]
    ways += [(0, INVERSE[t], t) for t in range(1, len(ORIENTATIONS)) if INVERSE[t] in right]
    return ways


def _block(needles: Index, haystack: Index, start: int, stop: int, size: int) -> Matches:
    """The matches of needles start:stop, of which `size` is what `hits` counted."""
    left = np.empty(size, np.int64)
    right = np.empty(size, np.int64)
    bit = np.empty(size, np.uint8)
    end = 0
    for a, b, orientation in _ways(needles.known, haystack.known):
        needle, hay = needles.sorted(a), haystack.sorted(b)
        values, rows = needle.values, needle.rows
        if stop - start < len(needles):
            chosen = (rows >= start) & (rows < stop)
            values, rows = values[chosen], rows[chosen]
        low, high = _runs(values, hay.values)
        part = slice(end, end + int((high - low).sum()))
        collide.expand_runs(rows, low, high, hay.rows, left[part], right[part])
        bit[part] = 1 << orientation
        end = part.stop
    key = left * len(haystack) + right
    order = np.argsort(key)
    key = key[order]
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    mask = np.bitwise_or.reduceat(bit[order], starts)
    return Matches(key[starts] // len(haystack), key[starts] % len(haystack), mask)


def _runs(
    left: NDArray[np.uint64], right: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    low, high = np.empty(left.size, np.int64), np.empty(left.size, np.int64)
    collide.equal_runs(left, right, low, high)
    return low, high


def _pairs(left: Index, right: Index, max_pairs: int, *, within: bool) -> Pairs:
    hit = hits(left, right)
    check_count(left, right, hit, max_pairs, within=within)
    blocks = []
    for block in matches(left, right, hit):
        wanted = block.left < block.right if within else np.ones(block.left.size, bool)
        blocks.append((block.left[wanted], block.right[wanted], block.mask[wanted]))
    if not blocks:
        blocks = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8))]
    a, b, mask = (np.concatenate(columns) for columns in zip(*blocks, strict=True))
    return Pairs(a, b, np.zeros(a.size, np.uint8), first_orientation(mask))


def first_orientation(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The lowest orientation of each mask (uint8, none empty)."""
    lowest = mask & (~mask + np.uint8(1))
    return np.bitwise_count(lowest - np.uint8(1))


def count_pairs(left: Index, right: Index, stop_at: int, *, within: bool) -> int:
    """How many pairs at distance 0 there are, or, if more than `stop_at`, at least how many."""
    if within:
        classes = collapse(left.hashes)
        left_size = right_size = np.bincount(classes.of_row)
        left_index = right_index = Index(left.hashes[classes.first], left.known)
    else:
        left_classes, right_classes = collapse(left.hashes), collapse(right.hashes)
        left_size, right_size = np.bincount(left_classes.of_row), np.bincount(right_classes.of_row)
        left_index = Index(left.hashes[left_classes.first], left.known)
        right_index = Index(right.hashes[right_classes.first], right.known)
    total = 0
    for block in matches(left_index, right_index):
        pairs = left_size[block.left] * right_size[block.right]
        if within:
            same = block.left == block.right
            pairs[same] -= left_size[block.left[same]]
        total += int(pairs.sum())
        if total > (2 * stop_at if within else stop_at):
            break
    return (total + 1) // 2 if within else total


def check_count(
    left: Index, right: Index, hit: NDArray[np.int64], max_pairs: int, *, within: bool
) -> None:
    """Raise TooManyPairsError before anything large is built; `hit` is what `hits` gives."""
    if hit.sum() > max_pairs:
        pairs = count_pairs(left, right, max_pairs, within=within)
        if pairs > max_pairs:
            raise TooManyPairsError(pairs, max_pairs)

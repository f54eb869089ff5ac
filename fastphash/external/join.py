"""A join that uses the disk: all matches of rows within a radius, in order.

1. `found_values`: the pairs of values within the radius, piece by piece.
2. `found_rows`: the rows that have these values.
3. `equi_join`: the pairs of rows, each with its distance and orientations.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastphash.base.versions import version_of
from fastphash.errors import TooManyPairsError
from fastphash.external.buckets import Buckets, buckets_for, ordered_numbers
from fastphash.external.equi_join import ValueRows, join_values
from fastphash.external.found_rows import FoundRows, ValueTable
from fastphash.external.found_values import FoundValues
from fastphash.external.plans import FILED_BYTES, Sides, sources_of
from fastphash.external.scratch import Scratch
from fastphash.external.searches import searches_of
from fastphash.external.tasks import Steps
from fastphash.joins.distances import row_distances
from fastphash.joins.matches import Matches
from fastphash.joins.options import JoinOptions
from fastphash.joins.oriented import MAX_REPEATS

# what a pair of values takes while it is joined with rows, and a pair of rows while it is sorted
_PAIR_BYTES = 100
# the part of the memory for that
_SHARE = 1 / 4
_NO_LIMIT = 1 << 62
_MATCHES_AT_ONCE = 1 << 18


class DiskJoin:
    """A join of streams of hashes on the disk.

    Parameters
    ----------
    sides : Sides
    radius : int
    options : JoinOptions
    max_pairs : int, optional
        The most pairs of rows.
    """

    def __init__(
        self, sides: Sides, radius: int, options: JoinOptions, max_pairs: int | None = None
    ) -> None:
        self._sides = sides
        self._radius = radius
        self._options = options
        self._limit = _NO_LIMIT if max_pairs is None else max_pairs
        right = None if sides.right is None else sides.right.known
        self._searches = searches_of(sides.left.known, right)
        self._steps = Steps(options)
        #: Whether `partnered` gave no other rows than those whose values were found.
        self.is_exact = True

    def limited_to(self, max_pairs: int) -> "DiskJoin":
        """The same join, for so many pairs of rows at most."""
        return DiskJoin(self._sides, self._radius, self._options, max_pairs)

    @property
    def key(self) -> Any:
        """What the files of the join depend on, as values for JSON."""
        left, right = self._sides
        # another version may read other batches
        versions = [version_of("fastphash"), version_of("pyarrow")]
        keys = [left.key, None if right is None else right.key]
        return [versions, *keys, self._searches, int(self._radius)]

    @property
    def needed_bytes(self) -> int:
        """Bytes of the disk that the pieces take at most, besides what is found."""
        sizes = (sources_of(search, self._sides) for search in self._searches)
        return max(FILED_BYTES * sum(source.size for source in one) for one in sizes)

    @property
    def _repeats(self) -> int:
        """How often a pair of rows may come."""
        first, *others = self._searches
        if others or max(len(first.left), len(first.right)) > 1:
            return MAX_REPEATS
        return 2 if self._sides.right is None else 1

    @property
    def _most_values(self) -> int:
        """Pairs of values that are too many, whichever are repeats.

        Turned, a row may be equal to itself, which makes no pair.
        """
        itself = len(self._sides.haystack) if self._repeats == MAX_REPEATS else 0
        return self._repeats * (self._limit + itself)

    def matches(self, scratch: Scratch) -> Iterator[Matches]:
        """All matches, as `fastphash.joins.batches.find_matches` yields them.

        Raises
        ------
        TooManyPairsError
            More than `max_pairs`.
        """
        with scratch.naming_full_disk():
            yield from self._in_order(scratch)

    def _in_order(self, scratch: Scratch) -> Iterator[Matches]:
        found = self._find_values(scratch, self._most_values)
        if not any(one.count for one in found):
            return
        table = self._table_of(found)
        left = FoundRows(scratch, "left", self._sides.left)
        right = left
        if self._sides.right is not None:
            right = FoundRows(scratch, "right", self._sides.right)
        pairs = self._pair_rows(scratch, found, self._find_rows(scratch, found, table, left, right))
        total = 0
        most = max(int(self._options.memory * _SHARE) // _PAIR_BYTES, 1)
        for numbers in ordered_numbers(scratch, "pairs-parts", pairs, most):
            total += numbers.size
            if total > self._limit:
                raise TooManyPairsError(total, self._limit)
            for start in range(0, numbers.size, _MATCHES_AT_ONCE):
                some = numbers[start : start + _MATCHES_AT_ONCE]
                rows = np.stack(np.divmod(some, self._right_rows), axis=1)
                yield _matches(left, right, rows)

    def partnered(self, scratch: Scratch) -> NDArray[np.int64]:
        """Rows of the left side within the radius of another, perhaps a few others: int64 (n,).

        They lie on the disk.
        """
        with scratch.naming_full_disk():
            found = self._find_values(scratch, None)
            if not any(one.count for one in found):
                return np.empty(0, np.int64)
            rows = FoundRows(scratch, "left", self._sides.left)
            self._steps.expect(len(self._sides.left.chunks()))
            table = self._table_of(found)
            self.is_exact = table.is_exact
            rows.find(table, [], self._steps)
            return rows.rows

    def _find_values(self, scratch: Scratch, most: int | None) -> list[FoundValues]:
        found = []
        for search in self._searches:
            one = FoundValues(scratch, search, self._sides, self._radius, self._options, most)
            one.find(self._steps)
            found.append(one)
        return found

    def _table_of(self, found: list[FoundValues]) -> ValueTable:
        table = ValueTable(2 * sum(one.count for one in found), self._options.memory)
        for one in found:
            for pairs in one.read():
                table.add(pairs[:, 0])
                table.add(pairs[:, 1])
        return table

    def _find_rows(
        self,
        scratch: Scratch,
        found: list[FoundValues],
        table: ValueTable,
        left: FoundRows,
        right: FoundRows,
    ) -> list[ValueRows]:
        """The rows of the left and right values of each search."""
        pairs = sum(one.count for one in found)
        share = int(self._options.memory * _SHARE)
        count = buckets_for(pairs * _PAIR_BYTES, share)
        rows, of_left, of_right = [], [], []
        for search in self._searches:
            name = f"search-{search.number}"
            own = Buckets(scratch, f"{name}-left", count, 2)
            of_left.append((search.left, own))
            other = own
            if search.is_across:
                other = Buckets(scratch, f"{name}-right", count, 2)
                of_right.append((search.right, other))
            rows.append(ValueRows(own, other))
        if right is left:
            of_left, of_right = of_left + of_right, []
        for one, uses, stream in (
            (left, of_left, self._sides.left),
            (right, of_right, self._sides.haystack),
        ):
            if uses:
                self._steps.expect(len(stream.chunks()))
                one.find(table, uses, self._steps)
        return rows

    def _pair_rows(
        self, scratch: Scratch, found: list[FoundValues], rows: list[ValueRows]
    ) -> Buckets:
        """The pairs of rows of all searches as numbers, in buckets by their left rows."""
        pairs = sum(one.count for one in found)
        count = buckets_for(pairs * _PAIR_BYTES, int(self._options.memory * _SHARE))
        out = Buckets(scratch, "pairs", count, 1)
        each = -(-len(self._sides.left) // count)
        for search, one, own in zip(self._searches, found, rows, strict=True):
            name = f"search-{search.number}"
            for joined in join_values(scratch, name, one.read(), own):
                some = _ascending(joined) if self._sides.right is None else joined
                numbers = some[:, 0] * self._right_rows + some[:, 1]
                out.add(numbers[:, None].view(np.uint64), some[:, 0] // each)
                self._check(out.rows)
        return out

    def _check(self, pairs: int) -> None:
        """Raise TooManyPairsError if so many pairs must be too many, whichever are repeats."""
        if pairs > self._repeats * self._limit:
            raise TooManyPairsError(-(-pairs // self._repeats), self._limit)

    @property
    def _right_rows(self) -> int:
        """A pair of rows is the number left * right rows + right."""
        return max(len(self._sides.haystack), 1)


def _ascending(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of rows (n, 2), the lower row first, without those of a row with itself."""
    ordered = np.sort(pairs, axis=1)
    return ordered[ordered[:, 0] < ordered[:, 1]]


def _matches(left: FoundRows, right: FoundRows, pairs: NDArray[np.int64]) -> Matches:
    """Pairs of rows (n, 2) with their distances and orientations."""
    left_rows, left_places = np.unique(pairs[:, 0], return_inverse=True)
    right_rows, right_places = np.unique(pairs[:, 1], return_inverse=True)
    distance, mask = row_distances(
        left.index(left_rows), left_places, right.index(right_rows), right_places
    )
    left_column, right_column = np.ascontiguousarray(pairs.T)
    return Matches(left_column, right_column, distance, mask)

"""Groups of rows whose number memory has no room for: joined, ranked and grouped on the disk.

1. Pairs of rows that are copies come from a join on the disk, and are written as they are.
2. `disk_ranks`: these rows in order of priority, in parts.
3. The pairs by their ranks, sorted: edges, of which `groups.edge_groups` makes groups, streamed.
4. Each row of a group goes to its place in the table of groups, with its keeper before it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.external.buckets import Buckets, buckets_for, ordered_numbers
from fastphash.external.row_set import RowSet
from fastphash.external.scratch import Scratch
from fastphash.external.streams import HashStream
from fastphash.external.table_buckets import TableBuckets
from fastphash.groups.edge_groups import EDGES, group_edges
from fastphash.groups.grouping import Grouping, compare_keepers
from fastphash.joins.index import Index
from fastphash.results.disk_ranks import WORD_BYTES, DiskRanks
from fastphash.results.groups import GroupedRows
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria

_PLACE, _KEEPER_PLACE = "_place", "_keeper_place"
# the part of the memory that rows or pairs may take at once, with what is made of them
_SHARE = 1 / 8
_SORTED_BYTES = 4 * WORD_BYTES


class DiskGroups:
    """Groups of rows of a stream, on the disk.

    Parameters
    ----------
    scratch : Scratch
        It is used until the last of `pieces` is taken.
    stream : HashStream
    copies : iterator of int64 (n, 2)
        Pairs of its rows that are copies, the lower row first, each once, in any order.
    split_order : sequence of str
        As of `fastphash.results.priority.order_splits`.
    criteria : CopyCriteria
    grouping : {"star", "components"}
    row_bytes : int
        What a row takes in memory, about.

    Raises
    ------
    NeedsAllRowsError
        What is known of a row depends on all others.
    """

    def __init__(
        self,
        scratch: Scratch,
        stream: HashStream,
        copies: Iterator[NDArray[np.int64]],
        split_order: Sequence[str],
        criteria: CopyCriteria,
        grouping: Grouping,
        row_bytes: int,
    ) -> None:
        self._scratch = scratch
        self._stream = stream
        self._criteria = criteria
        self._grouping: Grouping = grouping
        self._memory = int(criteria.options.memory * _SHARE)
        self._row_bytes = row_bytes
        self._rows = RowSet(len(stream))
        self._pairs = Buckets(scratch, "copies", 1, 2)
        for pairs in copies:
            self._rows.add(pairs.reshape(-1))
            self._pairs.add(pairs.view(np.uint64), np.zeros(len(pairs), np.int64))
        self._ranked: DiskRanks | None = None
        if self._pairs.rows:
            self._ranked = DiskRanks(
                scratch, stream, self._rows, split_order, self._memory, row_bytes
            )
        self._groups = 0

    def count_groups(self) -> int:
        """How many groups there are, once `pieces` are taken."""
        return self._groups

    def pieces(self) -> Iterator[pa.Table]:
        """The rows of `fastphash.results.groups.GroupedRows.pieces`, in pieces of other sizes."""
        if self._ranked is None:
            return
        with self._scratch.naming_full_disk():
            placed = self._place(self._ranked, self._keepers(self._ranked))
            yield from self._tables(self._ranked, placed)

    def _keepers(self, ranked: DiskRanks) -> Iterator[NDArray[np.int64]]:
        """Copies as (keeper, row), by their ranks, in order: int64 (n, 2)."""
        rows = len(self._rows)
        edges = (
            pa.record_batch([*np.divmod(numbers, rows)], schema=EDGES)
            for numbers in self._sorted("edges", self._edges(ranked))
        )
        found = (
            np.stack([batch["keeper"].to_numpy(), batch["row"].to_numpy()], axis=1)
            for batch in group_edges(edges, rows, self._grouping)
        )
        if self._grouping == "star":
            yield from found
            return
        for numbers in self._sorted("keepers", found):
            # nothing of a bucket whose rows are all copies
            if numbers.size:
                yield np.stack(np.divmod(numbers, rows), axis=1)

    def _sorted(self, name: str, pairs: Iterator[NDArray[np.int64]]) -> Iterator[NDArray[np.int64]]:
        """Pairs of ranks (n, 2) as numbers, in order: left * rows + right."""
        rows = len(self._rows)
        count = buckets_for(self._pairs.rows * _SORTED_BYTES, self._memory)
        each = -(-rows // count)
        buckets = Buckets(self._scratch, name, count, 1)
        for some in pairs:
            numbers = some[:, 0] * rows + some[:, 1]
            buckets.add(numbers[:, None].view(np.uint64), some[:, 0] // each)
        most = max(self._memory // _SORTED_BYTES, 1)
        yield from ordered_numbers(self._scratch, f"{name}-parts", buckets, most)

    def _edges(self, ranked: DiskRanks) -> Iterator[NDArray[np.int64]]:
        """The pairs by their ranks, the lower first."""
        numbered = (
            self._rows.numbers(pairs.view(np.int64).reshape(-1)).reshape(-1, 2)
            for pairs in self._pairs.pieces(0)
        )
        half = self._look_up(ranked, "edges-left", numbered, 0)
        for pairs in self._look_up(ranked, "edges-right", half, 1):
            yield np.sort(pairs, axis=1)
        self._pairs.remove(0)

    def _look_up(
        self, ranked: DiskRanks, name: str, pairs: Iterator[NDArray[np.int64]], side: int
    ) -> Iterator[NDArray[np.int64]]:
        """Pairs (n, 2) with the rank of a row in place of its number, on one side."""
        at_once = ranked.numbers_at_once
        waiting = Buckets(self._scratch, name, ranked.ranks.buckets, 2)
        for some in pairs:
            waiting.add(some.view(np.uint64), some[:, side] // at_once)
        for number in range(waiting.buckets):
            known = ranked.ranks.read(number).view(np.int64)
            rank = np.empty(at_once, np.int64)
            rank[known[:, 0] - number * at_once] = known[:, 1]
            for words in waiting.pieces(number):
                found = words.view(np.int64).copy()
                found[:, side] = rank[found[:, side] - number * at_once]
                yield found
            waiting.remove(number)

    def _place(self, ranked: DiskRanks, keepers: Iterator[NDArray[np.int64]]) -> "_Placed":
        """Where each row of a group comes in their table: (rank, place, place of the keeper)."""
        parts = ranked.firsts.size - 1
        # a power of two of buckets, of which the last ones may have nothing
        waiting = Buckets(self._scratch, "places", 1 << max(parts - 1, 0).bit_length(), 3)
        last, rows, keeper_place = -1, 0, 0
        for pairs in keepers:
            keeper, row = np.ascontiguousarray(pairs.T)
            begins = np.diff(keeper, prepend=last) != 0
            place = np.arange(row.size) + np.cumsum(begins) + rows
            own = place[begins] - 1
            of_keeper = np.append(keeper_place, own)[np.cumsum(begins)]
            some = np.concatenate(
                [
                    np.stack([keeper[begins], own, own], axis=1),
                    np.stack([row, place, of_keeper], axis=1),
                ]
            )
            part = np.searchsorted(ranked.firsts, some[:, 0], "right") - 1
            waiting.add(some.view(np.uint64), part)
            last, rows, keeper_place = int(keeper[-1]), int(place[-1]) + 1, int(of_keeper[-1])
            self._groups += int(begins.sum())
        return _Placed(waiting, rows)

    def _tables(self, ranked: DiskRanks, placed: "_Placed") -> Iterator[pa.Table]:
        at_once = max(self._memory // self._row_bytes, 1)
        out = TableBuckets(self._scratch, "placed-rows")
        for part in np.flatnonzero(np.diff(ranked.firsts)).tolist():
            ranks, place, keeper_place = placed.waiting.read(part).view(np.int64).T
            placed.waiting.remove(part)
            if ranks.size:
                table = ranked.read(part).table.take(pa.array(ranks - ranked.firsts[part]))
                table = table.append_column(_PLACE, pa.array(place))
                table = table.append_column(_KEEPER_PLACE, pa.array(keeper_place))
                out.add(table, place // at_once)
            ranked.remove(part)
        writer = _PieceWriter(self._stream, self._criteria)
        for number in range(-(-placed.rows // at_once)):
            table = out.read(number)
            out.remove(number)
            yield from writer.pieces(table.sort_by(_PLACE))


class _Placed(NamedTuple):
    """(rank, place, place of its keeper) of so many rows, by the part of the rank."""

    waiting: Buckets
    rows: int


class _PieceWriter:
    """Makes the table of groups of rows that come in order, the keeper of each group first."""

    def __init__(self, stream: HashStream, criteria: CopyCriteria) -> None:
        self._definition = stream.definition
        self._criteria = criteria
        self._groups = 0
        # the keeper of the last group, and its place
        self._keeper: pa.Table | None = None

    def pieces(self, table: pa.Table) -> Iterator[pa.Table]:
        """The table of groups of the next rows."""
        carried = 0
        if self._keeper is not None:
            table = pa.concat_tables([self._keeper, table]).unify_dictionaries()
            carried = 1
        place, keeper_place = (table[name].to_numpy() for name in (_PLACE, _KEEPER_PLACE))
        keeper = np.searchsorted(place, keeper_place)
        is_keeper = place == keeper_place
        number = np.cumsum(is_keeper) - 1 + self._groups - carried
        rows = HashTable(table, self._definition)
        index = Index(rows.hashes, rows.known)
        found = compare_keepers(index, rows.content, self._criteria, keeper)
        grouped = GroupedRows(rows, found, self._criteria)
        yield from grouped.numbered_pieces(np.arange(carried, place.size), number[carried:])
        self._groups = int(number[-1]) + 1
        self._keeper = table.take(pa.array([int(keeper[-1])]))

"""Rows in order of priority, on the disk: sorted in parts that fit into memory."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.external.buckets import Buckets, buckets_for
from fastphash.external.row_set import RowSet
from fastphash.external.scratch import Scratch
from fastphash.external.streams import HashStream
from fastphash.external.table_buckets import TableBuckets
from fastphash.results.alone import RowCheck
from fastphash.results.priority import PRIORITY_COLUMNS, priority
from fastphash.store.rows import HashTable

#: Bytes of a number, or of two.
WORD_BYTES, PAIR_BYTES = 8, 16
_NUMBER = "_number"
# rows of a sample for each part that it tells the bounds of
_SAMPLED = 64


class DiskRanks:
    """The rows of a set, each with a rank: its place in order of priority.

    Parameters
    ----------
    scratch : Scratch
    stream : HashStream
    rows : RowSet
        Of the stream.
    split_order : sequence of str
        As of `fastphash.results.priority.order_splits`.
    memory : int
        Bytes that a part may take.
    row_bytes : int
        What a row takes, about.

    Raises
    ------
    NeedsAllRowsError
        What is known of a row depends on all others.

    Attributes
    ----------
    firsts : int64 (parts + 1,)
        The rank of the first row of each part, and the number of all rows.
    numbers_at_once : int
        Numbers of rows, and their ranks, that are in memory at once: a bucket of `ranks`.
    ranks : Buckets
        The number of each row in `rows`, and its rank; by number.
    """

    def __init__(
        self,
        scratch: Scratch,
        stream: HashStream,
        rows: RowSet,
        split_order: Sequence[str],
        memory: int,
        row_bytes: int,
    ) -> None:
        self._stream = stream
        self._rows = rows
        self._order = split_order
        self._check = RowCheck(stream)
        self._at_once = max(memory // (4 * row_bytes), 1)
        count = buckets_for(len(rows) * row_bytes, memory)
        self._parts = TableBuckets(scratch, "ranked-rows")
        sizes = self._write_parts(count)
        self.firsts = np.concatenate([[0], np.cumsum(sizes)])
        buckets = buckets_for(len(rows) * PAIR_BYTES, memory)
        self.numbers_at_once = -(-len(rows) // buckets)
        self.ranks = Buckets(scratch, "ranks", buckets, 2)
        for part in np.flatnonzero(sizes).tolist():
            number = self.read(part).table[_NUMBER].to_numpy()
            ranks = np.arange(number.size) + self.firsts[part]
            pairs = np.stack([number, ranks], axis=1).view(np.uint64)
            self.ranks.add(pairs, number // self.numbers_at_once)

    def read(self, part: int) -> HashTable:
        """The rows of a part that has some, in order, with their thumbnails and colours."""
        table = self._parts.read(part)
        return self._table(table.take(pa.array(priority(self._table(table), self._order))))

    def remove(self, part: int) -> None:
        """Delete the rows of a part."""
        self._parts.remove(part)

    def _table(self, table: pa.Table) -> HashTable:
        return HashTable(table, self._stream.definition)

    def _write_parts(self, count: int) -> NDArray[np.int64]:
        """Write the rows to parts, so many at most; how many each has."""
        bounds = self._bounds(count)
        sizes = np.zeros(count, np.int64)
        for rows, table in self._tables():
            part = _parts_of(_narrow(table), rows, bounds, self._order)
            numbers = pa.array(self._rows.numbers(rows))
            self._parts.add(table.table.append_column(_NUMBER, numbers), part)
            sizes += np.bincount(part, minlength=count)
        return sizes

    def _tables(self) -> Iterator[tuple[NDArray[np.int64], HashTable]]:
        for rows in self._rows.batches(self._at_once):
            table = self._stream.take(rows)
            self._check.add(table)
            yield rows, table.with_thumbnails()

    def _bounds(self, count: int) -> tuple[HashTable, NDArray[np.int64]]:
        """The first row of each part but the first one, and its row number; from a sample."""
        step = max(len(self._rows) // (count * _SAMPLED), 1)
        sampled = [rows[::step] for rows in self._rows.batches(self._at_once)]
        rows = np.concatenate(sampled)
        sample = _narrow(self._stream.take(rows))
        ordered = priority(sample, self._order)
        chosen = np.unique(ordered[np.arange(1, count) * rows.size // count])
        return sample.take(chosen), rows[chosen]


def _narrow(rows: HashTable) -> HashTable:
    """The columns that tell which row comes first."""
    names = [name for name in PRIORITY_COLUMNS if name in rows.table.column_names]
    return HashTable(rows.table.select(names), rows.definition)


def _parts_of(
    table: HashTable,
    rows: NDArray[np.int64],
    bounds: tuple[HashTable, NDArray[np.int64]],
    split_order: Sequence[str],
) -> NDArray[np.int64]:
    """The part of each row: how many of the bounds aren't behind it, int64 (n,)."""
    bound_table, bound_rows = bounds
    both = pa.concat_tables([bound_table.table, table.table]).unify_dictionaries()
    number = np.concatenate([bound_rows, rows])
    # rows that nothing tells apart are in the order of their numbers; a bound comes before itself
    by_number = np.argsort(number, kind="stable")
    every = HashTable(both.take(pa.array(by_number)), table.definition)
    ordered = by_number[priority(every, split_order)]
    is_bound = ordered < bound_rows.size
    part = np.empty(number.size, np.int64)
    part[ordered] = np.cumsum(is_bound)
    return part[bound_rows.size :]

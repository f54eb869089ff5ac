"""Rows that are in memory already, as a stream of hashes."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from fastphash.external.file_stream import FileStream
from fastphash.external.streams import BATCH_ROWS, Batch, Chunk, Cut, HashStream, group_units
from fastphash.files import parquet
from fastphash.store.byte_columns import hash_values
from fastphash.store.rows import STORE_ROW, HashTable
from fastphash.store.store import Store


def stream_of(rows: HashTable) -> HashStream:
    """A table as a stream; that of its file, if it has all rows of one."""
    if rows.file is not None:
        return FileStream(rows.file, None, {}, rows.definition.algorithm)
    return TableStream(rows)


class _Values(NamedTuple):
    """Reads hashes that travel with it, by orientation."""

    hashes: Mapping[int, NDArray[np.uint64]]

    def read(self, chunk: Chunk, columns: Sequence[int]) -> Iterator[Batch]:
        """The hashes of these orientations, in one batch."""
        yield Batch(chunk.first, [self.hashes[t] for t in columns])


class _ChosenRows(NamedTuple):
    """Reads some rows of each part of a store; `names` are the columns by orientation."""

    store: Store
    rows: Sequence[NDArray[np.int64]]
    names: tuple[str, ...]

    def read(self, chunk: Chunk, columns: Sequence[int]) -> Iterator[Batch]:
        """The hashes of these orientations, in one batch."""
        names = [self.names[t] for t in columns]
        pieces: list[list[NDArray[np.uint64]]] = [[np.empty(0, np.uint64)] for _ in names]
        for part, rows in zip(self.store.parts, self.rows, strict=True):
            table = self.store.read_part(part, names)
            for piece, name in zip(pieces, names, strict=True):
                piece.append(hash_values(table[name])[rows])
        yield Batch(chunk.first, [np.concatenate(piece) for piece in pieces])


class TableStream:
    """See `HashStream`; its units are batches of rows, and of a store its parts.

    Parameters
    ----------
    rows : HashTable
        If they are of a store and in its order, what is cut names its parts, and has no hashes.
    batch_rows : int
        Of other rows.
    """

    def __init__(self, rows: HashTable, batch_rows: int = BATCH_ROWS) -> None:
        self._rows = rows
        self._batch_rows = batch_rows
        self.name = "a table"
        self.definition = rows.definition
        self.known = rows.known
        self.has_thumbnails = rows.has_thumbnails

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def key(self) -> Any:
        """What the hashes depend on."""
        digest = xxhash.xxh3_128()
        for column in self._columns(Chunk(0, len(self), 0, 0), self.known):
            digest.update(column.tobytes())
        return [digest.hexdigest(), list(self.known)]

    @cached_property
    def _chosen(self) -> list[NDArray[np.int64]]:
        """Which rows of each part of a store these are; nothing if they are no such rows."""
        store, table = self._rows.store, self._rows.table
        if store is None or STORE_ROW not in table.column_names:
            return []
        wanted = table[STORE_ROW].to_numpy()
        if (np.diff(wanted) <= 0).any():
            return []
        firsts = np.cumsum([0, *(part.rows for part in store.parts)])
        bounds = itertools.pairwise(np.searchsorted(wanted, firsts).tolist())
        return [
            wanted[low:high] - first
            for first, (low, high) in zip(firsts.tolist(), bounds, strict=False)
        ]

    def chunks(self) -> Sequence[Chunk]:
        """All rows, in order."""
        if self._chosen:
            return group_units([rows.size for rows in self._chosen])
        return [
            Chunk(first, min(self._batch_rows, len(self) - first), number, number + 1)
            for number, first in enumerate(range(0, len(self), self._batch_rows))
        ]

    def read(self, chunk: Chunk, columns: Sequence[int]) -> Iterator[Batch]:
        """The hashes of these orientations of the rows of a chunk, in one batch."""
        yield Batch(chunk.first, self._columns(chunk, columns))

    def _columns(self, chunk: Chunk, columns: Sequence[int]) -> list[NDArray[np.uint64]]:
        some = self._rows.table.slice(chunk.first, chunk.rows)
        return [hash_values(some[self.definition.columns[t]]) for t in columns]

    def cut(self, chunk: Chunk) -> Cut:
        """A chunk by itself."""
        there = Chunk(0, chunk.rows, 0, 1)
        store = self._rows.store
        if self._chosen and store is not None:
            units = slice(chunk.start, chunk.stop)
            own = replace(store, path=store.path.absolute(), parts=store.parts[units])
            reader = _ChosenRows(own, self._chosen[units], self.definition.columns)
            return Cut(reader, there, chunk.first)
        # arrays of their own: a slice takes all that it is cut from with it
        columns = [np.array(column) for column in self._columns(chunk, self.known)]
        return Cut(_Values(dict(zip(self.known, columns, strict=True))), there, chunk.first)

    def take(self, rows: NDArray[np.int64]) -> HashTable:
        """Some rows, by their numbers, which ascend."""
        return self._rows.take(rows)

    def count_splits(self) -> dict[str, int]:
        """How many rows each split has."""
        return parquet.count_values(self._rows.table["split"])

    def narrow(self, columns: Sequence[str]) -> HashTable:
        """These columns of all rows, as far as there are such."""
        table = self._rows.table
        names = [name for name in table.column_names if name in columns]
        return HashTable(table.select(names), self.definition)

"""The hashes of a store, or of one of its splits, as a stream."""

import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.external.streams import Batch, Chunk, Cut, group_units
from fastphash.files import parquet, row_groups
from fastphash.store.byte_columns import hash_values
from fastphash.store.rows import HashTable
from fastphash.store.store import Part
from fastphash.store.stored_rows import StoredRows


class StoreStream:
    """See `HashStream`; its units are parts."""

    def __init__(self, rows: StoredRows, name: str) -> None:
        self._rows = rows
        self.name = name
        self.definition = rows.definition
        self.has_thumbnails = rows.store.layout.thumbnails

    def __len__(self) -> int:
        return self._firsts[-1]

    @property
    def key(self) -> Any:
        """What the hashes depend on."""
        rows = self._rows
        return [rows.store.hashes_digest, rows.split, sorted(rows.left_out)]

    @cached_property
    def _firsts(self) -> list[int]:
        """The number of the first row of each part."""
        sizes = [self._count(number, part) for number, part in enumerate(self._rows.store.parts)]
        return list(itertools.accumulate(sizes, initial=0))

    def _count(self, number: int, part: Part) -> int:
        if self._rows.has_all(part):
            return part.rows
        if not self._rows.may_have(part):
            return 0
        return int(self._rows.read(number, ["split"]).num_rows)

    @cached_property
    def known(self) -> tuple[int, ...]:
        """Orientations that have a hash in every row."""
        stored = self._rows.store
        columns = [name for name in self.definition.columns[1:] if name in stored.schema.names]
        missing: set[str] = set()
        for number, part in enumerate(stored.parts):
            if self._rows.may_have(part):
                missing |= self._missing(number, part, [*{*columns} - missing])
        names = {self.definition.columns[0], *columns} - missing
        return tuple(t for t, name in enumerate(self.definition.columns) if name in names)

    def _missing(self, number: int, part: Part, columns: list[str]) -> set[str]:
        """Which of these columns have no value in some row of a part."""
        path = self._rows.store.part_path(part)
        there = {*parquet.read_schema(path).names}
        if {*columns} <= there and not any(row_groups.count_nulls(path, columns).values()):
            return set()
        table = self._rows.read(number, columns)
        return {name for name in columns if table[name].null_count}

    def chunks(self) -> Sequence[Chunk]:
        """All rows, in order."""
        return group_units(np.diff(self._firsts).tolist())

    def read(self, chunk: Chunk, columns: Sequence[int]) -> Iterator[Batch]:
        """The hashes of these orientations of the rows of a chunk, in one batch."""
        names = [self.definition.columns[t] for t in columns]
        tables = [table for _, table in self._tables(range(chunk.start, chunk.stop), names)]
        table = pa.concat_tables(tables)
        yield Batch(chunk.first, [hash_values(table[name]) for name in names])

    def cut(self, chunk: Chunk) -> Cut:
        """A chunk by itself: a store of its parts."""
        rows = self._rows
        parts = rows.store.parts[chunk.start : chunk.stop]
        store = replace(rows.store, path=rows.store.path.absolute(), parts=parts)
        own = StoredRows(store, rows.definition, rows.split, rows.left_out)
        there = Chunk(0, chunk.rows, 0, len(parts))
        return Cut(StoreStream(own, self.name), there, chunk.first)

    def take(self, rows: NDArray[np.int64], columns: Collection[str] | None = None) -> HashTable:
        """Some rows, by their numbers, which ascend; in these columns, or in all."""
        schema, firsts = self._rows.narrowed(columns), np.array(self._firsts)
        wanted = np.unique(np.searchsorted(firsts, rows, "right") - 1).tolist()
        pieces = []
        for number, table in self._tables(wanted, schema.names):
            own = rows[slice(*np.searchsorted(rows, firsts[number : number + 2]))]
            pieces.append(table.take(pa.array(own - firsts[number])).cast(schema))
        table = parquet.concat(schema, pieces)
        return HashTable(table, self.definition, self._rows.store)

    def count_splits(self) -> dict[str, int]:
        """How many rows each split has."""
        counts = Counter[str]()
        for _, table in self._tables(range(len(self._rows.store.parts)), ["split"]):
            counts.update(parquet.count_values(table["split"]))
        return dict(counts)

    def narrow(self, columns: Sequence[str]) -> HashTable:
        """These columns of all rows, as far as there are such, and their splits."""
        there = self._rows.store.schema
        schema = pa.schema([there.field(name) for name in there.names if name in columns])
        parts = range(len(self._rows.store.parts))
        tables = [table.cast(schema) for _, table in self._tables(parts, schema.names)]
        return HashTable(parquet.concat(schema, tables), self.definition)

    def _tables(
        self, parts: Sequence[int], columns: Sequence[str]
    ) -> Iterator[tuple[int, pa.Table]]:
        """Columns of the parts that have rows."""
        for number in parts:
            if self._firsts[number + 1] > self._firsts[number]:
                yield number, self._rows.read(number, columns)

"""The rows of a store, or of one of its splits, read part by part."""

import itertools
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastphash.hashing.definition import Definition
from fastphash.store.hash_files import HASHES
from fastphash.store.rows import STORE_ROW
from fastphash.store.schema import LAYERS
from fastphash.store.store import Part, Store

# columns that are read on demand, for the rows that are needed
_ON_DEMAND = ("thumbnail", "chroma", *LAYERS)


class StoredRows:
    """The rows of a store, or of one of its splits, in the order of its parts.

    Parameters
    ----------
    store : Store
    definition : Definition
        Of the hashes that are compared.
    split : str or None
        All splits by default,
    left_out : collection of str
        besides these.
    """

    def __init__(
        self, store: Store, definition: Definition, split: str | None, left_out: Collection[str]
    ) -> None:
        self.store = store
        self.definition = definition
        self.split = split
        self.left_out = left_out

    @property
    def schema(self) -> pa.Schema:
        """The columns of rows that are not read on demand, and their places in the store."""
        not_read = {*_ON_DEMAND, *HASHES} - {*self.definition.columns}
        columns = [column for column in self.store.schema if column.name not in not_read]
        return pa.schema([*columns, (STORE_ROW, pa.int64())])

    @cached_property
    def firsts(self) -> list[int]:
        """The place in the store of the first row of each part."""
        return list(itertools.accumulate((part.rows for part in self.store.parts), initial=0))

    def has_all(self, part: Part) -> bool:
        """Whether all rows of a part are meant."""
        if self.split is None:
            return not {*self.left_out} & {*part.splits}
        return part.splits == [self.split]

    def may_have(self, part: Part) -> bool:
        """Whether some rows of a part may be meant."""
        if self.split is None:
            return not {*self.left_out} >= {*part.splits}
        return self.split in part.splits

    def read(self, number: int, columns: Sequence[str]) -> pa.Table:
        """These columns of the rows of a part that are meant, and `STORE_ROW` if it is asked for.

        What a row has no value of is null.
        """
        part = self.store.parts[number]
        whole = self.has_all(part)
        wanted = [name for name in columns if name != STORE_ROW]
        needed = wanted if whole or "split" in wanted else [*wanted, "split"]
        table = self.store.read_part(part, needed)
        if STORE_ROW in columns:
            first = self.firsts[number]
            places = pa.array(np.arange(first, first + part.rows))
            table = table.append_column(STORE_ROW, places)
        if not whole:
            table = self._meant(table)
        return table.select(list(columns))

    def narrowed(self, columns: Collection[str] | None) -> pa.Schema:
        """Those of the columns of `schema` that are asked for, or all."""
        schema = self.schema
        return schema if columns is None else pa.schema([f for f in schema if f.name in columns])

    def tables(self, columns: Collection[str] | None = None) -> Iterator[pa.Table]:
        """The rows of each part that has any, in these columns of `schema`, or in all."""
        schema = self.narrowed(columns)
        for number, part in enumerate(self.store.parts):
            if self.may_have(part):
                yield self.read(number, schema.names).cast(schema)

    def _meant(self, table: pa.Table) -> pa.Table:
        if self.split is not None:
            return of_split(table, self.split)
        names = pa.array(list(self.left_out), pa.string())
        return table.filter(pc.invert(pc.is_in(table["split"].cast(pa.string()), names)))


def of_split(table: pa.Table, split: str | None) -> pa.Table:
    """The rows of one split, or of all."""
    return table if split is None else table.filter(pc.equal(table["split"].cast("string"), split))

"""Rows of hashes in memory: what joins and results work on."""

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.vocabulary import (
    ORIENTATIONS,
    UNKNOWN_CHROMA,
)
from fastphash.files import parquet
from fastphash.hashing.algorithms import ALGORITHMS, Algorithm
from fastphash.hashing.definition import Definition
from fastphash.store.appearance import (
    Appearance,
    column_bytes,
    read_appearance,
    read_chroma,
    read_column,
    read_stored,
    read_thumbnails,
    table_appearance,
)
from fastphash.store.byte_columns import fixed_column, fixed_width, hash_values
from fastphash.store.content import Content
from fastphash.store.evidence import Layer, RowEvidence
from fastphash.store.schema import (
    LAYERS,
    algorithms_in,
    exact_paths,
    stored_algorithms,
)
from fastphash.store.store import Store
from fastphash.store.whole import Whole

#: Column with the number of a row in its store, counted through all parts.
STORE_ROW = "_row"
#: Column of pairs with the number of the needle's row.
NEEDLE_ROW = "_needle_row"


class HashTable:
    """Rows to be joined: of a store, of one of its splits, or of any Parquet file of hashes.

    Parameters
    ----------
    table : pyarrow.Table
        Columns of `store_schema`; only split, path and phash are needed.
    definition : Definition
    store : Store, optional
        Has the thumbnails and chroma of the rows, which are read on demand.
    file : Path, optional
        A Parquet file that has these very rows, and the hashes in columns of the same names and
        types.
    appearance : Appearance, optional
        These, if they have been read.
    whole : Whole, optional
        If all others of a search were left because they are near none.
    """

    def __init__(
        self,
        table: pa.Table,
        definition: Definition,
        store: Store | None = None,
        *,
        file: Path | None = None,
        appearance: Appearance | None = None,
        whole: Whole | None = None,
    ) -> None:
        self.table = table
        self.definition = definition
        self.store = store
        self.file = file
        self.whole = whole
        self._appearance = appearance

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def searched(self) -> int:
        """How many rows are searched, with those of `whole` that were left."""
        return len(self) if self.whole is None else self.whole.rows

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm whose hashes are compared."""
        return ALGORITHMS[self.definition.algorithm]

    @property
    def algorithms(self) -> list[str]:
        """The algorithms of which there are hashes, the first the one that a store names first."""
        if self.store is None:
            return algorithms_in(self.table.column_names, self.definition.algorithm)
        return [one.name for one in stored_algorithms(self.store.definition, self.store.layout)]

    def compared_by(self, name: str) -> "HashTable":
        """The same rows, compared by another one of their `algorithms`.

        Hashes of a store, and their quality, are read now, for these rows only.
        """
        chosen, table = replace(self.definition, algorithm=name), self.table
        if self.store is not None:
            wanted = {*chosen.columns, ALGORITHMS[name].quality_column}
            for column in filter(wanted.__contains__, self.store.schema.names):
                if column not in table.column_names:
                    values = read_column(self.store, self._store_rows, column)
                    table = table.append_column(column, values)
        return HashTable(table, chosen, self.store, appearance=self._appearance)

    def below_quality(self, least: int) -> NDArray[np.bool_]:
        """Which rows have a hash of less quality, bool (n,); none where it is unknown."""
        name = self.algorithm.quality_column
        if name is None or name not in self.table.column_names:
            return np.zeros(len(self), np.bool_)
        poor: NDArray[np.bool_] = pc.less(self.table[name], least).fill_null(False).to_numpy()
        return poor

    def take(self, rows: NDArray[np.int64]) -> "HashTable":
        """These rows, in this order; they share thumbnails that have been read."""
        shared = self._shared_appearance(rows)
        table = self.table.take(pa.array(rows))
        taken = HashTable(table, self.definition, self.store, appearance=shared)
        if self._has_dropped_hashes:
            taken.known, taken.hashes = self.known, self.hashes[rows]
        return taken

    def _shared_appearance(self, rows: NDArray[np.int64]) -> Appearance | None:
        read = self._appearance
        # where a row lacks a thumbnail, these rows may all have one
        if read is None or read.thumbnails is None:
            return None
        return read.take(rows)

    def drop_hash_columns(self) -> None:
        """Hold the hashes once: as the array that they are compared in, not in the table.

        Where a row lacks the hash of an orientation, they stay: fewer rows may all have it.
        """
        _ = self.hashes
        if len(self._hash_columns) == len(self.known):
            self.table = self.table.drop_columns(self._hash_columns)

    def hand_over(self, rows: NDArray[np.int64]) -> "HashTable":
        """These rows, as `take` gives them; this table loses its columns one by one meanwhile.

        So both take little more memory than one. Hashes are held as by `drop_hash_columns`.
        """
        self.drop_hash_columns()
        dropped, appearance = self._has_dropped_hashes, self._shared_appearance(rows)
        # it holds those of a table
        self.__dict__.pop("paths", None)
        columns, places = {}, pa.array(rows)
        for name in self.table.column_names:
            parquet.release_memory()
            columns[name] = self.table[name].take(places)
            self.table = self.table.drop_columns([name])
        parquet.release_memory()
        given = HashTable(pa.table(columns), self.definition, self.store, appearance=appearance)
        if dropped:
            given.known, given.hashes = self.known, self.hashes[rows]
        del self.hashes
        return given

    @property
    def _hash_columns(self) -> list[str]:
        return [name for name in self.definition.columns if name in self.table.column_names]

    @property
    def _has_dropped_hashes(self) -> bool:
        return "hashes" in self.__dict__ and not self._hash_columns

    def with_thumbnails(self) -> "HashTable":
        """The same rows with thumbnails and chroma in the table, and without a store."""
        table, pixels, chroma = self.table, self.thumbnails, self.chroma
        layers = dict(zip(LAYERS, self.evidence.layers, strict=True)) if self.store else {}
        if STORE_ROW in table.column_names:
            table = table.drop_columns([STORE_ROW])
        if pixels is not None and "thumbnail" not in table.column_names:
            table = table.append_column("thumbnail", fixed_column(pixels))
        if chroma is not None and "chroma" not in table.column_names:
            known = chroma[:, 0] != UNKNOWN_CHROMA
            table = table.append_column("chroma", fixed_column(chroma.view(np.uint8), known))
        for name, layer in layers.items():
            table = table.append_column(name, layer.to_column())
        return HashTable(table, self.definition)

    @property
    def columns(self) -> tuple[tuple[int, ...], bool, bool]:
        """Orientations that all rows have; whether they have thumbnails, and digests."""
        stored = self.store is not None and self.store.layout.thumbnails
        return (
            self.known,
            stored or "thumbnail" in self.table.column_names,
            self.digests is not None,
        )

    @property
    def has_thumbnails(self) -> bool:
        """Whether all rows have one; a store's needn't be read to tell."""
        return self.columns[1] and (self.store is not None or self.thumbnails is not None)

    def where_split(self, split: str) -> "HashTable":
        """The rows of one split."""
        return self.take(np.flatnonzero(self.splits == split))

    @cached_property
    def splits(self) -> NDArray[Any]:
        """Name of the split of each row (object)."""
        return np.asarray(self.table["split"].to_numpy(zero_copy_only=False), object)

    @cached_property
    def known(self) -> tuple[int, ...]:
        """Orientations that have a hash in every row."""
        columns = self.table.column_names
        return tuple(
            t
            for t, name in enumerate(self.definition.columns)
            if t == 0 or (name in columns and not self.table[name].null_count)
        )

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """The hashes that are compared, uint64 (n, 8); (n, 1) if only the upright ones are known.

        Those of 256 bits are (n, 8, 4) or (n, 1, 4). Columns of other orientations that aren't
        known are 0.
        """
        columns = self.definition.columns
        if self.known == (0,):
            return hash_values(self.table[columns[0]])[:, None]
        words = () if self.algorithm.words == 1 else (self.algorithm.words,)
        out = np.zeros((len(self), len(ORIENTATIONS), *words), np.uint64)
        for t in self.known:
            out[:, t] = hash_values(self.table[columns[t]])
        return out

    @cached_property
    def digests(self) -> NDArray[np.uint64] | None:
        """XXH3-128 of the files, uint64 (n, 2), or None."""
        words = column_bytes(self.table, "digest")
        return None if words is None else words.view(np.uint64)

    @property
    def appearance(self) -> Appearance:
        """Thumbnails and chroma; those of a store are read now, for these rows only."""
        if self._appearance is None:
            store = self._unread
            self._appearance = (
                read_appearance(store, self._store_rows) if store else table_appearance(self.table)
            )
        return self._appearance

    @property
    def _unread(self) -> Store | None:
        """The store that has the appearance of the rows, if it hasn't been read."""
        stored = self.store is not None and self.store.layout.thumbnails
        return self.store if stored and self._appearance is None else None

    @property
    def thumbnails(self) -> NDArray[np.uint8] | None:
        """Pixels, uint8 (n, 1024), or None; those of a store are read now, for these rows only."""
        if self._unread:
            return read_thumbnails(self._unread, self._store_rows)
        return self.appearance.placed(self.appearance.thumbnails)

    @property
    def chroma(self) -> NDArray[np.int8] | None:
        """Colours, int8 (n, 128), or None; those of a store are read now, for these rows only.

        Means of Cb - 128 in 64 cells, row by row, then of Cr - 128; between -127 and 127. A row of
        unknown colours is `UNKNOWN_CHROMA`, -128, and then zeros.
        """
        if self._unread:
            return read_chroma(self._unread, self._store_rows)
        return self.appearance.placed(self.appearance.chroma)

    @property
    def content(self) -> Content:
        """All that is known of these rows; thumbnails of a store are read now."""
        thumbnails, chroma, place, keys, scores = self.appearance
        return Content(thumbnails, chroma, self.digests, self.evidence, place, keys, scores)

    @cached_property
    def evidence(self) -> RowEvidence:
        """What the hashes leave out; layers of a store are read now, for these rows only."""
        columns = self.table.column_names
        several = self.numbers("multiframe") != 0
        frames = np.where(several, 0, 1)
        if "frames" in columns:
            stored = self.numbers("frames")
            frames = np.where(stored > 0, stored, frames)
        layers = [self._layer(name) for name in LAYERS]
        return RowEvidence(self.pixel_digests, frames.astype(np.int32), *layers)

    @cached_property
    def pixel_digests(self) -> NDArray[np.uint64]:
        """XXH3-128 of all decoded samples, uint64 (n, 2); zeros if unknown."""
        digests = np.zeros((len(self), 2), np.uint64)
        if "pixel_digest" in self.table.column_names:
            words = fixed_width(self.table["pixel_digest"]).view(np.uint64)
            known = self.table["pixel_digest"].is_valid().to_numpy()
            digests[known] = words[known]
        return digests

    def _layer(self, name: str) -> Layer:
        if self.store is None or not self.store.layout.thumbnails:
            if name not in self.table.column_names:
                return Layer.empty(len(self))
            return Layer.from_values(self.table[name].to_pylist())
        values: list[bytes | None] = [None] * len(self)
        for rows, column, places in read_stored(self.store, self._store_rows, name):
            if column.null_count < len(column):
                for row, value in zip(rows.tolist(), column.take(places).to_pylist(), strict=True):
                    values[row] = value
        return Layer.from_values(values)

    @cached_property
    def paths(self) -> pa.ChunkedArray:
        """Exact names, binary."""
        return exact_paths(self.table)

    def numbers(self, name: str) -> NDArray[np.int64]:
        """A column of integers; 0 for missing values, or all if the column is missing."""
        if name not in self.table.column_names:
            return np.zeros(len(self), np.int64)
        values: NDArray[np.int64] = self.table[name].cast(pa.int64()).fill_null(0).to_numpy()
        return values

    @property
    def _store_rows(self) -> NDArray[np.int64]:
        rows: NDArray[np.int64] = self.table[STORE_ROW].to_numpy()
        return rows

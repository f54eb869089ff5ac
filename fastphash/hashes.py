"""Rows of hashes to be joined: of a store, of a split of it, or of any Parquet file."""

import itertools
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash import tables
from fastphash.errors import DefinitionError, StoreError, UsageError
from fastphash.store import (
    CHROMA_BYTES,
    FOREIGN,
    HASH_COLUMNS,
    METADATA,
    Definition,
    Store,
    exact_paths,
    open_store,
)
from fastphash.thumbnail import vertical_first
from fastphash.words import ORIENTATIONS, SIDE, UNKNOWN_CHROMA, PassOrder

# where a row lies in its store, counted through all parts
_ROW = "_row"
# columns that are read when they are asked for, for the rows that are left then
_LATER = ("thumbnail", "chroma")
# columns of a file: what other tools call so is of another type, and something else
_OURS = {
    "digest": pa.binary(16),
    "thumbnail": pa.binary(SIDE * SIDE),
    "chroma": pa.binary(CHROMA_BYTES),
}
_NUMBERS = ("size", "width", "height", "multiframe")


class Content(NamedTuple):
    """What is known of some images besides their hashes.

    Attributes
    ----------
    thumbnails : uint8 (n, 1024), optional
    chroma : int8 (n, 128), optional
        As in `Hashes`.
    digests : uint64 (n, 2), optional
    """

    thumbnails: NDArray[np.uint8] | None = None
    chroma: NDArray[np.int8] | None = None
    digests: NDArray[np.uint64] | None = None

    @property
    def looks(self) -> list[NDArray[np.uint8]]:
        """Thumbnails and chroma, as far as they are known."""
        return [column.view(np.uint8) for column in self[:2] if column is not None]

    def take(self, rows: NDArray[np.int64]) -> "Content":
        """That of some of them."""
        columns: Iterable[NDArray[Any] | None] = self
        return Content(*(None if column is None else column[rows] for column in columns))

    def same_bytes(
        self, rows: NDArray[np.int64], other: "Content", other_rows: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether files are known to have the same bytes as the others': bool (n,)."""
        if self.digests is None or other.digests is None:
            return np.zeros(rows.size, np.bool_)
        same: NDArray[np.bool_] = (self.digests[rows] == other.digests[other_rows]).all(axis=1)
        return same


class Hashes:
    """Rows to be joined: of a store, of one split of it, or of any Parquet file of hashes.

    Parameters
    ----------
    table : pyarrow.Table
        Columns of `store_schema`, of which only split, path and phash must be there.
    definition : Definition
    store : Store, optional
        Where thumbnails and chroma come from that are not in the table.
    """

    def __init__(self, table: pa.Table, definition: Definition, store: Store | None = None) -> None:
        self.table = table
        self.definition = definition
        self.store = store

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def take(self, rows: NDArray[np.int64]) -> "Hashes":
        """These rows, in this order."""
        return Hashes(self.table.take(pa.array(rows)), self.definition, self.store)

    def with_thumbnails(self) -> "Hashes":
        """The same rows with thumbnails and chroma in the table, and no store behind it."""
        table, pixels, chroma = self.table, self.thumbnails, self.chroma
        if _ROW in table.column_names:
            table = table.drop_columns([_ROW])
        if pixels is not None and "thumbnail" not in table.column_names:
            table = table.append_column("thumbnail", _fixed_column(pixels))
        if chroma is not None and "chroma" not in table.column_names:
            known = chroma[:, 0] != UNKNOWN_CHROMA
            table = table.append_column("chroma", _fixed_column(chroma.view(np.uint8), known))
        return Hashes(table, self.definition)

    @property
    def columns(self) -> tuple[tuple[int, ...], bool, bool]:
        """Which orientations, and whether thumbnails and digests, all rows have."""
        stored = self.store is not None and self.store.layout.thumbnails
        return (
            self.known,
            stored or "thumbnail" in self.table.column_names,
            self.digests is not None,
        )

    @property
    def has_thumbnails(self) -> bool:
        """Whether all rows have one; those of a store aren't read for that."""
        return self.columns[1] and (self.store is not None or self.thumbnails is not None)

    def where_split(self, split: str) -> "Hashes":
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
            for t, name in enumerate(HASH_COLUMNS)
            if t == 0 or (name in columns and not self.table[name].null_count)
        )

    @cached_property
    def phashes(self) -> NDArray[np.uint64]:
        """uint64 (n, 8), or (n, 1) where only the identity is known."""
        if self.known == (0,):
            only: NDArray[np.uint64] = self.table["phash"].to_numpy()[:, None]
            return only
        out = np.zeros((len(self), len(ORIENTATIONS)), np.uint64)
        for t in self.known:
            out[:, t] = self.table[HASH_COLUMNS[t]].to_numpy()
        return out

    @cached_property
    def digests(self) -> NDArray[np.uint64] | None:
        """XXH3-128 of the files, uint64 (n, 2), or None."""
        words = self._fixed("digest")
        return None if words is None else words.view(np.uint64)

    @cached_property
    def thumbnails(self) -> NDArray[np.uint8] | None:
        """uint8 (n, 1024), or None; of a store they are read now, for these rows only."""
        if self.store is None or not self.store.layout.thumbnails:
            return self._fixed("thumbnail")
        out = np.empty((len(self), SIDE * SIDE), np.uint8)
        for rows, column, places in self._stored("thumbnail"):
            out[rows] = _fixed_width(column)[places]
        return out

    @cached_property
    def chroma(self) -> NDArray[np.int8] | None:
        """int8 (n, 128): 64 cells' means of Cb - 128, row by row, and then of Cr - 128; or None.

        They lie between -127 and 127; where a row's colours aren't known, its first value is
        `fastphash.words.UNKNOWN_CHROMA`, -128, and the others are 0. Of a store they are read now,
        for these rows only.
        """
        if self.store is None or not self.store.layout.thumbnails:
            there = "chroma" in self.table.column_names
            return _chroma_values(self.table["chroma"]) if there else None
        out = np.empty((len(self), CHROMA_BYTES), np.int8)
        for rows, column, places in self._stored("chroma"):
            out[rows] = _chroma_values(column)[places]
        return out

    @property
    def content(self) -> Content:
        """What is known of these rows besides their hashes; of a store it is read now."""
        return Content(self.thumbnails, self.chroma, self.digests)

    @cached_property
    def paths(self) -> pa.ChunkedArray:
        """Exact names, binary."""
        return exact_paths(self.table)

    def numbers(self, name: str) -> NDArray[np.int64]:
        """A column of integers; zeros where it is missing."""
        if name not in self.table.column_names:
            return np.zeros(len(self), np.int64)
        values: NDArray[np.int64] = self.table[name].cast(pa.int64()).fill_null(0).to_numpy()
        return values

    def _stored(
        self, name: str
    ) -> Iterator[tuple[NDArray[np.int64], pa.ChunkedArray, NDArray[np.int64]]]:
        """A column of each part of the store that has some of these rows: which, and where."""
        assert self.store is not None
        wanted = self.table[_ROW].to_numpy()
        start = 0
        for part in self.store.parts:
            rows = np.flatnonzero((wanted >= start) & (wanted < start + part.rows))
            if rows.size:
                yield rows, self.store.read_part(part, [name])[name], wanted[rows] - start
            start += part.rows

    def _fixed(self, name: str) -> NDArray[np.uint8] | None:
        if name not in self.table.column_names or self.table[name].null_count:
            return None
        return _fixed_width(self.table[name])


def _chroma_values(column: pa.ChunkedArray) -> NDArray[np.int8]:
    """The column chroma as int8 (n, 128), with UNKNOWN_CHROMA first in rows that are null."""
    values = _fixed_width(column).view(np.int8)
    if not column.null_count:
        return values
    unknown = column.is_null().to_numpy()
    values = np.where(unknown[:, None], np.int8(0), values)
    values[unknown, 0] = UNKNOWN_CHROMA
    return values


def _fixed_column(
    values: NDArray[np.uint8], known: NDArray[np.bool_] | None = None
) -> pa.FixedSizeBinaryArray:
    """A column of uint8 (n, width); null where a row isn't `known`."""
    valid = None if known is None else pa.array(known).buffers()[1]
    data = pa.py_buffer(np.ascontiguousarray(values))
    kind = pa.binary(values.shape[1])
    return pa.FixedSizeBinaryArray.from_buffers(kind, len(values), [valid, data])


def _fixed_width(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """A column of fixed_size_binary as uint8 (n, width); what rows hold that are null is chance."""
    width = column.type.byte_width
    pieces = [np.empty((0, width), np.uint8)]
    for chunk in column.chunks:
        data = np.frombuffer(chunk.buffers()[1] or b"", np.uint8)
        start = chunk.offset * width
        pieces.append(data[start : start + len(chunk) * width].reshape(-1, width))
    return pieces[1] if len(pieces) == 2 else np.concatenate(pieces)


def read_hashes(target: str) -> Hashes:
    """Rows of ``STORE[@SPLIT]`` or of a Parquet file with the columns path and phash.

    Raises
    ------
    UsageError
        Nothing there, or no such split.
    StoreError
        What is there holds no hashes, or is damaged.
    """
    path, split = _split_target(target)
    if path.is_file():
        return _read_file(path, split)
    store = open_store(path)
    store.verify()
    if split is not None and split not in store.roots:
        raise UsageError(f"{path} has no split {split!r}: it has {', '.join(store.roots)}")
    schema = pa.schema([column for column in store.schema if column.name not in _LATER])
    parts = [store.read_part(part, schema.names) for part in store.parts]
    table = pa.concat_tables([schema.empty_table(), *(part.cast(schema) for part in parts)])
    table = table.unify_dictionaries()
    table = table.append_column(_ROW, pa.array(np.arange(table.num_rows)))
    return Hashes(_one_split(table, split), store.definition, store)


def same_rows(one: str, other: str) -> bool:
    """Whether two targets name the same rows, however they are spelled."""
    a, b = _split_target(one), _split_target(other)
    return a[1] == b[1] and os.path.realpath(a[0]) == os.path.realpath(b[0])


def read_together(targets: list[str]) -> Hashes:
    """Rows of several stores or files, in the order given, to be grouped as one.

    Raises
    ------
    DefinitionError
        Their hashes were made in different ways.
    UsageError
        Two of them have a split of the same name.
    """
    several = [read_hashes(target) for target in targets]
    if len(several) == 1:
        return several[0]
    owner: dict[str, str] = {}
    for target, hashes in zip(targets, several, strict=True):
        for split in np.unique(hashes.splits.astype(str)).tolist():
            if split in owner:
                raise UsageError(f"both {owner[split]} and {target} have a split {split!r}")
            owner[split] = target
    for (one, a), (other, b) in itertools.combinations(zip(targets, several, strict=True), 2):
        check_joinable(a, b)
        if a.columns != b.columns:
            raise DefinitionError(
                f"{one} and {other} keep different columns (orientations, thumbnails or digests): "
                "hash them alike to group them as one"
            )
    # thumbnails are read row by row from one store only
    full = [hashes.with_thumbnails().table for hashes in several]
    table = pa.concat_tables(full, promote_options="permissive").unify_dictionaries()
    return Hashes(table, several[0].definition)


def describe(hashes: Hashes) -> dict[str, Any]:
    """What rows of hashes are: splits, definition, columns, and how many hashes are unusual."""
    store = hashes.store
    rejected = store.rejected()["split"].to_pylist() if store else []
    roots = store.roots if store else {}
    names, counts = np.unique(hashes.splits.astype(str), return_counts=True)
    return {
        "splits": {
            name: {"images": count, "rejected": rejected.count(name), "root": roots.get(name, "")}
            for name, count in zip(names.tolist(), counts.tolist(), strict=True)
        },
        "definition": str(hashes.definition),
        "orientations": [ORIENTATIONS[t] for t in hashes.known],
        "thumbnails": bool(store and store.layout.thumbnails),
        "multiframe": int(hashes.numbers("multiframe").sum()),
        "unusual_hashes": int((np.bitwise_count(hashes.phashes[:, 0]) != 32).sum()),
    }


def check_joinable(one: Hashes, other: Hashes) -> None:
    """Raise DefinitionError unless the hashes of both mean the same."""
    a, b = one.definition.like(other.definition), other.definition
    if a == b:
        return
    only_order = replace(a, pass_order=b.pass_order) == b and a.decode == "full"
    if only_order and all(
        _same_order(hashes, a.pass_order, b.pass_order) for hashes in (one, other)
    ):
        return
    raise DefinitionError(
        f"these hashes were made in different ways: needles {one.definition}; "
        f"haystack {other.definition}. Hash both the same way, or vouch for hashes from "
        "elsewhere with `fastphash convert --as`"
    )


def _same_order(hashes: Hashes, one: PassOrder, other: PassOrder) -> bool:
    """Whether no image, nor its transpose, would be resized differently under two pass orders."""
    if "width" not in hashes.table.column_names or hashes.table["width"].null_count:
        return False
    sizes = set(zip(hashes.numbers("width"), hashes.numbers("height"), strict=True))
    return all(
        vertical_first(w, h, one) == vertical_first(w, h, other)
        for width, height in sizes
        for w, h in ((width, height), (height, width))
    )


def _split_target(target: str) -> tuple[Path, str | None]:
    if os.path.exists(target):
        return Path(target), None
    path, separator, split = target.rpartition("@")
    return (Path(path), split) if separator else (Path(target), None)


def _one_split(table: pa.Table, split: str | None) -> pa.Table:
    return table if split is None else table.filter(pc.equal(table["split"].cast("string"), split))


def _is_ours(field: pa.Field) -> bool:
    if field.name in _NUMBERS:
        return bool(pa.types.is_integer(field.type) or pa.types.is_boolean(field.type))
    return bool(field.type == _OURS.get(field.name, field.type))


def _read_file(path: Path, split: str | None) -> Hashes:
    table = tables.read_table(path)
    if "split" not in table.column_names:
        names = pa.array([path.stem] * table.num_rows, pa.string())
        table = table.append_column("split", names)
    kinds = {"path": pa.string(), "phash": pa.uint64(), "split": pa.string()}
    further = [name for name in HASH_COLUMNS[1:] if name in table.column_names]
    for name, kind in (kinds | dict.fromkeys(further, pa.uint64())).items():
        if name not in table.column_names:
            raise StoreError(f"{path} has no column {name!r}: a file of hashes has path and phash")
        try:
            table = table.set_column(table.column_names.index(name), name, table[name].cast(kind))
        except pa.ArrowException as error:
            raise StoreError(f"{path}: column {name!r} can't be read as {kind}: {error}") from error
        if name in kinds and table[name].null_count:
            raise StoreError(f"{path}: column {name!r} has rows without a value")
    place = table.column_names.index("split")
    table = table.set_column(place, "split", table["split"].dictionary_encode())
    table = table.drop_columns([field.name for field in table.schema if not _is_ours(field)])
    made = json.loads((table.schema.metadata or {}).get(METADATA, b"{}"))
    definition = Definition(**made["definition"]) if made else FOREIGN
    if split is not None and split not in table["split"].to_pylist():
        raise UsageError(f"{path} has no split {split!r}")
    return Hashes(_one_split(table, split), definition)

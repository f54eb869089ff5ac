"""Stores and tables of hashes made by hand, and what stores hold."""

import numpy as np
import pyarrow as pa

from fastphash.files import parquet
from fastphash.hashing.definition import Definition
from fastphash.store.create import create_store
from fastphash.store.part_files import draft_part, list_drafts
from fastphash.store.rows import HashTable
from fastphash.store.schema import Layout
from fastphash.store.store import open_store


def read_store(path):
    """All rows of a store, in order."""
    store = open_store(path)
    store.verify()
    return pa.concat_tables([store.schema.empty_table(), *map(store.read_part, store.parts)])


def part_bytes(path):
    """The bytes of every part of a store, by name."""
    return {part.name: part.read_bytes() for part in sorted(path.glob("part-*.parquet"))}


def write_store(path, *pieces, definition=None, layout=None):
    """A store made by hand: each piece, a dict of columns, becomes a part.

    Hashes that aren't given are 0, the rest is null.
    """
    store = create_store(path, definition or Definition(), layout or Layout())
    for columns in pieces:
        rows = len(columns["path"])
        full = {name: columns.get(name, pa.nulls(rows)) for name in store.schema.names}
        full["split"] = columns.get("split", ["all"] * rows)
        full["phash"] = columns.get("phash", pa.array([0] * rows, pa.uint64()))
        table = pa.table({name: _column(full[name]) for name in full}).cast(store.schema)
        list_drafts(store, [draft_part(store, table, store.new_part_name())])
        store.roots |= dict.fromkeys(full["split"], "")
    store.save()
    return store


def write_hashes(path, /, **columns):
    """A Parquet file of columns, as another tool would write it."""
    table = pa.table({name: _column(values) for name, values in columns.items()})
    parquet.write_table(path, table)
    return path


def hashes_of(columns, definition=None):
    """Rows to join, without a store."""
    return HashTable(
        pa.table({name: _column(values) for name, values in columns.items()}),
        definition or Definition(),
    )


def _column(values):
    if isinstance(values, np.ndarray) and values.ndim == 2:
        return pa.array(
            [row.tobytes() for row in values], pa.binary(values.itemsize * values.shape[1])
        )
    return pa.array(values) if not isinstance(values, (pa.Array, pa.ChunkedArray)) else values


def paths(store):
    return read_store(store)["path"].to_pylist()


def rejected(store):
    rows = open_store(store).rejected().to_pylist()
    return {(row["split"], row["path"]): (row["stage"], row["reason"]) for row in rows}


def hashes(rows, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, rows, np.uint64)

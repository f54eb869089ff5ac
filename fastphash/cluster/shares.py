"""Shares of the rows that are joined: what one task reads.

A share names files, so that a worker reads them by itself: Spark has no unsigned numbers, and would
make decimals of hashes. Rows of other tables than Parquet travel in the share.
"""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.files import parquet, row_groups
from fastphash.store.byte_columns import hash_values
from fastphash.store.rows import STORE_ROW, HashTable

#: Rows of one share, about: what a task holds in memory at once.
SHARE_ROWS = 1 << 20
#: The column of shares, and those that say whose rows they are.
SHARE_SCHEMA = pa.schema([("side", pa.int32()), ("first_row", pa.int64()), ("share", pa.binary())])


class Share(Protocol):
    """Some rows of one side, one after the other."""

    def read(self) -> NDArray[np.uint64]:
        """Their hashes, upright and in the other known orientations: uint64 (n, columns)."""


@dataclass(frozen=True)
class Given:
    """Rows that travel with the share: uint64 (n, columns)."""

    hashes: NDArray[np.uint64]

    def read(self) -> NDArray[np.uint64]:
        """Their hashes."""
        return self.hashes


class FilePart(NamedTuple):
    """Rows of a Parquet file: all, those of some row groups, or some by their numbers."""

    path: str
    groups: tuple[int, ...] | None = None
    rows: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class InFiles:
    """Rows of Parquet files, such as parts of a store.

    Attributes
    ----------
    columns : tuple of str
        Those of hashes.
    parts : tuple of FilePart
    """

    columns: tuple[str, ...]
    parts: tuple[FilePart, ...]

    def read(self) -> NDArray[np.uint64]:
        """Their hashes; StoreError if a file can't be read."""
        names = [*self.columns]
        pieces = [np.empty((0, len(names)), np.uint64)]
        for path, groups, rows in self.parts:
            if groups is None:
                tables = iter((parquet.read_table(Path(path), names),))
            else:
                tables = row_groups.read_row_groups(Path(path), [*groups], names, SHARE_ROWS)
            for table in tables:
                hashes = np.stack([hash_values(table[name]) for name in names], axis=1)
                pieces.append(hashes if rows is None else hashes[rows])
        return np.concatenate(pieces)


def shares_of(rows: HashTable, share_rows: int = SHARE_ROWS) -> Iterator[tuple[int, Share]]:
    """The rows of a table in shares, each with the number of its first row."""
    in_store = rows.store is not None and STORE_ROW in rows.table.column_names
    if not (in_store or rows.file):
        hashes = _known_hashes(rows)
        for start in range(0, len(rows), share_rows):
            yield start, Given(np.ascontiguousarray(hashes[start : start + share_rows]))
        return
    columns = tuple(rows.definition.columns[t] for t in rows.known)
    first, size = 0, 0
    parts: list[FilePart] = []
    for part, number in _chosen_parts(rows) if in_store else _row_groups(rows):
        if size and size + number > share_rows:
            yield first, InFiles(columns, tuple(parts))
            first, size, parts = first + size, 0, []
        parts.append(part)
        size += number
    if size:
        yield first, InFiles(columns, tuple(parts))


def _known_hashes(rows: HashTable) -> NDArray[np.uint64]:
    """Hashes of known orientations only: uint64 (n, columns)."""
    return np.stack([hash_values(rows.table[rows.definition.columns[t]]) for t in rows.known], 1)


def _chosen_parts(rows: HashTable) -> Iterator[tuple[FilePart, int]]:
    """The parts of a store with some of the rows, and how many."""
    assert rows.store is not None
    wanted = rows.table[STORE_ROW].to_numpy()
    start = 0
    for part in rows.store.parts:
        # rows of a store are read in its order
        low, high = np.searchsorted(wanted, [start, start + part.rows])
        if high > low:
            chosen = None if high - low == part.rows else wanted[low:high] - start
            path = str(rows.store.part_path(part).absolute())
            yield FilePart(path, None, chosen), int(high - low)
        start += part.rows


def _row_groups(rows: HashTable) -> Iterator[tuple[FilePart, int]]:
    """The row groups of a file, and their rows."""
    assert rows.file is not None
    for group, size in enumerate(row_groups.row_group_sizes(rows.file)):
        yield FilePart(str(rows.file.absolute()), (group,)), size


def share_table(sides: list[HashTable], share_rows: int = SHARE_ROWS) -> pa.Table:
    """The shares of all sides, as Spark passes them to tasks: columns of `SHARE_SCHEMA`."""
    listed = [
        (side, first, pickle.dumps(share))
        for side, rows in enumerate(sides)
        for first, share in shares_of(rows, share_rows)
    ]
    columns = zip(*listed, strict=True) if listed else ([], [], [])
    return pa.table([pa.array(column) for column in columns], SHARE_SCHEMA.names).cast(SHARE_SCHEMA)


def read_shares(
    batches: Iterator[pa.RecordBatch], sides: tuple[int, ...]
) -> Iterator[tuple[int, int, NDArray[np.uint64]]]:
    """The shares of some sides in batches of `SHARE_SCHEMA`: side, first row and hashes."""
    for batch in batches:
        for side, first, pickled in zip(
            *(batch.column(i).to_pylist() for i in range(3)), strict=True
        ):
            if side in sides:
                # what the driver of this very job has pickled
                yield side, first, pickle.loads(pickled).read()  # noqa: S301

"""Thumbnails and colours of rows, which tables of some of these rows share."""

import contextlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from fastphash.base.mapped import let_go, map_rows
from fastphash.base.vocabulary import THUMBNAIL_SIDE, UNKNOWN_CHROMA
from fastphash.store.byte_columns import fixed_width
from fastphash.store.pair_scores import PairScores
from fastphash.store.schema import CHROMA_BYTES
from fastphash.store.store import Store

# rows whose thumbnails are rather in a file than in memory: 64 MB
_MANY = 1 << 16
# rows whose keys are made at once
_KEYS_AT_ONCE = 1 << 14


class PixelKeys:
    """Keys of thumbnails and chroma, made when they are first asked for.

    Rows that are compared again and again needn't be looked through again and again.

    Parameters
    ----------
    columns : sequence of arrays (m, ...)

    Attributes
    ----------
    flat : int8 (m,), optional
        What `fastphash.verification.flatness` has found out about each: 1, 0, or -1 for nothing.
    """

    def __init__(self, columns: list[NDArray[Any]]) -> None:
        self._columns = columns
        self.flat: NDArray[np.int8] | None = None

    @cached_property
    def values(self) -> NDArray[np.uint64]:
        """Equal for rows that are equal in all columns: XXH3-128 of each, uint64 (m, 2 k)."""
        keys = [_digests(column) for column in self._columns]
        return np.ascontiguousarray(np.concatenate(keys, axis=1))


class Appearance(NamedTuple):
    """Thumbnails and chroma of some rows.

    Attributes
    ----------
    thumbnails : uint8 (m, 1024), optional
    chroma : int8 (m, 128), optional
    place : int64 (n,), optional
        Which of these each of the rows has; by default row i has number i.
    keys : PixelKeys, optional
        None where neither is known.
    scores : PairScores, optional
        None where there are no thumbnails.
    """

    thumbnails: NDArray[np.uint8] | None
    chroma: NDArray[np.int8] | None
    place: NDArray[np.int64] | None
    keys: PixelKeys | None
    scores: PairScores | None = None

    @classmethod
    def of(
        cls, thumbnails: NDArray[np.uint8] | None, chroma: NDArray[np.int8] | None
    ) -> "Appearance":
        """That of rows of which each has its own."""
        known: list[NDArray[Any]] = [one for one in (thumbnails, chroma) if one is not None]
        scores = None if thumbnails is None else PairScores()
        return cls(thumbnails, chroma, None, PixelKeys(known) if known else None, scores)

    def take(self, rows: NDArray[np.int64]) -> "Appearance":
        """That of these rows, without a copy."""
        return self._replace(place=rows if self.place is None else self.place[rows])

    def placed(self, column: NDArray[Any] | None) -> NDArray[Any] | None:
        """The thumbnails or chroma of each row."""
        return column if column is None or self.place is None else column[self.place]


def table_appearance(table: pa.Table) -> Appearance:
    """The columns thumbnail and chroma of a table, as far as it has them."""
    chroma = _chroma_values(table["chroma"]) if "chroma" in table.column_names else None
    return Appearance.of(column_bytes(table, "thumbnail"), chroma)


def read_appearance(store: Store, rows: NDArray[np.int64]) -> Appearance:
    """That of these rows of a store that has thumbnails."""
    if rows.size < _MANY or (np.diff(rows) > 0).all():
        return Appearance.of(read_thumbnails(store, rows), read_chroma(store, rows))
    # in the order of the store, in which they can lie in a file
    stored, place = np.unique(rows, return_inverse=True)
    return read_appearance(store, stored).take(place)


def read_thumbnails(store: Store, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The thumbnails of these rows, uint8 (n, 1024), read part by part.

    Those of many rows are put into a file beside the store, if there can be one: see
    `fastphash.base.mapped`.
    """
    if rows.size >= _MANY and (np.diff(rows) > 0).all():
        # as without the file, if it can't be written
        with contextlib.suppress(OSError):
            stored = read_stored(store, rows, "thumbnail")
            pieces = (fixed_width(column)[places] for _, column, places in stored)
            return map_rows(store.path, pieces, THUMBNAIL_SIDE * THUMBNAIL_SIDE)
    thumbnails = np.empty((rows.size, THUMBNAIL_SIDE * THUMBNAIL_SIDE), np.uint8)
    for found, column, places in read_stored(store, rows, "thumbnail"):
        thumbnails[found] = fixed_width(column)[places]
    return thumbnails


def read_chroma(store: Store, rows: NDArray[np.int64]) -> NDArray[np.int8]:
    """The chroma of these rows, int8 (n, 128), read part by part."""
    chroma = np.empty((rows.size, CHROMA_BYTES), np.int8)
    for found, column, places in read_stored(store, rows, "chroma"):
        chroma[found] = _chroma_values(column)[places]
    return chroma


def read_stored(
    store: Store, wanted: NDArray[np.int64], name: str
) -> Iterator[tuple[NDArray[np.int64], pa.ChunkedArray, NDArray[np.int64]]]:
    """A column of each part that has some of the rows `wanted`, by their places in the store.

    Before the column come the places of these rows in `wanted`, after it those in the column.
    """
    start = 0
    for part in store.parts:
        rows = np.flatnonzero((wanted >= start) & (wanted < start + part.rows))
        if rows.size:
            yield rows, store.read_part(part, [name])[name], wanted[rows] - start
        start += part.rows


def read_column(store: Store, wanted: NDArray[np.int64], name: str) -> pa.ChunkedArray:
    """A column of a store, for the rows `wanted`."""
    pieces, places = [], [np.empty(0, np.int64)]
    for rows, column, chosen in read_stored(store, wanted, name):
        pieces.append(column.take(chosen))
        places.append(rows)
    chunks = [chunk for piece in pieces for chunk in piece.chunks]
    column = pa.chunked_array(chunks, store.schema.field(name).type)
    return column.take(np.argsort(np.concatenate(places)))


def column_bytes(table: pa.Table, name: str) -> NDArray[np.uint8] | None:
    """A column of fixed_size_binary as uint8 (n, width), or None if a row has none."""
    if name not in table.column_names or table[name].null_count:
        return None
    return fixed_width(table[name])


def _chroma_values(column: pa.ChunkedArray) -> NDArray[np.int8]:
    """The column chroma as int8 (n, 128); a null is UNKNOWN_CHROMA and then zeros."""
    values = fixed_width(column).view(np.int8)
    if not column.null_count:
        return values
    unknown = column.is_null().to_numpy()
    values = np.where(unknown[:, None], np.int8(0), values)
    values[unknown, 0] = UNKNOWN_CHROMA
    return values


def _digests(column: NDArray[Any]) -> NDArray[np.uint64]:
    """XXH3-128 of each row, uint64 (m, 2)."""
    digest = xxhash.xxh3_128_digest
    digests = np.empty((len(column), 2), np.uint64)
    for start in range(0, len(column), _KEYS_AT_ONCE):
        some = np.ascontiguousarray(column[start : start + _KEYS_AT_ONCE])
        joined = b"".join(map(digest, some))
        digests[start : start + _KEYS_AT_ONCE] = np.frombuffer(joined, np.uint64).reshape(-1, 2)
        let_go(column)
    return digests

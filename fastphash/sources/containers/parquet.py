"""Parquet files with images inside: a column of bytes, or one of structs with ``bytes``.

Members are rows. Images are read in small batches of the one column, through a small buffer:
otherwise pyarrow holds all images of a row group.
"""

import contextlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from fastphash.errors import ImageError
from fastphash.files.atomic import one_line
from fastphash.files.parquet import release_memory
from fastphash.sources.containers.format import CHANGED, ContainerError, Member
from fastphash.sources.containers.input import open_input, open_regular, read_each
from fastphash.sources.containers.keys import NAME_RULES, key_finder, key_rule
from fastphash.sources.containers.parquet_columns import (
    Column,
    ImageColumn,
    as_key,
    find_images,
    find_keys,
)
from fastphash.sources.remote.address import is_remote

#: What pyarrow raises for files that are damaged.
FAILURES = (pa.ArrowException, OSError, ValueError, TypeError, LookupError, OverflowError)
# bytes of a batch, by the mean of its row group, and its most rows
_BATCH_BYTES, _BATCH_ROWS = 1 << 22, 64
_BUFFER = 1 << 16
# the same where each request takes its time, and bytes of row groups that are asked for at once
_DISTANT_BUFFER, _ASKED_AT_ONCE = 1 << 20, 16 << 20


class ParquetContainer:
    """An open Parquet file.

    Parameters
    ----------
    path : bytes
    image_column : str, optional
        Name of the column; a dot separates the parts of a nested one. By default the only one that
        may hold images.

    Raises
    ------
    ContainerError
        The file can't be read, or it isn't clear which column is meant.
    """

    def __init__(self, path: bytes, image_column: str | None = None) -> None:
        self._path = path
        self._file = _open(path)
        try:
            self._parquet = _parquet_file(self._file, distant=is_remote(path))
            schema = self._parquet.schema_arrow
            # names that aren't UTF-8 are errors here
            _ = schema.names
            self._column = find_images(schema, image_column)
            self._ends = self._row_group_ends()
        except FAILURES as error:
            self._file.close()
            raise ContainerError(_reason(error)) from error
        except ContainerError:
            self._file.close()
            raise
        # pyarrow keeps what it frees, 40 MB of a large row group; to give it back takes time
        self._rows = _Rows(self._parquet, self._column, -1, 0, releases=is_remote(path))

    def members(self, key: str | None = None) -> Iterator[Member]:
        """A row each, by what the footer says.

        Keys are those of a column, or come from the paths that structs have beside the bytes.
        """
        keys = self._key_column(key)
        find_key = key_finder(self._path, key)
        row = 0
        for group, end in enumerate(self._ends):
            for name in self._values(group, keys):
                yield Member(b"%d" % row, find_key(name), row, 0)
                row += 1
            if row != end:
                raise ContainerError(f"row group {group} has other rows than its footer says")

    def read(self, members: Sequence[Member]) -> Iterator[bytes | ImageError]:
        """The bytes of each row, or why it has none. Rows in ascending order are read once."""
        return read_each(lambda member: self._read(member.offset), members)

    def read_images(self, members: Sequence[Member]) -> Iterator[bytes | ImageError]:
        """As of `Container`: all rows are images."""
        return self.read(members)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _row_group_ends(self) -> list[int]:
        metadata = self._parquet.metadata
        ends, end = [], 0
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group).num_rows
            if rows < 0:
                raise ContainerError(f"damaged: row group {group} has {rows:,} rows")
            end += rows
            ends.append(end)
        return ends

    def _key_column(self, key: str | None) -> Column | None:
        """The column of what keys are, or come from."""
        rule = key_rule(self._path, key)
        if rule not in NAME_RULES:
            return find_keys(self._parquet.schema_arrow, rule)
        return self._column.paths

    def _values(self, group: int, column: Column | None) -> Iterator[bytes]:
        """The values of a column in a row group; without a column empty ones."""
        if column is None:
            start = self._ends[group - 1] if group else 0
            yield from (b"" for _ in range(start, self._ends[group]))
            return
        try:
            for batch in self._parquet.iter_batches(
                1024, row_groups=[group], columns=[column.name], use_threads=False
            ):
                yield from map(as_key, column.values(batch).to_pylist())
        except FAILURES as error:
            raise ContainerError(f"damaged in row group {group}: {_reason(error)}") from error

    def _read(self, row: int) -> bytes:
        group = bisect_right(self._ends, row)
        if row < 0 or group == len(self._ends):
            raise ImageError("read", CHANGED)
        within = row - (self._ends[group - 1] if group else 0)
        if self._rows.group != group or within < self._rows.start:
            size, releases = self._batch_rows(group), is_remote(self._path)
            self._rows = _Rows(self._parquet, self._column, group, size, releases=releases)
        return self._rows.read(within)

    def _batch_rows(self, group: int) -> int:
        # of all columns: a damaged footer of one column ends the process in pyarrow
        metadata = self._parquet.metadata.row_group(group)
        mean = max(metadata.total_byte_size // max(metadata.num_rows, 1), 1)
        return int(max(1, min(_BATCH_ROWS, _BATCH_BYTES // mean)))


def _open(path: bytes) -> pa.NativeFile:
    if is_remote(path):
        return pa.PythonFile(open_input(path).as_file(), mode="r")
    open_regular(path).close()
    try:
        # not by its path, because pyarrow doesn't take names that aren't UTF-8
        return pa.OSFile(path)
    except FAILURES as error:
        raise ContainerError(_reason(error)) from error


def _parquet_file(file: pa.NativeFile, *, distant: bool) -> pq.ParquetFile:
    """A Parquet file that is read forward, in memory for little more than a batch."""
    found = pq.ParquetFile(file, buffer_size=_BUFFER, page_checksum_verification=True)
    if not distant:
        return found
    groups = map(found.metadata.row_group, range(found.metadata.num_row_groups))
    whole = max((group.total_byte_size for group in groups), default=0) <= _ASKED_AT_ONCE
    return pq.ParquetFile(
        file,
        metadata=found.metadata,
        # few large requests, for all of a row group, where each takes its time
        pre_buffer=whole,
        buffer_size=0 if whole else _DISTANT_BUFFER,
        page_checksum_verification=True,
    )


class _Rows:
    """The rows of one row group, read forward.

    Attributes
    ----------
    group : int
    start : int
        First row that can still be read.
    """

    def __init__(
        self,
        parquet: pq.ParquetFile,
        column: ImageColumn,
        group: int,
        size: int,
        *,
        releases: bool,
    ) -> None:
        self.group = group
        self.start = 0
        self._parquet = parquet
        self._column = column
        self._size = size
        self._releases = releases
        self._values: pa.Array | None = None
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._open(size)
        self._broken = ""

    def read(self, row: int) -> bytes:
        """The bytes of a row; ImageError if it has none or can't be read."""
        while self._values is None or row >= self.start + len(self._values):
            if self._broken:
                raise ImageError("read", self._broken)
            self._advance()
        return _image(self._values[row - self.start])

    def _open(self, size: int) -> None:
        self._values = None
        self.start = 0
        if size:
            self._batches = self._parquet.iter_batches(
                size, row_groups=[self.group], columns=self._column.leaves, use_threads=False
            )

    def _advance(self) -> None:
        self.start += len(self._values) if self._values is not None else 0
        self._values = None
        if self._releases:
            release_memory()
        try:
            batch = next(self._batches)
            values = self._column.values(batch)
        except StopIteration:
            self._broken = CHANGED
        except FAILURES as error:
            if self._size == 1:
                self._broken = f"this row group is damaged from here on: {_reason(error)}"
                return
            # rows of the batch before the damage are whole
            self._size = 1
            self._open(1)
        else:
            self._values = values


def _image(value: Any) -> bytes:
    """The bytes of a value of the column."""
    found = value.as_py()
    if isinstance(found, dict):
        path = found.get("path")
        found = found["bytes"]
        if found is None and path:
            raise ImageError("read", f"no image, only its path: {path!r}")
    if found is None:
        raise ImageError("read", "no image: the row has a null")
    return bytes(found)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or one_line(error)


def column_names(path: bytes) -> list[str]:
    """Names of the columns of a Parquet file; none if it can't be read."""
    with contextlib.suppress(ContainerError, *FAILURES):
        open_regular(path).close()
        with pa.OSFile(path) as file:
            names: list[str] = pq.read_schema(file).names
            return names
    return []

"""Parquet files without some rows: all columns, row group by row group."""

import os
from collections.abc import Collection, Iterator
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fastphash.files.assembled import NewFile, Output
from fastphash.files.atomic import one_line
from fastphash.files.page_headers import has_checksums
from fastphash.files.parquet import writer_like
from fastphash.sources.containers.format import ContainerError, Member
from fastphash.sources.containers.parquet import FAILURES, ParquetContainer

# most bytes of rows in memory: a larger row group becomes several
_MOST_BYTES = 128 << 20
# rows that are read at once, and their bytes by the mean of a row group
_BATCH_ROWS, _BATCH_BYTES = 1024, 16 << 20


class ParquetShard:
    """A Parquet file that is copied without some rows.

    Columns keep their types, compression and dictionaries, the file its metadata. Pages get
    checksums only if they had some: these take a third of the time. Each row group gives one of the
    rows that stay, or several if it takes more than 128 MB of memory.

    Parameters
    ----------
    path : bytes
    image_column : str or None
        As of `ParquetContainer`.
    """

    def __init__(self, path: bytes, image_column: str | None) -> None:
        self._container = ParquetContainer(path, image_column)
        try:
            self._file = pa.OSFile(path)
            self._parquet = pq.ParquetFile(
                self._file, pre_buffer=False, buffer_size=1 << 20, page_checksum_verification=True
            )
        except FAILURES as error:
            # it was replaced since it was opened
            self._container.__exit__()
            raise ContainerError(one_line(error)) from error

    def members(self) -> list[Member]:
        """As of `Shard`, by the footer alone: each row is a sample of its own."""
        groups = map(self._parquet.metadata.row_group, range(self._parquet.num_row_groups))
        count = sum(group.num_rows for group in groups)
        return [Member(b"%d" % row, b"", row, 0) for row in range(count)]

    def write(self, going: Collection[bytes], output: Output) -> None:
        """As of `Shard`."""
        rows = np.sort(np.array([int(number) for number in going], np.int64))
        try:
            checksums = has_checksums(self._file, self._parquet)
            with (
                _opened(output) as file,
                writer_like(self._parquet, file, checksums=checksums) as writer,
            ):
                start = 0
                for group in range(self._parquet.num_row_groups):
                    count = self._parquet.metadata.row_group(group).num_rows
                    within = rows[(rows >= start) & (rows < start + count)] - start
                    for table in self._staying(group, within):
                        writer.write_table(table, table.num_rows)
                    start += count
        except FAILURES as error:
            # pyarrow's text of an error of the system says it twice
            number = getattr(error, "errno", None)
            raise ContainerError(os.strerror(number) if number else one_line(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._container.__exit__()

    def _staying(self, group: int, going: "np.typing.NDArray[np.int64]") -> Iterator[pa.Table]:
        """The rows of a row group that stay, as one table or several."""
        count = self._parquet.metadata.row_group(group).num_rows
        stays = np.ones(count, np.bool_)
        stays[going] = False
        batches: list[pa.RecordBatch] = []
        at = size = 0
        for batch in self._parquet.iter_batches(self._batch_rows(group), row_groups=[group]):
            kept = batch.filter(pa.array(stays[at : at + batch.num_rows]))
            at += batch.num_rows
            if kept.num_rows:
                batches.append(kept)
                size += kept.nbytes
            if size > _MOST_BYTES:
                yield pa.Table.from_batches(batches)
                batches, size = [], 0
        if at != count:
            raise ContainerError(f"row group {group} has {at:,} rows, not {count:,}")
        if batches:
            yield pa.Table.from_batches(batches)

    def _batch_rows(self, group: int) -> int:
        metadata = self._parquet.metadata.row_group(group)
        mean = max(metadata.total_byte_size // max(metadata.num_rows, 1), 1)
        return int(max(1, min(_BATCH_ROWS, _BATCH_BYTES // mean)))


def _opened(output: Output) -> pa.NativeFile:
    """An output as pyarrow writes it: a file by its name, without a copy for Python."""
    if isinstance(output, NewFile):
        return pa.OSFile(output.draft, mode="w")
    return pa.PythonFile(_Writable(output), mode="w")


class _Writable:
    """An output as pyarrow takes it."""

    closed = False

    def __init__(self, output: Output) -> None:
        self.write = output.write
        self.flush = output.flush

    def close(self) -> None:
        """Nothing: whoever made the output closes it."""

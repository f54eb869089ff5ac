"""Rows of tables on the disk, in buckets that fit into memory one by one."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.external.scratch import Scratch


class TableBuckets:
    """Files of rows with the same columns, by the number of a bucket.

    Parameters
    ----------
    scratch : Scratch
    name : str
        Files of this name that are there already are deleted.
    """

    def __init__(self, scratch: Scratch, name: str) -> None:
        self._folder = scratch.file(name)
        scratch.remove(name)
        self._folder.mkdir()

    def add(self, table: pa.Table, bucket: NDArray[np.int64]) -> None:
        """Write rows, each to its bucket, behind those that are there."""
        order = np.argsort(bucket, kind="stable")
        moved, ordered = table.take(pa.array(order)), bucket[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: ordered.size])
        for start, stop in zip(starts, np.append(starts[1:], ordered.size), strict=True):
            self._append(int(ordered[start]), moved.slice(start, stop - start))

    def _append(self, number: int, table: pa.Table) -> None:
        with (
            open(self._folder / str(number), "ab") as file,
            pa.ipc.new_stream(file, table.schema) as writer,
        ):
            writer.write_table(table.combine_chunks())

    def read(self, number: int) -> pa.Table:
        """The rows of a bucket that has some, in the order in which they were added."""
        tables = []
        with pa.OSFile(str(self._folder / str(number))) as file:
            while file.tell() < file.size():
                with pa.ipc.open_stream(file) as reader:
                    tables.append(reader.read_all())
        return pa.concat_tables(tables).unify_dictionaries().combine_chunks()

    def remove(self, number: int) -> None:
        """Delete a bucket."""
        (self._folder / str(number)).unlink(missing_ok=True)

"""The stamps of stored rows: what tells whether their files have changed."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.sources.protocol import Stamp

_NUMBERS = ("size", "mtime_ns", "inode", "ctime_ns")
#: Columns of a stamp, as `Stamp` has them.
STAMPS = (*_NUMBERS, "etag")
_64_BITS = (1 << 64) - 1


class Stamps(NamedTuple):
    """The stamps of rows. `stamp_at` reads one.

    Attributes
    ----------
    numbers : int64 (n, 4)
        0 for what isn't known.
    etags : pyarrow.ChunkedArray or None
        Null where there is none; None if no row has one.
    """

    numbers: NDArray[np.int64]
    etags: pa.ChunkedArray | None


def stamps_of(table: pa.Table) -> Stamps:
    """The stamps of rows with some of the columns `STAMPS`."""
    unknown = pa.nulls(table.num_rows, pa.int64())
    columns = [table[name] if name in table.column_names else unknown for name in _NUMBERS]
    etags = table["etag"] if "etag" in table.column_names else None
    if etags is not None and etags.null_count == len(etags):
        etags = None
    # one array, because four lookups for each file take longer than one
    return Stamps(np.stack([_filled(column) for column in columns], axis=1), etags)


def stamp_at(stamps: Stamps, row: int) -> Stamp:
    """The stamp of a row when it was hashed."""
    size, mtime_ns, inode, ctime_ns = stamps.numbers[row].tolist()
    etag = "" if stamps.etags is None else stamps.etags[row].as_py() or ""
    return Stamp(size, mtime_ns, inode & _64_BITS, ctime_ns, etag)


def _filled(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """A column of 64-bit integers without nulls; inodes as their bits."""
    values: NDArray[np.int64] = column.fill_null(0).to_numpy(zero_copy_only=False).view(np.int64)
    return values

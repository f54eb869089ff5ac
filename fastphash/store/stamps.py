"""The stamps of stored rows: what tells whether their files have changed."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.sources.protocol import Stamp

#: Columns of a stamp, as `Stamp` has them.
STAMPS = ("size", "mtime_ns", "inode", "ctime_ns")
_64_BITS = (1 << 64) - 1


def stamps_of(table: pa.Table) -> NDArray[np.int64]:
    """The stamps of rows, int64 (n, 4): 0 for what isn't known. `stamp_at` reads one."""
    unknown = pa.nulls(table.num_rows, pa.int64())
    columns = [table[name] if name in table.column_names else unknown for name in STAMPS]
    # one array, because four lookups for each file take longer than one
    return np.stack([_filled(column) for column in columns], axis=1)


def stamp_at(stamps: NDArray[np.int64], row: int) -> Stamp:
    """The stamp of a row when it was hashed."""
    size, mtime_ns, inode, ctime_ns = stamps[row].tolist()
    return Stamp(size, mtime_ns, inode & _64_BITS, ctime_ns)


def _filled(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """A column of 64-bit integers without nulls; inodes as their bits."""
    values: NDArray[np.int64] = column.fill_null(0).to_numpy(zero_copy_only=False).view(np.int64)
    return values

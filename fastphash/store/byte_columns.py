"""Columns of values of one length as arrays, and back."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def fixed_column(
    values: NDArray[np.uint8], known: NDArray[np.bool_] | None = None
) -> pa.FixedSizeBinaryArray:
    """A column of fixed_size_binary from uint8 (n, width); null for rows that aren't `known`."""
    valid = None if known is None else pa.array(known).buffers()[1]
    data = pa.py_buffer(np.ascontiguousarray(values))
    kind = pa.binary(values.shape[1])
    return pa.FixedSizeBinaryArray.from_buffers(kind, len(values), [valid, data])


def fixed_width(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """A column of fixed_size_binary as uint8 (n, width); rows that are null hold anything."""
    width = column.type.byte_width
    pieces = [np.empty((0, width), np.uint8)]
    for chunk in column.chunks:
        data = np.frombuffer(chunk.buffers()[1] or b"", np.uint8)
        start = chunk.offset * width
        pieces.append(data[start : start + len(chunk) * width].reshape(-1, width))
    return pieces[1] if len(pieces) == 2 else np.concatenate(pieces)


def hash_column(hashes: NDArray[np.uint64]) -> pa.Array:
    """A column of hashes: uint64 from (n, 1), fixed_size_binary from (n, words)."""
    if hashes.shape[1] == 1:
        return pa.array(np.ascontiguousarray(hashes[:, 0]))
    return fixed_column(np.ascontiguousarray(hashes.astype(">u8")).view(np.uint8))


def hash_values(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """The hashes of a column without nulls: uint64 (n,), or (n, words) of several words."""
    if pa.types.is_uint64(column.type):
        values: NDArray[np.uint64] = column.to_numpy()
        return values
    return fixed_width(column).view(">u8").astype(np.uint64)

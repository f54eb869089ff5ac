"""Hashed files on their way from a worker to a table."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.hashing.definition import HASH_COLUMNS
from fastphash.store.schema import CHROMA_BYTES, REJECTED_SCHEMA, path_columns


class Rejection(NamedTuple):
    """An input that gave no hash."""

    path: bytes
    stage: str
    reason: str


@dataclass(slots=True)
class Batch:
    """What a worker made of some files of one split; arrays are rows in the order of `paths`."""

    paths: list[bytes] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    mtimes: list[int] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    shapes: list[tuple[int, int]] = field(default_factory=list)
    multiframe: list[bool] = field(default_factory=list)
    chroma: list[bytes | None] = field(default_factory=list)
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty((0, 0), np.uint64))
    thumbnails: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0, 0), np.uint8))
    rejected: list[Rejection] = field(default_factory=list)
    skipped: list[bytes] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        """Files that it accounts for."""
        return len(self.paths) + len(self.rejected) + len(self.skipped)


def batch_table(split: str, batch: Batch, schema: pa.Schema) -> pa.Table:
    """The rows of a batch, with the columns of a store."""
    rows = len(batch.paths)
    path, path_bytes = path_columns(batch.paths)
    columns = {
        "split": pa.array([split] * rows, pa.string()).dictionary_encode(),
        "path": path,
        "path_bytes": path_bytes,
        "size": pa.array(batch.sizes, pa.int64()),
        "mtime_ns": pa.array(batch.mtimes, pa.int64()),
        "digest": pa.array(batch.digests, pa.binary(16)),
        "format": pa.array(batch.formats, pa.string()).dictionary_encode(),
        "width": pa.array([width for width, _ in batch.shapes], pa.int32()),
        "height": pa.array([height for _, height in batch.shapes], pa.int32()),
        "multiframe": pa.array(batch.multiframe, pa.bool_()),
    }
    for t in range(batch.hashes.shape[1]):
        columns[HASH_COLUMNS[t]] = pa.array(np.ascontiguousarray(batch.hashes[:, t]))
    if "thumbnail" in schema.names:
        pixels = pa.py_buffer(np.ascontiguousarray(batch.thumbnails))
        kind = pa.binary(THUMBNAIL_SIDE * THUMBNAIL_SIDE)
        columns["thumbnail"] = pa.FixedSizeBinaryArray.from_buffers(kind, rows, [None, pixels])
        columns["chroma"] = pa.array(batch.chroma, pa.binary(CHROMA_BYTES))
    if not rows:
        return schema.empty_table()
    return pa.table([columns[name] for name in schema.names], schema=schema)


def rejected_table(rejected: dict[str, list[Rejection]]) -> pa.Table:
    """Rejections, by split, with the columns of `REJECTED_SCHEMA`."""
    rows = [(split, *rejection) for split, several in rejected.items() for rejection in several]
    path, path_bytes = path_columns([row[1] for row in rows])
    columns = [
        pa.array([row[0] for row in rows], pa.string()).dictionary_encode(),
        path,
        path_bytes,
        pa.array([row[2] for row in rows], pa.string()),
        pa.array([row[3] for row in rows], pa.string()),
    ]
    return pa.table(columns, schema=REJECTED_SCHEMA)

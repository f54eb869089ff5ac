"""Batches and rejections as tables."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.hashing.algorithms import ALGORITHMS
from fastphash.hashing.definition import Definition
from fastphash.ingest.batch import Batch, Rejection
from fastphash.sources.member_paths import split_path
from fastphash.sources.protocol import Stamp
from fastphash.store.byte_columns import hash_column
from fastphash.store.schema import (
    CHROMA_BYTES,
    LAYERS,
    REJECTED_SCHEMA,
    Layout,
    path_columns,
    store_schema,
)


def batch_table(split: str, batch: Batch, definition: Definition, layout: Layout) -> pa.Table:
    """The rows of a batch, with the columns of a store."""
    schema = store_schema(definition, layout)
    rows = len(batch.paths)
    path, path_bytes = path_columns(batch.paths)
    columns = {
        "split": pa.array([split] * rows, pa.string()).dictionary_encode(),
        "path": path,
        "path_bytes": path_bytes,
        **_source_columns(batch),
        **stamp_columns(batch.stamps),
        "digest": pa.array(batch.digests, pa.binary(16)),
        "format": pa.array(batch.formats, pa.string()).dictionary_encode(),
        "width": pa.array([width for width, _ in batch.shapes], pa.int32()),
        "height": pa.array([height for _, height in batch.shapes], pa.int32()),
        "multiframe": pa.array(batch.multiframe, pa.bool_()),
        "frames": pa.array([row.frames for row in batch.evidence], pa.int32()),
        "pixel_digest": pa.array([row.pixel_digest for row in batch.evidence], pa.binary(16)),
    }
    for name, hashes in batch.hashes.items():
        for t in range(hashes.shape[1]):
            columns[ALGORITHMS[name].columns[t]] = hash_column(hashes[:, t])
    for name, qualities in batch.qualities.items():
        columns[f"{ALGORITHMS[name].quality_column}"] = pa.array(qualities)
    if layout.thumbnails:
        pixels = pa.py_buffer(np.ascontiguousarray(batch.thumbnails))
        kind = pa.binary(THUMBNAIL_SIDE * THUMBNAIL_SIDE)
        columns["thumbnail"] = pa.FixedSizeBinaryArray.from_buffers(kind, rows, [None, pixels])
        columns["chroma"] = pa.array(batch.chroma, pa.binary(CHROMA_BYTES))
        for name in LAYERS:
            column = [getattr(row, name) for row in batch.evidence]
            columns[name] = pa.array(column, pa.binary())
    if not rows:
        return schema.empty_table()
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _source_columns(batch: Batch) -> dict[str, pa.Array]:
    """The columns of a store on the containers of images; null for loose files."""
    keys = [batch.keys.get(path) for path in batch.paths]
    containers = [
        None if key is None else split_path(path)[0].decode(errors="replace")
        for path, key in zip(batch.paths, keys, strict=True)
    ]
    return {
        "container": pa.array(containers, pa.string()).dictionary_encode(),
        "key": key_column(keys),
    }


def key_column(keys: Sequence[bytes | None]) -> pa.Array:
    """The column of a store with the keys of images; null for one of no sample."""
    texts = [key.decode(errors="replace") if key else None for key in keys]
    return pa.array(texts, pa.string())


def stamp_columns(stamps: Sequence[Stamp]) -> dict[str, pa.Array]:
    """The columns of a store that stamps fill; null for what a source doesn't know."""
    return {
        "size": pa.array([stamp.size for stamp in stamps], pa.int64()),
        "mtime_ns": pa.array([stamp.mtime_ns for stamp in stamps], pa.int64()),
        "inode": pa.array([stamp.inode or None for stamp in stamps], pa.uint64()),
        "ctime_ns": pa.array([stamp.ctime_ns or None for stamp in stamps], pa.int64()),
        "etag": pa.array([stamp.etag or None for stamp in stamps], pa.string()),
    }


def rejected_table(rejected: dict[str, list[Rejection]]) -> pa.Table:
    """Rejections by split, with the columns of `REJECTED_SCHEMA`."""
    rows = [
        (split, *rejection) for split, rejections in rejected.items() for rejection in rejections
    ]
    path, path_bytes = path_columns([row[1] for row in rows])
    columns = [
        pa.array([row[0] for row in rows], pa.string()).dictionary_encode(),
        path,
        path_bytes,
        pa.array([row[2] for row in rows], pa.string()),
        pa.array([row[3] for row in rows], pa.string()),
    ]
    return pa.table(columns, schema=REJECTED_SCHEMA)

"""Audits made by hand: their images have no files."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from benchmarks.support.synthetic_audit import empty_summary
from fastphash.files import atomic, parquet
from fastphash.hashing.definition import HASH_COLUMNS, Definition
from fastphash.results.schemas import GROUPS_SCHEMA
from fastphash.store.rows import HashTable
from fastphash.store.schema import path_columns
from fastphash.verification.findings import NO_FINDINGS
from tests.support.stores import write_store
from tests.support.thumbnails import POOL


def pair(split, path, kind="near", distance=2, orientation="identity", score=0.9, colour="same"):
    """An image of a group, and how it relates to its keeper."""
    return split, path, kind, distance, orientation, score, colour


def write_audit(out, groups, roots=None, **columns):
    """An audit of these groups: lists of what `pair` gives.

    Paths are bytes; of the keeper, which comes first, only split and path matter. `columns` are
    those of the store, a value for each image in order.
    """
    images = [(number, *image) for number, group in enumerate(groups) for image in group]
    split = [image[1] for image in images]
    path, exact = path_columns([image[2] for image in images])
    store = write_store(
        out / "hashes",
        {
            "split": split,
            "path": path,
            "path_bytes": exact,
            "size": pa.array([1] * len(images), pa.int64()),
            "mtime_ns": pa.array([0] * len(images), pa.int64()),
            "digest": pa.array([i.to_bytes(16) for i in range(len(images))], pa.binary(16)),
            "width": pa.array([64] * len(images), pa.int32()),
            "height": pa.array([48] * len(images), pa.int32()),
            **columns,
        },
    )
    names = list(dict.fromkeys(split)) or ["train"]
    store.roots = {name: str((roots or {}).get(name, out / name)) for name in names}
    store.unfinished = []
    store.save()
    firsts = {image[0]: i for i, image in reversed(list(enumerate(images)))}
    of_keeper = pa.array([firsts[image[0]] for image in images], pa.int64())
    keeper = np.array([i == 0 or images[i - 1][0] != images[i][0] for i in range(len(images))])

    def relation(field, kind):
        values = [None if k else image[field] for image, k in zip(images, keeper, strict=True)]
        return pa.array(values, kind)

    table = pa.table(
        [
            pa.array([image[0] for image in images], pa.int64()),
            pa.array(split, pa.string()),
            path,
            pa.array(["keeper" if k else "copy" for k in keeper], pa.string()),
            relation(3, pa.string()),
            relation(4, pa.uint8()).fill_null(0),
            relation(5, pa.string()),
            relation(6, pa.float32()),
            relation(7, pa.string()),
            pa.nulls(len(images), pa.float32()),
            pa.nulls(len(images), pa.bool_()),
            *[pa.nulls(len(images), pa.string())] * 3,
            pa.array([None if k else True for k in keeper], pa.bool_()),
            pa.array(split, pa.string()).take(of_keeper),
            path.take(of_keeper),
            pa.array([None if k else "first name" for k in keeper], pa.string()),
            exact,
            exact.take(of_keeper),
        ],
        GROUPS_SCHEMA.names,
    )
    parquet.write_table(out / "groups.parquet", table.cast(GROUPS_SCHEMA))
    atomic.write_json(out / "summary.json", empty_summary(names, store.digest))
    return out


def write_summary(out, summary):
    """Write an edited summary as earlier versions did, which say no digests."""
    kept = {key: value for key, value in summary.items() if key not in ("digest", "tables")}
    atomic.write_json(out / "summary.json", kept)


RADIUS = 4


def fixed(values, width):
    data = b"".join(values)
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(values), [None, pa.py_buffer(data)]
    )


def audited(
    folder,
    contents,
    hashes,
    pictures,
    splits,
    *,
    thumbnails=True,
    orientations=True,
    findings=NO_FINDINGS,
):
    """An audit without files: what `make_plan` needs of one. Row i has `contents[i]`.

    Digests differ in their second half only.
    """
    rows = len(contents)
    columns = {
        "split": pa.array(splits, pa.string()).dictionary_encode(),
        "path": pa.array([f"{i:02d}.png" for i in range(rows)], pa.string()),
        "path_bytes": pa.nulls(rows, pa.binary()),
        "size": pa.array([9] * rows, pa.int64()),
        "mtime_ns": pa.array(range(rows), pa.int64()),
        "digest": fixed([bytes(8) + bytes([content]) * 8 for content in contents], 16),
        "width": pa.array([8] * rows, pa.int32()),
        "height": pa.array([8] * rows, pa.int32()),
    }
    own = hashes[contents] if rows else np.empty((0, 8), np.uint64)
    for i, name in enumerate(HASH_COLUMNS if orientations else HASH_COLUMNS[:1]):
        columns[name] = pa.array(own[:, i])
    if thumbnails:
        columns["thumbnail"] = fixed([POOL[pictures[c]].tobytes() for c in contents], 1024)
    return SimpleNamespace(
        folder=Path(folder),
        summary={
            "keep_in": [],
            "split_order": ["val", "train"],
            "radius": RADIUS,
            "min_score": 0.5,
            "labels": {},
            "masks": [],
        },
        rows=HashTable(pa.table(columns), Definition()),
        splits=["train", "val"],
        findings=findings,
        store=SimpleNamespace(
            roots={"train": "/train", "val": "/val"}, digest="d", hashes_digest="h"
        ),
    )

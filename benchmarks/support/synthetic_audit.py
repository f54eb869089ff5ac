"""A synthetic audit: groups of images that don't exist, and decisions about some."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.vocabulary import IDENTICAL, NEAR, ORIENTATIONS, UNKNOWN_PIXELS
from fastphash.files import atomic, parquet
from fastphash.hashing.definition import Definition
from fastphash.results.audit_folder import GROUPS, HASHES, LEAKS, REJECTED, SUMMARY
from fastphash.results.decisions import Decision, Image, decide
from fastphash.results.priority import REASONS
from fastphash.results.schemas import (
    GROUPS_SCHEMA,
    LEAKS_SCHEMA,
    PARTS,
    ROLES,
    coded,
    relation_columns,
)
from fastphash.store.create import create_store
from fastphash.store.part_files import draft_part, list_drafts
from fastphash.store.schema import REJECTED_SCHEMA, Layout
from fastphash.store.store import PART_ROWS, open_store
from fastphash.verification.decide_kind import Relation

SPLITS = ("train", "val")
DECISIONS = 5000

Codes = NDArray[Any]


def write_audit(out: Path, groups: int) -> Codes:
    """Write an audit. Returns the position of each row in its group; keepers have 0.

    Nine groups in ten have two images, the others more; the first has as many as a thousandth of
    the number of groups.
    """
    rng = np.random.default_rng(0)
    sizes = rng.choice([2, 3, 4, 8], groups, p=[0.9, 0.06, 0.03, 0.01])
    sizes[0] = max(groups // 1000, 4)
    starts = np.cumsum(sizes) - sizes
    group = np.repeat(np.arange(groups), sizes)
    position: Codes = np.arange(group.size) - starts[group]
    split = rng.integers(0, len(SPLITS), group.size)
    paths = [f"class_{i % 997:03d}/photo_{i:08d}.jpg" for i in range(group.size)]
    digests = write_store(out / HASHES, split, paths, rng)
    write_groups(out / GROUPS, group, position, split, paths)
    parquet.write_table(out / LEAKS, LEAKS_SCHEMA.empty_table())
    parquet.write_table(out / REJECTED, REJECTED_SCHEMA.empty_table())
    store = open_store(out / HASHES)
    atomic.write_json(out / SUMMARY, empty_summary(SPLITS, store.digest))
    images = [
        Image(SPLITS[split[row]], paths[row].encode(), digests[row].tobytes())
        for row in np.flatnonzero(position[: 2 * DECISIONS + 2] < 2).tolist()
    ]
    pairs = list(zip(images[0::2], images[1::2], strict=False))[1:DECISIONS]
    decide(out, *(Decision("not_copies", pair) for pair in pairs))
    return position


def empty_summary(splits: Sequence[str], digest: str) -> dict[str, Any]:
    """What summary.json holds of an audit that counted nothing but an image of each split."""
    none = {"leaked": 0, "share": 0.0, "kinds": {}}
    split = {
        **dict.fromkeys(("images", "distinct"), 1),
        **dict.fromkeys(("same_pixels", "collisions", "rejected", "skipped"), 0),
        "root": "",
        "listed": False,
        "split_folders": {},
        "leaks": none,
        "copies": {},
        "copies_by_distance": {},
    }
    return {
        "fastphash": "unknown",
        "definition": "",
        "thumbnails": True,
        "orientations": True,
        "store": digest,
        "keep_in": [],
        "split_order": list(splits),
        "radius": 0,
        "min_score": 0.5,
        "chance": 0.0,
        "grouping": "star",
        "decisions": {"used": 0, "stale": 0, "digest": ""},
        "splits": dict.fromkeys(splits, split),
        "leaks": [],
        "staying": {},
        "groups": {"groups": 0, "images": 0},
        "rejected": {},
        "masks": [],
        "labels": {},
    }


def write_store(
    path: Path, split: Codes, paths: list[str], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Write random hashes; returns random digests uint8 (n, 16)."""
    store = create_store(path, Definition(), Layout(orientations=False, thumbnails=False))
    digests = rng.integers(0, 256, (len(paths), 16), np.uint8)
    for start in range(0, len(paths), PART_ROWS):
        some = slice(start, start + PART_ROWS)
        n = len(paths[some])
        columns = {
            "split": coded(split[some], SPLITS),
            "path": paths[some],
            "path_bytes": pa.nulls(n),
            "size": np.full(n, 54321),
            "mtime_ns": np.zeros(n, np.int64),
            "digest": [digest.tobytes() for digest in digests[some]],
            "format": ["JPEG"] * n,
            "width": np.full(n, 640),
            "height": np.full(n, 480),
            "multiframe": np.zeros(n, np.bool_),
            "phash": rng.integers(0, 1 << 63, n, np.uint64),
        }
        # of pixels, alpha and frames nothing is known
        known = {name: columns.get(name, pa.nulls(n)) for name in store.schema.names}
        table = pa.table(known).cast(store.schema)
        list_drafts(store, [draft_part(store, table, store.new_part_name())])
    store.roots = {name: str(path.parent / name) for name in SPLITS}
    store.unfinished = []
    store.save()
    return digests


def write_groups(path: Path, group: Codes, position: Codes, split: Codes, paths: list[str]) -> None:
    """Write copies of random kinds, distances, orientations and scores."""
    rng = np.random.default_rng(1)
    n = group.size
    keeper = position == 0
    first = np.flatnonzero(keeper)[group]
    kind = rng.integers(IDENTICAL, NEAR + 1, n)
    columns = [
        pa.array(group),
        coded(split, SPLITS),
        pa.array(paths),
        coded((~keeper).astype(np.int32), ROLES),
        *relation_columns(
            Relation(
                kind.astype(np.uint8),
                np.where(kind == NEAR, rng.integers(1, 5, n), 0).astype(np.uint8),
                rng.integers(0, len(ORIENTATIONS), n).astype(np.uint8),
                rng.random(n, np.float32),
                np.zeros(n, np.uint8),
                np.zeros(n, np.float32),
                np.full(n, UNKNOWN_PIXELS, np.uint8),
            ),
            keeper,
        ),
        *[pa.nulls(n, kind) for _, kind in PARTS],
        pa.array(np.ones(n, np.bool_), mask=keeper),
        coded(split[first], SPLITS),
        pa.array(paths).take(pa.array(first)),
        coded(np.zeros(n, np.int32), REASONS, keeper),
        pa.nulls(n, pa.binary()),
        pa.nulls(n, pa.binary()),
    ]
    parquet.write_table(path, pa.table(columns, schema=GROUPS_SCHEMA))

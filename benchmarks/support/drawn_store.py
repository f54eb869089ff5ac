"""A store of drawn hashes: clusters of rows within the radius of one another."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.vocabulary import ORIENTATIONS, THUMBNAIL_SIDE
from fastphash.hashing.definition import HASH_COLUMNS, Definition
from fastphash.store.create import create_store
from fastphash.store.part_files import draft_part, list_drafts
from fastphash.store.schema import CHROMA_BYTES, Layout
from fastphash.store.store import PART_ROWS, Store

SPLITS = ("val", "train")

Hashes = NDArray[np.uint64]


def write_drawn_store(path: Path, rows: int, cluster: int, layout: Layout) -> None:
    """Write a store with two splits of so many rows, each with so many of a cluster.

    Thumbnails are noise, so that no two images of different clusters look alike.
    """
    rng = np.random.default_rng(0)
    store = create_store(path, Definition(), layout)
    store.roots = {split: str(path / split) for split in SPLITS}
    columns = len(ORIENTATIONS) if layout.orientations else 1
    centres = rng.integers(0, 2**64, (-(-rows // cluster), columns), dtype=np.uint64)
    looks = rng.integers(0, 256, (len(centres), THUMBNAIL_SIDE**2), np.uint8)
    for split in SPLITS:
        of_row = rng.permutation(np.arange(rows) % len(centres))
        for start in range(0, rows, PART_ROWS):
            some = of_row[start : start + PART_ROWS]
            names = [f"class_{i % 997:03d}/photo_{start + i:08d}.jpg" for i in range(some.size)]
            hashes = centres[some] ^ _flipped(rng, some.size)[:, None]
            thumbnails = looks[some] if layout.thumbnails else None
            _write_part(store, split, names, hashes, thumbnails)
    store.unfinished = []
    store.save()


def _flipped(rng: np.random.Generator, size: int) -> Hashes:
    """Words with one bit or two, so that two rows of a cluster are within four."""
    bits = rng.integers(0, 64, (size, 2), dtype=np.uint64)
    words = np.uint64(1) << bits
    return words[:, 0] | words[:, 1]


def _write_part(
    store: Store,
    split: str,
    names: list[str],
    hashes: Hashes,
    thumbnails: NDArray[np.uint8] | None,
) -> None:
    n = len(names)
    columns = {
        "split": [split] * n,
        "path": names,
        "size": np.full(n, 54321),
        "mtime_ns": np.zeros(n, np.int64),
        "digest": [row.tobytes() for row in hashes[:, :1].repeat(2, axis=1)],
        "format": ["JPEG"] * n,
        "width": np.full(n, 640),
        "height": np.full(n, 480),
        "multiframe": np.zeros(n, np.bool_),
        "frames": np.ones(n, np.int32),
        **dict(zip(HASH_COLUMNS, hashes.T, strict=False)),
    }
    if thumbnails is not None:
        columns["thumbnail"] = [row.tobytes() for row in thumbnails]
        columns["chroma"] = [bytes(CHROMA_BYTES)] * n
    # of pixels, alpha and further frames nothing is known
    table = {
        field.name: pa.array(columns[field.name]) if field.name in columns else pa.nulls(n)
        for field in store.schema
    }
    rows = pa.table(table).cast(store.schema)
    list_drafts(store, [draft_part(store, rows, store.new_part_name())])

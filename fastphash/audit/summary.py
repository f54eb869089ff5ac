"""The figures of summary.json."""

import os
from itertools import permutations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastphash.base.vocabulary import COPY_KINDS, IDENTICAL, KINDS
from fastphash.files import parquet
from fastphash.ingest.tally import Tally
from fastphash.labels.masks import Masks
from fastphash.results.groups import CopyCounts, count_distances
from fastphash.sources.protocol import Source
from fastphash.store.rows import HashTable

# groups that a summary names
_LARGEST = 5


def count_leaks(summary: dict[str, Any], kinds: list[str]) -> int:
    """How many images leak into another split by one of these kinds."""
    return sum(leak["kinds"][kind] for leak in summary["leaks"] for kind in kinds)


def split_summary(
    source: Source, rows: HashTable, copies: CopyCounts, tally: Tally
) -> dict[str, Any]:
    """The figures of one split."""
    hashed = int((rows.splits == source.split).sum())
    return {
        "root": os.fsdecode(source.root),
        "listed": source.listed,
        "images": hashed + tally.rejected,
        "distinct": hashed - sum(copies.kinds.values()),
        "copies": copies.kinds,
        "copies_by_distance": copies.distances,
        "same_pixels": copies.same_pixels,
        "collisions": copies.collisions,
        "rejected": tally.rejected,
        "skipped": tally.skipped,
        "hidden": tally.hidden,
    }


def leak_summary(leaks: pa.Table, rows: HashTable, splits: list[str]) -> list[dict[str, Any]]:
    """The figures of every ordered pair of splits."""
    return [_leaks_between(leaks, rows, *pair) for pair in permutations(splits, 2)]


def _leaks_between(
    leaks: pa.Table, rows: HashTable, needle_split: str, haystack_split: str
) -> dict[str, Any]:
    between = leaks.filter(
        pc.and_(
            pc.equal(leaks["needle_split"].cast(pa.string()), needle_split),
            pc.equal(leaks["haystack_split"].cast(pa.string()), haystack_split),
        )
    )
    counts = parquet.count_values(between["kind"])
    is_copy = pc.is_in(between["kind"].cast(pa.string()), pa.array(COPY_KINDS))
    leaked = sum(counts.get(kind, 0) for kind in COPY_KINDS)
    images = int((rows.splits == needle_split).sum())
    return {
        "needles": needle_split,
        "haystack": haystack_split,
        "images": images,
        "leaked": leaked,
        "share": leaked / images,
        "kinds": {kind: counts.get(kind, 0) for kind in KINDS},
        "by_distance": count_distances(between["distance"].filter(is_copy).to_numpy()),
        "same_pixels": _count_same_pixels(between),
    }


def _count_same_pixels(leaks: pa.Table) -> int:
    """How many images have the pixels of their strongest copy in other bytes."""
    other_bytes = pc.not_equal(leaks["kind"].cast(pa.string()), KINDS[IDENTICAL])
    return int(pc.sum(pc.and_kleene(leaks["same_pixels"], other_bytes), min_count=0).as_py())


def group_summary(groups: pa.Table) -> dict[str, Any]:
    """How many groups and images there are, and the largest groups."""
    keepers = groups.filter(pc.equal(groups["role"].cast(pa.string()), "keeper"))
    sizes = np.bincount(groups["group"].to_numpy()) if groups.num_rows else np.empty(0, np.int64)
    largest = np.argsort(-sizes, kind="stable")[:_LARGEST]
    names = keepers.select(["split", "path"]).to_pylist()
    return {
        "groups": keepers.num_rows,
        "images": groups.num_rows,
        "largest": [
            {"group": int(i), "images": int(sizes[i]), **names[i]} for i in largest.tolist()
        ],
    }


def mask_summary(masks: list[Masks], *, compared: bool) -> list[dict[str, Any]]:
    """Folders of masks, and whether they were left out of comparisons."""
    return [
        {
            "split": one.split,
            "folder": one.folder,
            "marked": one.marked,
            "images": one.images,
            "left_out": one.named and not compared,
        }
        for one in masks
    ]


def count_reasons(rejected: pa.Table) -> dict[str, int]:
    """How many inputs were rejected, by stage and reason, most frequent first."""
    counts: dict[str, int] = {}
    for row in rejected.select(["stage", "reason"]).to_pylist():
        text = f"{row['stage']}: {row['reason']}"
        counts[text] = counts.get(text, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

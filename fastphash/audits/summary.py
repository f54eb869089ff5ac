"""The figures of summary.json."""

import os
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.audits.copies import FoundCopies
from fastphash.base.vocabulary import COUNTED_COPIES, IDENTICAL, SAME_PIXELS
from fastphash.ingest.tally import Tally
from fastphash.labels.masks import Masks
from fastphash.results.counts import count_kinds
from fastphash.results.groups import count_distances
from fastphash.results.leak_table import SplitLeaks
from fastphash.sources.protocol import Source
from fastphash.sources.split_folders import find_split_folders
from fastphash.store.rows import HashTable
from fastphash.verification.decide_kind import Relation

# groups that a summary names
_LARGEST = 5


def split_summary(
    source: Source, rows: HashTable, copies: FoundCopies, tally: Tally
) -> dict[str, Any]:
    """The figures of one split."""
    hashed = int((rows.splits == source.split).sum())
    inside = copies.counts[source.split]
    leaks = copies.leaks
    own = np.flatnonzero(copies.rows.splits[leaks.needle] == source.split)
    return {
        "root": os.fsdecode(source.root),
        "listed": source.listed,
        "split_folders": {
            name: os.fsdecode(folder) for name, folder in find_split_folders(source).items()
        },
        "images": hashed + tally.rejected,
        "distinct": hashed - sum(inside.kinds.values()),
        "copies": inside.kinds,
        "copies_by_distance": inside.distances,
        "same_pixels": inside.same_pixels,
        "collisions": inside.collisions,
        "leaks": _count_leaks(leaks.relation.take(own), leaks.confirmed[own], hashed),
        "rejected": tally.rejected,
        "skipped": tally.skipped,
        "hidden": tally.hidden,
        "excluded": tally.excluded,
        "masks": tally.masks,
        "unfinished": tally.unfinished,
    }


def leak_summary(leaks: SplitLeaks, rows: HashTable) -> dict[str, Any]:
    """The figures of one split in another."""
    images = int((rows.splits == leaks.needles).sum())
    return {
        "needles": leaks.needles,
        "haystack": leaks.haystack,
        "images": images,
        **_count_leaks(leaks.relation, leaks.confirmed, images),
        "by_distance": count_distances(leaks.relation.distance[leaks.is_copy]),
        "same_pixels": _count_same_pixels(leaks.relation),
    }


def _count_leaks(relation: Relation, confirmed: NDArray[np.bool_], images: int) -> dict[str, Any]:
    """How many images leak, their share, and how many by each kind."""
    kinds = count_kinds(relation.kind, confirmed)
    leaked = sum(kinds[kind] for kind in COUNTED_COPIES)
    return {"leaked": leaked, "share": leaked / images, "kinds": kinds}


def _count_same_pixels(relation: Relation) -> int:
    """How many images have the pixels of their strongest copy in other bytes."""
    same_pixels = relation.same_pixels == SAME_PIXELS
    return int((same_pixels & (relation.kind != IDENTICAL)).sum())


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


def mask_summary(
    masks: list[Masks], not_compared: list[int], *, compared: bool
) -> list[dict[str, Any]]:
    """Folders of masks, whether they are left out of comparisons, and how many images of each."""
    return [
        {
            "split": one.split,
            "folder": one.folder,
            "marked": one.marked,
            "images": one.images,
            "left_out": one.named and not compared,
            "not_compared": number,
        }
        for one, number in zip(masks, not_compared, strict=True)
    ]


def count_reasons(rejected: pa.Table) -> dict[str, int]:
    """How many inputs were rejected, by stage and reason, most frequent first."""
    counts: dict[str, int] = {}
    for row in rejected.select(["stage", "reason"]).to_pylist():
        text = f"{row['stage']}: {row['reason']}"
        counts[text] = counts.get(text, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

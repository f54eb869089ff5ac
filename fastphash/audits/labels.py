"""The labels of an audit: read before anything is hashed, compared once copies are known."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from fastphash.audits.options import LabelSources
from fastphash.audits.summary import mask_summary
from fastphash.base.progress import Progress
from fastphash.files import parquet
from fastphash.labels.class_folders import count_classes, find_class_folders
from fastphash.labels.coco_check import (
    CheckedCoco,
    RejectedEntry,
    check_coco,
    rejected_table,
    unmatched_images,
)
from fastphash.labels.conflict_table import CONFLICTS_SCHEMA
from fastphash.labels.conflicts import (
    coco_conflicts,
    folder_conflicts,
)
from fastphash.labels.masks import count_left_out, find_masks, left_out
from fastphash.labels.sidecars import count_sidecars
from fastphash.results.audit_folder import CONFLICTS, REJECTED_ANNOTATIONS
from fastphash.sources.local import LocalSource
from fastphash.sources.protocol import Source
from fastphash.store.rows import HashTable

# entries of COCO files that a summary names
_REJECTED_SHOWN = 5


class LabelComparison(NamedTuple):
    """Copies whose labels differ from their keeper's, entries that are no labels, and figures.

    Attributes
    ----------
    conflicts : pyarrow.Table
        CONFLICTS_SCHEMA.
    rejected : pyarrow.Table
        REJECTED_ANNOTATIONS_SCHEMA.
    figures : dict
        What summary.json says of labels; empty if none were compared.
    """

    conflicts: pa.Table
    rejected: pa.Table
    figures: dict[str, Any]

    @property
    def tables(self) -> dict[str, pa.Table]:
        """The tables that the audit writes, by the names of their files."""
        tables = {CONFLICTS: self.conflicts} if self.figures else {}
        return tables | ({REJECTED_ANNOTATIONS: self.rejected} if "coco" in self.figures else {})


def check_labels(labels: LabelSources, progress: Progress) -> dict[str, CheckedCoco]:
    """Read all COCO files, by split; StoreError for one that is none."""
    return {split: check_coco(path, progress) for split, path in labels.coco.items()}


def compare_labels(
    groups: pa.Table,
    rows: HashTable,
    labels: LabelSources,
    checked: Mapping[str, CheckedCoco],
    progress: Progress,
) -> LabelComparison:
    """Compare the labels of copies with their keepers' labels; without labels, no figures."""
    tables = []
    figures: dict[str, Any] = {}
    entries: dict[str, list[RejectedEntry]] = {}
    depths = _class_depths(rows, labels.folders)
    if depths:
        by_folder = folder_conflicts(groups, depths)
        tables.append(by_folder)
        figures["folder"] = {
            "conflicts": by_folder.num_rows,
            "depths": depths,
            "classes": count_classes(rows, depths),
        }
    if labels.coco:
        by_coco = coco_conflicts(groups, rows, labels.coco, progress)
        tables.append(by_coco.table)
        matched = by_coco.matched.items()
        unmatched = {
            split: unmatched_images(checked[split].images, images) for split, images in matched
        }
        entries = {split: file.rejected + unmatched[split] for split, file in checked.items()}
        figures["coco"] = {
            "conflicts": by_coco.table.num_rows,
            "not_compared": by_coco.not_compared,
            "files": {split: os.path.abspath(path) for split, path in labels.coco.items()},
            "unknown": {split: images.unknown for split, images in matched},
            "ambiguous": {split: len(images.ambiguous) for split, images in matched},
            "unlisted": {split: images.unlisted for split, images in matched},
            "inexact": {split: len(images.inexact) for split, images in matched},
            "other_ids": {split: file.other_ids for split, file in checked.items()},
            "rejected": {split: len(file.rejected) for split, file in checked.items()},
            "first_rejected": _first_rejected(checked),
            "first_unmatched": {
                split: unmatched[split][0].file_name for split in unmatched if unmatched[split]
            },
        }
    table = parquet.concat(CONFLICTS_SCHEMA, tables)
    return LabelComparison(table, rejected_table(entries), figures)


def _first_rejected(checked: Mapping[str, CheckedCoco]) -> list[str]:
    """The first entries of COCO files that can't be used, a line each."""
    lines = [f"{split}: {entry}" for split, file in checked.items() for entry in file.rejected]
    return lines[:_REJECTED_SHOWN]


def _class_depths(rows: HashTable, asked: bool | None) -> dict[str, int]:
    """Where class folders lie in the paths of each split; none if they don't count.

    Splits in which none are found have the first folders as classes, if classes are asked for.
    """
    if asked is False:
        return {}
    found = find_class_folders(rows)
    if asked:
        found = dict.fromkeys(np.unique(rows.splits.astype(str)).tolist(), 0) | found
    return found


def sidecar_summary(rows: HashTable, sources: Sequence[Source]) -> dict[str, Any]:
    """How many images of each split of files have labels of their own, by where these lie."""
    figures = {}
    for source in sources:
        if isinstance(source, LocalSource):
            paths = rows.paths.filter(pa.array(rows.splits == source.split)).to_pylist()
            if places := count_sidecars(os.path.join(source.root, path) for path in paths):
                figures[source.split] = {"images": len(paths), "places": places}
    return figures


def leave_out_masks(
    rows: HashTable, *, compare_masks: bool
) -> tuple[HashTable, list[dict[str, Any]]]:
    """The rows that are compared, and what summary.json says of masks.

    Folders with names of masks are left out, unless these are compared as well.
    """
    masks = find_masks(rows)
    named = [] if compare_masks else [one.place for one in masks if one.named]
    out_of_it = left_out(rows, named)
    compared = rows.take(np.flatnonzero(~out_of_it)) if out_of_it.any() else rows
    counts = count_left_out(rows, masks, out_of_it)
    return compared, mask_summary(masks, counts, compared=compare_masks)

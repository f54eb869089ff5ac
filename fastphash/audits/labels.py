"""The labels of an audit: read before anything is hashed, compared once copies are known."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from fastphash.audits.annotation_figures import describe_annotations
from fastphash.audits.options import LabelSources
from fastphash.audits.summary import mask_summary
from fastphash.base.progress import Progress
from fastphash.files import parquet
from fastphash.labels.class_folders import count_classes, find_class_folders
from fastphash.labels.coco_check import CheckedCoco, RejectedEntry, check_coco, rejected_table
from fastphash.labels.coco_labels import CocoLabels
from fastphash.labels.conflict_table import CONFLICTS_SCHEMA
from fastphash.labels.conflicts import annotation_conflicts, folder_conflicts
from fastphash.labels.label_files import LabelFiles, LooseFiles, MemberFiles
from fastphash.labels.label_source import LabelSource
from fastphash.labels.label_table import TableLabels, read_label_table
from fastphash.labels.masks import count_left_out, find_masks, left_out
from fastphash.labels.sidecar_labels import find_sidecar_form, read_sidecar_labels
from fastphash.labels.sidecars import count_sidecars
from fastphash.results.audit_folder import CONFLICTS, REJECTED_ANNOTATIONS
from fastphash.sources.container_source import ContainerSource
from fastphash.sources.local import LocalSource
from fastphash.sources.mask_folders import count_with_masks
from fastphash.sources.protocol import Source
from fastphash.sources.remote.address import is_remote
from fastphash.store.rows import HashTable


class CheckedLabels(NamedTuple):
    """Files of labels that an audit was given, read before anything is hashed; by split."""

    coco: dict[str, CheckedCoco]
    tables: dict[str, TableLabels]


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
        annotated = self.figures.keys() & {"coco", "tables", "sidecars"}
        return tables | ({REJECTED_ANNOTATIONS: self.rejected} if annotated else {})


def check_labels(labels: LabelSources, progress: Progress) -> CheckedLabels:
    """Read all COCO files and tables, by split.

    StoreError or UsageError for a COCO file that is none, or a table that can't be read.
    """
    coco = {split: check_coco(path, progress) for split, path in labels.coco.items()}
    return CheckedLabels(coco, {split: read_label_table(p) for split, p in labels.tables.items()})


def open_labels(
    rows: HashTable,
    sources: Sequence[Source],
    labels: LabelSources,
    checked: CheckedLabels,
    progress: Progress,
) -> dict[str, LabelSource]:
    """Where the labels of each split come from: a file that was given, or those of its images."""
    found: dict[str, LabelSource] = {**checked.tables}
    found |= {split: CocoLabels(path) for split, path in labels.coco.items()}
    for source in sources if labels.sidecars else ():
        files = _label_files(source)
        if source.split not in found and files is not None:
            of_split = rows.where_split(source.split)
            if form := find_sidecar_form(of_split, files):
                found[source.split] = read_sidecar_labels(
                    of_split, files, source.root, form, progress=progress
                )
    return found


def _label_files(source: Source) -> LabelFiles | None:
    """Where label files of a split's images may be; None if nobody looks."""
    if isinstance(source, LocalSource):
        return LooseFiles(source.root)
    if isinstance(source, ContainerSource) and not is_remote(source.root):
        return MemberFiles(source.root, source.key)
    return None


def compare_labels(
    groups: pa.Table,
    rows: HashTable,
    labels: LabelSources,
    sources: Mapping[str, LabelSource],
    checked: CheckedLabels,
    progress: Progress,
) -> LabelComparison:
    """Compare the labels of copies with their keepers' labels; without labels, no figures.

    `sources` are as `open_labels` finds them.
    """
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
    if sources:
        found = annotation_conflicts(groups, rows, sources, progress)
        tables.append(found.table)
        annotated = describe_annotations(found, sources, checked.coco)
        figures |= annotated.figures
        entries = annotated.rejected
    table = parquet.concat(CONFLICTS_SCHEMA, tables)
    return LabelComparison(table, rejected_table(entries), figures)


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


def sidecar_summary(
    rows: HashTable, sources: Sequence[Source], progress: Progress
) -> dict[str, Any]:
    """How many images of each split of files have labels of their own, by where these lie."""
    figures = {}
    for source, paths in _loose_images(rows, sources):
        images = [os.path.join(source.root, path) for path in paths]
        if places := count_sidecars(images, progress):
            figures[source.split] = {"images": len(paths), "places": places}
    return figures


def mask_folder_summary(rows: HashTable, sources: Sequence[Source]) -> dict[str, Any]:
    """How many images of each split of files have masks that nobody hashed, by their folders."""
    figures = {}
    for source, paths in _loose_images(rows, sources):
        pairs = source.mask_pairs(dict.fromkeys(map(os.path.dirname, paths)))
        images = (os.path.join(source.root, path) for path in paths)
        if counts := count_with_masks(images, pairs):
            figures[source.split] = {"images": len(paths), "pairs": counts}
    return figures


def _loose_images(
    rows: HashTable, sources: Sequence[Source]
) -> Iterator[tuple[LocalSource, list[bytes]]]:
    """The splits of files on a disk, with the paths of their images."""
    for source in sources:
        if isinstance(source, LocalSource):
            of_split = pa.array(rows.splits == source.split)
            yield source, rows.paths.filter(of_split).to_pylist()


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

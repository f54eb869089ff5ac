"""What summary.json says of annotations: of COCO files, of tables, and of files of one image."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from fastphash.files import parquet
from fastphash.labels.coco import ImageMatching, Images
from fastphash.labels.coco_check import CheckedCoco, RejectedEntry, unmatched_images
from fastphash.labels.coco_labels import CocoLabels
from fastphash.labels.conflicts import AnnotationConflicts
from fastphash.labels.label_source import LabelSource
from fastphash.labels.label_table import TableLabels
from fastphash.labels.sidecar_labels import SidecarLabels

# entries that can't be used that a summary names
_REJECTED_SHOWN = 5


class AnnotationFigures(NamedTuple):
    """Figures by the sort of source, and by split the entries that can't be used."""

    figures: dict[str, Any]
    rejected: dict[str, list[RejectedEntry]]


def describe_annotations(
    found: AnnotationConflicts,
    sources: Mapping[str, LabelSource],
    checked: Mapping[str, CheckedCoco],
) -> AnnotationFigures:
    """The figures of all sources of annotations; `checked` are the COCO files."""
    figures: dict[str, Any] = {}
    rejected: dict[str, list[RejectedEntry]] = {}
    conflicts = parquet.count_values(found.table["source"].cast(pa.string()))
    for sort, kind in (("coco", CocoLabels), ("tables", TableLabels), ("sidecars", SidecarLabels)):
        of_sort = {split: one for split, one in sources.items() if isinstance(one, kind)}
        if not of_sort:
            continue
        odd = {split: _odd_entries(one, checked.get(split)) for split, one in of_sort.items()}
        unmatched = {
            split: _unmatched(sources[split], found.matched[split], checked.get(split))
            for split in of_sort
            if split in found.matched
        }
        rejected |= {split: odd[split] + unmatched.get(split, []) for split in of_sort}
        forms = {one.form for one in of_sort.values()}
        figures[sort] = {
            "conflicts": sum(conflicts.get(form, 0) for form in forms),
            "not_compared": sum(found.not_compared.get(form, 0) for form in forms),
            **_of_files(of_sort),
            **_of_matches({split: found.matched[split] for split in unmatched}),
            "rejected": {split: len(entries) for split, entries in odd.items()},
            "first_rejected": _first_rejected(odd),
        }
        if unmatched:
            first = {split: entries[0] for split, entries in unmatched.items() if entries}
            names = {split: entry.file_name for split, entry in first.items()}
            figures[sort]["first_unmatched"] = names
        if sort == "coco":
            figures[sort]["other_ids"] = {split: checked[split].other_ids for split in of_sort}
    return AnnotationFigures(figures, rejected)


def _odd_entries(source: LabelSource, checked: CheckedCoco | None) -> list[RejectedEntry]:
    if checked is not None:
        return checked.rejected
    if isinstance(source, TableLabels):
        return source.rejected
    return source.survey.rejected if isinstance(source, SidecarLabels) else []


def _unmatched(
    source: LabelSource, matched: ImageMatching, checked: CheckedCoco | None
) -> list[RejectedEntry]:
    """Names that are those of no image for certain."""
    if checked is not None:
        return unmatched_images(checked.images, matched)
    assert isinstance(source, TableLabels)
    names = source.images.names
    images = Images(source.path, [None] * len(names), names)
    return [entry._replace(array="rows") for entry in unmatched_images(images, matched)]


def _of_files(sources: Mapping[str, Any]) -> dict[str, Any]:
    """The files by split: paths of those that were given, formats and names of the others."""
    first = next(iter(sources.values()))
    if not isinstance(first, SidecarLabels):
        return {"files": {split: os.path.abspath(one.path) for split, one in sources.items()}}
    return {
        "formats": {split: one.form for split, one in sources.items()},
        "names": {split: one.names_file for split, one in sources.items()},
        "labelled": {split: one.survey.listed.size for split, one in sources.items()},
    }


def _of_matches(matched: Mapping[str, ImageMatching]) -> dict[str, Any]:
    """How names of files and images match."""
    if not matched:
        return {}
    return {
        "unknown": {split: images.unknown for split, images in matched.items()},
        "ambiguous": {split: len(images.ambiguous) for split, images in matched.items()},
        "unlisted": {split: images.unlisted for split, images in matched.items()},
        "inexact": {split: len(images.inexact) for split, images in matched.items()},
    }


def _first_rejected(rejected: Mapping[str, Sequence[RejectedEntry]]) -> list[str]:
    """The first entries that can't be used, a line each."""
    lines = [f"{split}: {entry}" for split, entries in rejected.items() for entry in entries]
    return lines[:_REJECTED_SHOWN]

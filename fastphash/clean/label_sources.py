"""The labels of an audit, found again where it found them."""

import os
from pathlib import Path
from typing import Any

from fastphash.base.progress import Progress
from fastphash.errors import StoreError, UsageError
from fastphash.labels.coco_labels import CocoLabels
from fastphash.labels.label_files import LooseFiles, MemberFiles
from fastphash.labels.label_source import LabelSource
from fastphash.labels.label_table import read_label_table
from fastphash.labels.label_text import LabelFileError
from fastphash.labels.sidecar_labels import SidecarLabels, read_sidecar_labels
from fastphash.results.audit_folder import AuditFolder
from fastphash.sources.origins import origin_of


def label_files(audited: AuditFolder, sort: str) -> dict[str, Path]:
    """The files that an audit was given for its splits: of the sort "coco" or "tables"."""
    files = audited.summary["labels"].get(sort, {}).get("files", {})
    return {split: Path(path) for split, path in files.items()}


def label_sources(audited: AuditFolder, progress: Progress) -> dict[str, LabelSource]:
    """Where the annotations of each split come from.

    Raises
    ------
    UsageError
        A file is gone.
    StoreError
        A file is damaged.
    """
    coco, tables = label_files(audited, "coco"), label_files(audited, "tables")
    for files, what in ((coco, "COCO file"), (tables, "table of labels")):
        for split, path in files.items():
            if not path.is_file():
                raise UsageError(
                    f"no such file: {str(path)!r}, the {what} of split {split!r} in this audit: "
                    "put it back, or audit again"
                )
    found: dict[str, LabelSource] = {split: CocoLabels(path) for split, path in coco.items()}
    found |= {split: read_label_table(path) for split, path in tables.items()}
    beside = audited.summary["labels"].get("sidecars", {})
    for split in beside.get("formats", {}):
        found[split] = _sidecars(audited, split, beside, progress)
    return found


def _sidecars(
    audited: AuditFolder, split: str, beside: dict[str, Any], progress: Progress
) -> SidecarLabels:
    root = os.fsencode(audited.store.roots[split])
    origin = origin_of(audited.store.origins.get(split))
    files = LooseFiles(root) if origin is None else MemberFiles(root, origin.key)
    form, names_file = beside["formats"][split], beside["names"][split]
    rows = audited.rows.where_split(split)
    try:
        return read_sidecar_labels(rows, files, root, form, names_file, progress)
    except LabelFileError as error:
        raise StoreError(
            f"{names_file}, the names of classes of split {split!r} in this audit: {error}: put it "
            "back, or audit again"
        ) from error

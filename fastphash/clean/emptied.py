"""Splits, classes and annotations of which a plan leaves nothing."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.clean.label_rule import LabelRule
from fastphash.labels.class_folders import class_folders
from fastphash.labels.label_source import LabelSource
from fastphash.labels.levels import ANNOTATED, levels_of
from fastphash.results.audit_folder import AuditFolder
from fastphash.store.rows import HashTable


class Emptied(NamedTuple):
    """Something that loses all of its images.

    Attributes
    ----------
    split : str
    what : {"split", "class", "annotations", "category"}
        The split itself, a class folder, all images with annotations, or those of a category.
    name : str
        Of the class or category; empty for others.
    images : int
        How many it had.
    """

    split: str
    what: str
    name: str
    images: int


def find_emptied(
    audited: AuditFolder, rule: LabelRule, removed: NDArray[np.int64]
) -> list[Emptied]:
    """Find what loses all of its images; of an emptied split nothing else is named.

    Parameters
    ----------
    audited : AuditFolder
    rule : LabelRule
        Of the labels of all rows of the audit.
    removed : int64 (m,)
        The rows that are removed.
    """
    labels = audited.summary["labels"]
    rows, sources = rule.rows, rule.sources
    goes = np.zeros(len(rows), np.bool_)
    goes[removed] = True
    found: list[Emptied] = []
    for split in audited.splits:
        of_split = np.flatnonzero(rows.splits == split)
        gone = goes[of_split]
        if not gone.any():
            continue
        if gone.all():
            found.append(Emptied(split, "split", "", gone.size))
            continue
        images = rows.take(of_split)
        if "folder" in labels:
            depths = labels["folder"]["depths"]
            classes = class_folders(images.table["split"], images.paths, depths)
            found += _emptied_folders(split, classes.combine_chunks(), gone)
        if split in sources:
            found += _emptied_labels(split, images, gone, sources[split])
    return found


def _emptied_folders(split: str, classes: pa.Array, gone: NDArray[np.bool_]) -> Iterator[Emptied]:
    folders = classes.dictionary_encode()
    inside = np.flatnonzero(folders.indices.is_valid().to_numpy(zero_copy_only=False))
    code = folders.indices.fill_null(0).to_numpy(zero_copy_only=False)[inside]
    images = np.bincount(code, minlength=len(folders.dictionary))
    lost = np.bincount(code[gone[inside]], minlength=len(folders.dictionary))
    for i in np.flatnonzero((images > 0) & (images == lost)).tolist():
        name = folders.dictionary[i].as_py().decode(errors="replace")
        yield Emptied(split, "class", name, int(images[i]))


def _emptied_labels(
    split: str, rows: HashTable, gone: NDArray[np.bool_], source: LabelSource
) -> Iterator[Emptied]:
    annotated = levels_of(rows) == ANNOTATED
    if not gone[annotated].any():
        return
    if gone[annotated].all():
        yield Emptied(split, "annotations", "", int(annotated.sum()))
        return
    for name, images in source.categories(rows).emptied(gone).items():
        yield Emptied(split, "category", name, images)

"""Copies that stay because of their labels."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import (
    CONFLICT_RULES,
    CROPPED,
    IDENTICAL,
    KINDS,
    ORIENTATIONS,
    ConflictRule,
)
from fastphash.clean.label_sources import label_sources
from fastphash.errors import UsageError
from fastphash.labels.class_folders import class_folders
from fastphash.labels.conflicts import annotation_conflicts
from fastphash.labels.label_source import LabelSource
from fastphash.labels.levels import ANNOTATED, LISTED, UNLISTED, levels_of, with_levels
from fastphash.results.audit_folder import AuditFolder
from fastphash.results.schemas import coded, row_names
from fastphash.store.rows import HashTable
from fastphash.store.schema import exact_paths

#: What disagrees: the image that would stay has no annotations and the other has some; their class
#: folders; their annotations, in COCO files or elsewhere. Codes are indices into this, after 0 for
#: nothing.
DISAGREEMENTS = ("unannotated", "folder", "coco", "annotations")
UNANNOTATED, FOLDER, COCO, ANNOTATIONS = range(1, 5)
_NO_FOLDER = -1


@dataclass(frozen=True, slots=True)
class LabelRule:
    """Says which pairs of rows have labels that disagree.

    An image with annotations never goes for one whose labels give it none. Of two images with
    different labels neither goes, unless conflicts are dropped.

    Attributes
    ----------
    rows : HashTable
        Rows of the audit, with the levels of their labels.
    folder : int64 (n,)
        Number of each row's class folder; -1 without one, or if folders don't count.
    level : uint8 (n,)
        One of `fastphash.labels.levels.LEVELS`.
    sources : mapping of str to LabelSource
        Where annotations come from, by split.
    compared : bool
        Whether annotations are compared.
    """

    rows: HashTable
    folder: NDArray[np.int64]
    level: NDArray[np.uint8]
    sources: Mapping[str, LabelSource]
    compared: bool

    def known_apart(self, stays: NDArray[np.int64], goes: NDArray[np.int64]) -> NDArray[np.uint8]:
        """What disagrees between rows by folders and levels alone, a code uint8 (n,)."""
        bare = (self.level[stays] == LISTED) | (self.level[stays] == UNLISTED)
        unannotated = bare & (self.level[goes] == ANNOTATED)
        one, other = self.folder[stays], self.folder[goes]
        elsewhere = (one != other) & (one != _NO_FOLDER) & (other != _NO_FOLDER)
        return np.select([unannotated, elsewhere], [UNANNOTATED, FOLDER], 0).astype(np.uint8)

    def apart(
        self,
        stays: NDArray[np.int64],
        goes: NDArray[np.int64],
        kind: NDArray[np.uint8],
        orientation: NDArray[np.uint8],
        progress: Progress = no_progress,
    ) -> NDArray[np.uint8]:
        """What disagrees between rows, their annotations included: a code uint8 (n,).

        Orientations turn `goes` into the frame of `stays`. The annotations of pairs of kind
        `cropped` are not compared: they show different parts.
        """
        codes = self.known_apart(stays, goes)
        both = (self.level[stays] == ANNOTATED) & (self.level[goes] == ANNOTATED)
        asked = np.flatnonzero(both & (codes == 0) & (kind != CROPPED))
        if self.compared and self.sources and asked.size:
            table = _as_groups(self.rows, stays[asked], goes[asked], orientation[asked])
            conflicts = annotation_conflicts(table, self.rows, self.sources, progress).table
            unlike = asked[self._named(goes[asked], conflicts)]
            codes[unlike] = np.where(self._in_coco(goes[unlike]), COCO, ANNOTATIONS)
        return codes

    def _in_coco(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which rows have their annotations in COCO files, bool (n,)."""
        splits = [split for split, source in self.sources.items() if source.form == "coco"]
        return np.isin(self.rows.splits[rows], splits)

    def _named(self, rows: NDArray[np.int64], conflicts: pa.Table) -> NDArray[np.bool_]:
        """Which rows are the copies of conflicts, bool (n,)."""
        if not conflicts.num_rows:
            return np.zeros(rows.size, np.bool_)
        names = set(
            zip(conflicts["split"].to_pylist(), exact_paths(conflicts).to_pylist(), strict=True)
        )
        paths = self.rows.paths.take(pa.array(rows)).to_pylist()
        splits = self.rows.splits[rows].tolist()
        return np.array([name in names for name in zip(splits, paths, strict=True)], np.bool_)


def read_label_rule(
    audited: AuditFolder, conflicts: ConflictRule, progress: Progress = no_progress
) -> LabelRule:
    """The rule of an audit's labels: class folders and annotations, as the audit found them.

    Raises
    ------
    UsageError
        `conflicts` is neither keep nor drop, or a file of labels is gone.
    StoreError
        A file of labels is damaged.
    """
    if conflicts not in CONFLICT_RULES:
        raise UsageError(f"`conflicts` is {conflicts!r}: use one of {', '.join(CONFLICT_RULES)}")
    labels = audited.summary["labels"]
    sources = label_sources(audited, progress)
    rows = with_levels(audited.rows, sources)
    compared = conflicts == "keep"
    folder = np.full(len(rows), _NO_FOLDER)
    if compared and "folder" in labels:
        classes = class_folders(rows.table["split"], rows.paths, labels["folder"]["depths"])
        codes = classes.combine_chunks().dictionary_encode().indices
        folder = codes.cast(pa.int64()).fill_null(_NO_FOLDER).to_numpy(zero_copy_only=False)
    return LabelRule(rows, folder, levels_of(rows), sources, compared)


def _as_groups(
    rows: HashTable,
    stays: NDArray[np.int64],
    goes: NDArray[np.int64],
    orientation: NDArray[np.uint8],
) -> pa.Table:
    """Pairs of rows as a table of groups, as far as the comparison of labels needs it."""
    keepers, group = np.unique(stays, return_inverse=True)
    number = np.concatenate([np.arange(keepers.size), group])
    order = np.argsort(number, kind="stable")
    is_keeper = order < keepers.size
    split, path, path_bytes = row_names(rows, np.concatenate([keepers, goes])[order])
    turned = np.concatenate([np.zeros(keepers.size, np.uint8), orientation])[order]
    return pa.table(
        {
            "group": number[order],
            "split": split,
            "path": path,
            # the kind says only that they are copies of the whole
            "kind": coded(np.full(order.size, IDENTICAL), KINDS, is_keeper),
            "distance": np.zeros(order.size, np.uint8),
            "orientation": coded(turned, ORIENTATIONS),
            "path_bytes": path_bytes,
        }
    )

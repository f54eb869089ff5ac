"""Drafts of COCO files, and of tables of labels, without the removed images."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.drafts import Drafts
from fastphash.clean.outcome import WrittenLabels
from fastphash.clean.table_drafts import draft_table
from fastphash.errors import UsageError
from fastphash.labels.coco import ImageMatching, Images, match_images, read_images
from fastphash.labels.coco_filter import Filtered, check_filtered, filter_coco
from fastphash.labels.coco_removal import Removal, find_removal, unknown_images
from fastphash.labels.label_table import is_table


def check_label_files(plan: CheckedPlan, labels: Mapping[str, Path] | None) -> None:
    """Raise UsageError unless each file exists and belongs to a split of the audit."""
    for split, source in (labels or {}).items():
        if split not in plan.audited.splits:
            raise UsageError(f"a label file is for {split!r}, which is no split of this audit")
        if not source.is_file():
            raise UsageError(
                f"no such file: {str(source)!r}, the {_what(source)} of split {split!r}: name it "
                f"with {_option(source)} {split}=FILE"
            )


def draft_labels(
    plan: CheckedPlan,
    target: Path,
    labels: Mapping[str, Path] | None,
    removed: NDArray[np.bool_],
    drafts: Drafts,
    progress: Progress,
) -> dict[str, WrittenLabels]:
    """Draft ``SPLIT.json`` without the removed images, and check what was written.

    A table of labels is drafted under the ending that it has.

    Parameters
    ----------
    plan : CheckedPlan
    target : Path
        Folder of the new files.
    labels : mapping of str to Path, optional
        The COCO file of each split, or a table of its labels.
    removed : bool (n,)
        Whether the plan's rows are removed.
    drafts : Drafts
    progress : Progress

    Returns
    -------
    dict of str to WrittenLabels
        By split.

    Raises
    ------
    StoreError
        Nobody can tell whether an image of a file goes.
    """
    written = {}
    for split, source in (labels or {}).items():
        ending = source.suffix.lower() if is_table(source) else ".json"
        path = target / f"{split}{ending}"
        if path.exists() and path.samefile(source):
            raise UsageError(f"{str(path)!r} is the {_what(source)} itself: name another folder")
        paths, goes, hashed = _images_of(plan, split, removed)
        if is_table(source):
            written[split] = draft_table(source, path, paths, goes, hashed, drafts)
            continue
        filtering = _plan_filter(source, paths, goes, hashed)
        write = partial(_write, filtering, progress)
        written[split] = filtering.outcome(drafts.add(path, write))
    return written


def _what(source: Path) -> str:
    return "table of labels" if is_table(source) else "COCO file"


def _option(source: Path) -> str:
    return "`tables`" if is_table(source) else "`coco`"


class _Filtering(NamedTuple):
    """A COCO file, which of its images are which paths of a split, and which of them go.

    Paths with a hash come first, `hashed` of them.
    """

    images: Images
    matched: ImageMatching
    hashed: int
    removal: Removal

    def outcome(self, filtered: Filtered) -> WrittenLabels:
        return WrittenLabels(
            images=filtered.images,
            annotations=filtered.annotations,
            annotations_gone=filtered.annotations_gone,
            inexact=len(self.matched.inexact),
            unknown=len(unknown_images(self.matched)),
            unhashed=int((self.matched.rows >= self.hashed).sum()),
            orphans=filtered.orphans,
        )


def _images_of(
    plan: CheckedPlan, split: str, removed: NDArray[np.bool_]
) -> tuple[list[bytes], NDArray[np.bool_], int]:
    """Paths of a split, whether each goes, and how many have a hash: those come first."""
    rows = np.flatnonzero(plan.splits == split)
    # images without a hash stay: their names are known, though no list has them
    unhashed = plan.rejected_paths(split)
    paths = [plan.paths[row] for row in rows.tolist()] + unhashed
    return paths, np.concatenate([removed[rows], np.zeros(len(unhashed), np.bool_)]), rows.size


def _plan_filter(
    source: Path, paths: list[bytes], goes: NDArray[np.bool_], hashed: int
) -> _Filtering:
    images = read_images(source)
    matched = match_images(images.names, paths)
    return _Filtering(images, matched, hashed, find_removal(images, matched, paths, goes))


def _write(filtering: _Filtering, progress: Progress, draft: Path) -> Filtered:
    images, removal = filtering.images, filtering.removal
    filtered = filter_coco(images.path, draft, removal.ids, progress, places=removal.places)
    check_filtered(draft, images, removal.places, filtered.orphans)
    return filtered

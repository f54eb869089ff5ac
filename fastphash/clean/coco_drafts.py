"""Drafts of COCO files without the removed images."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.drafts import Drafts
from fastphash.clean.outcome import WrittenCoco
from fastphash.errors import UsageError
from fastphash.labels.coco import Images, match_images, read_images
from fastphash.labels.coco_filter import Filtered, check_filtered, filter_coco
from fastphash.labels.coco_removal import Removal, find_removal, unknown_images
from fastphash.store.schema import exact_paths


def check_coco(plan: CheckedPlan, coco: Mapping[str, Path] | None) -> None:
    """Raise UsageError unless each COCO file exists and belongs to a split of the audit."""
    for split, source in (coco or {}).items():
        if split not in plan.audited.splits:
            raise UsageError(f"`coco` names {split!r}, which is no split of this audit")
        if not source.is_file():
            raise UsageError(
                f"no such file: {str(source)!r}, the COCO file of split {split!r}: name it with "
                f"`coco` {split}=FILE"
            )


def draft_coco(
    plan: CheckedPlan,
    target: Path,
    coco: Mapping[str, Path] | None,
    removed: NDArray[np.bool_],
    drafts: Drafts,
    progress: Progress,
) -> dict[str, WrittenCoco]:
    """Draft ``SPLIT.json`` without the removed images, and check what was written.

    Parameters
    ----------
    plan : CheckedPlan
    target : Path
        Folder of the new files.
    coco : mapping of str to Path, optional
        The COCO file of each split.
    removed : bool (n,)
        Whether the plan's rows are removed.
    drafts : Drafts
    progress : Progress

    Returns
    -------
    dict of str to WrittenCoco
        By split.

    Raises
    ------
    StoreError
        Nobody can tell whether an image of a COCO file goes.
    """
    written = {}
    for split, source in (coco or {}).items():
        rows = np.flatnonzero(plan.splits == split)
        # images without a hash stay: their names are known, though no list has them
        unhashed = _rejected_paths(plan, split)
        paths = [plan.paths[row] for row in rows.tolist()] + unhashed
        goes = np.concatenate([removed[rows], np.zeros(len(unhashed), np.bool_)])
        images = read_images(source)
        matched = match_images(images.names, paths)
        removal = find_removal(images, matched, paths, goes)
        path = target / f"{split}.json"
        if path.exists() and path.samefile(source):
            raise UsageError(f"{str(path)!r} is the COCO file itself: name another folder")

        def write(
            draft: Path,
            source: Path = source,
            images: Images = images,
            removal: Removal = removal,
        ) -> Filtered:
            filtered = filter_coco(source, draft, removal.ids, progress, places=removal.places)
            check_filtered(draft, images, removal.places, filtered.orphans)
            return filtered

        filtered = drafts.add(path, write)
        written[split] = WrittenCoco(
            images=filtered.images,
            annotations=filtered.annotations,
            annotations_gone=filtered.annotations_gone,
            inexact=len(matched.inexact),
            unknown=len(unknown_images(images, matched)),
            unhashed=int((matched.rows >= rows.size).sum()),
        )
    return written


def _rejected_paths(plan: CheckedPlan, split: str) -> list[bytes]:
    rejected = plan.audited.rejected
    names = zip(rejected["split"].to_pylist(), exact_paths(rejected).to_pylist(), strict=True)
    hashed = set(plan.paths)
    return [path for of_split, path in names if of_split == split and path not in hashed]

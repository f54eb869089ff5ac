"""Drafts of COCO files without the removed images."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.drafts import Drafts
from fastphash.errors import UsageError
from fastphash.labels.coco import ImageId, match_images, read_images
from fastphash.labels.coco_filter import filter_coco, removed_images


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
) -> int:
    """Draft ``SPLIT.json`` without the removed images; return how many annotations it leaves out.

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
    """
    annotations_gone = 0
    for split, source in (coco or {}).items():
        rows = np.flatnonzero(plan.splits == split)
        paths = [plan.paths[row] for row in rows.tolist()]
        images = read_images(source)
        ids = removed_images(images, match_images(images.names, paths), paths, removed[rows])
        path = target / f"{split}.json"
        if path.exists() and path.samefile(source):
            raise UsageError(f"{str(path)!r} is the COCO file itself: name another folder")
        annotations_gone += drafts.add(path, partial(_filter, source, ids, progress))
    return annotations_gone


def _filter(source: Path, ids: set[ImageId], progress: Progress, path: Path) -> int:
    return filter_coco(source, path, ids, progress).annotations_gone

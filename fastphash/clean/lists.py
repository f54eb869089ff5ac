"""Lists of the images that stay."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from fastphash.base.progress import Progress, no_progress
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.container_lists import add_container_lists
from fastphash.clean.drafts import Drafts
from fastphash.clean.file_state import read_file_state
from fastphash.clean.label_drafts import check_label_files, draft_labels
from fastphash.clean.outcome import Applied
from fastphash.clean.samples import SplitSamples
from fastphash.clean.skipped import recorded
from fastphash.errors import UsageError
from fastphash.files import atomic


def write_lists(
    plan: CheckedPlan,
    target: Path,
    *,
    null: bool = False,
    absolute: bool = False,
    overwrite: bool = False,
    labels: Mapping[str, Path] | None = None,
    progress: Progress = no_progress,
) -> Applied:
    """Write the names of the images that stay, ``SPLIT.txt`` for each split.

    Splits of containers get ``SPLIT.keep.npy`` and ``SPLIT.keys.parquet``, too.

    Parameters
    ----------
    plan : CheckedPlan
    target : Path
        Folder of the lists; made if missing.
    null : bool
        End names with a NUL byte instead of a newline.
    absolute : bool
        Write absolute names instead of names relative to the split's folder.
    overwrite : bool
        Replace lists with other contents.
    labels : mapping of str to Path, optional
        COCO file of each split, or a table of its labels. A copy without the removed images is
        written beside the lists.
    progress : Progress

    Raises
    ------
    StoreError
        The plan keeps images of a split, but all its files are gone.
    UsageError
        A list with other contents exists, or a name contains a newline.
    """
    check_label_files(plan, labels)
    state = read_file_state(plan, progress)
    applied = Applied(skipped=state.skipped_by_lists(plan), rescued=state.rescued)
    with Drafts(overwrite) as drafts:
        for split in plan.audited.splits:
            rows = np.flatnonzero(state.keep & (plan.splits == split)).tolist()
            names = [plan.file(row) if absolute else plan.paths[row] for row in rows]
            content = _joined(names, b"\0" if null else b"\n")
            drafts.add(target / f"{split}.txt", partial(_write_bytes, content))
            applied.done += len(rows)
            if plan.audited.in_containers(split):
                samples = SplitSamples(plan, split, state.keep)
                add_container_lists(plan, split, samples, target, drafts)
        applied.planned = applied.done + len(applied.skipped)
        written = draft_labels(plan, target, labels, ~state.keep, drafts, progress)
        with recorded(plan, applied):
            applied.files, applied.labels = drafts.publish(), written
    return applied


def _joined(names: list[bytes], end: bytes) -> bytes:
    for name in names:
        if end in name:
            shown = name.decode(errors="replace")
            raise UsageError(f"{shown!r} has a newline in its name: `null` ends names with NUL")
    return b"".join(name + end for name in names)


def _write_bytes(data: bytes, path: Path) -> None:
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(data)

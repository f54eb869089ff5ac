"""A tree of the images that stay: copies, hard links or symbolic links."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import CleanMode
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.drafts import Drafts
from fastphash.clean.file_state import read_file_state
from fastphash.clean.label_drafts import check_label_files, draft_labels
from fastphash.clean.outcome import NAME_TAKEN, Applied
from fastphash.clean.shard_tree import make_shards
from fastphash.clean.sidecars import place_sidecars
from fastphash.clean.skipped import recorded
from fastphash.clean.targets import check_target, target_files
from fastphash.errors import UsageError
from fastphash.files.durable_transfer import copy_file, link_file, link_problem, symlink_file
from fastphash.files.own_copies import TakenError
from fastphash.files.own_names import FolderNames


def make_tree(
    plan: CheckedPlan,
    target: Path,
    mode: CleanMode,
    *,
    labels: Mapping[str, Path] | None = None,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> Applied:
    """Make a tree ``SPLIT/path`` of the images that stay; a second run continues the first.

    Containers are written anew without the samples that go; those that lose none are copied, or
    linked if links are asked for.

    Parameters
    ----------
    plan : CheckedPlan
    target : Path
        A folder outside the splits' folders. Images in it are not overwritten.
    mode : {"copy", "hardlink", "symlink"}
    labels, overwrite, progress
        As for `write_lists`.

    Raises
    ------
    UsageError
        The target lies in a split's folder or contains one, a name leads out of its split, or no
        hard links to a split's files can be made there.
    """
    check_target(plan, target)
    check_label_files(plan, labels)
    state = read_file_state(plan, progress, whole_containers=True)
    rows = np.flatnonzero(state.keep & ~plan.in_containers).tolist()
    destinations = target_files(plan, target, rows)
    if mode == "hardlink":
        _check_links(plan, target, dict(zip(rows, destinations, strict=True)))
    applied = Applied(skipped=state.skipped_by_lists(plan), rescued=state.rescued)
    applied.planned = int(np.count_nonzero(state.keep)) + len(applied.skipped)
    names = FolderNames()
    with Drafts(overwrite) as drafts:
        written = draft_labels(plan, target, labels, ~state.keep, drafts, progress)
        with recorded(plan, applied):
            made = {}
            for done, (row, destination) in enumerate(zip(rows, destinations, strict=True)):
                progress(f"{mode} of images", done, len(rows))
                make = partial(_make_file, plan, row, destination, mode, names)
                if applied.attempt(make, partial(plan.skipped, row)):
                    made[row] = destination
            applied.sidecars = place_sidecars(plan, [*made], [*made.values()], mode, progress)
            make_shards(plan, target, mode, state.keep, applied, progress)
            applied.files, applied.labels = drafts.publish(), written
    return applied


def _check_links(plan: CheckedPlan, target: Path, destinations: dict[int, bytes]) -> None:
    """Raise UsageError if no hard link to the first file of a split can be made; the rest follow.

    `destinations` are by row.
    """
    there = next(path for path in (target, *target.absolute().parents) if path.is_dir())
    first_of = {plan.splits[row]: row for row in reversed(list(destinations))}
    for split, row in first_of.items():
        if os.path.lexists(destinations[row]):
            continue
        if why := link_problem(plan.file(row), os.fsencode(there)):
            raise UsageError(
                f"no hard links from {str(target)!r} to split {split!r} in "
                f"{plan.audited.store.roots[split]!r} ({why}): use copy or symlink, or name a "
                "folder on the same disk"
            )


def _make_file(
    plan: CheckedPlan, row: int, destination: bytes, mode: CleanMode, names: FolderNames
) -> bool:
    """Copy or link a row's file; False if an earlier run did."""
    if mode == "copy":
        made = copy_file(plan.file(row), destination, plan.digests[row])
    else:
        link = link_file if mode == "hardlink" else symlink_file
        made = link(plan.file(row), destination)
    # where upper and lower case are one, what is there may be another row's
    if not made and destination not in names:
        # another run may have made it since its folder was listed
        names.forget(destination)
        if destination not in names:
            raise TakenError(NAME_TAKEN)
    return made

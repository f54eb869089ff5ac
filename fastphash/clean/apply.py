"""A clean plan put into effect, as lists, as a tree, or by moving images aside."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import CleanMode
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.lists import write_lists
from fastphash.clean.move import move_aside
from fastphash.clean.outcome import Applied
from fastphash.clean.tree import make_tree
from fastphash.errors import UsageError
from fastphash.sources.remote.address import is_remote


def apply_plan(
    plan: CheckedPlan,
    mode: CleanMode,
    target: Path,
    *,
    null: bool = False,
    absolute: bool = False,
    labels: Mapping[str, Path] | None = None,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> Applied:
    """Do what a mode says: `write_lists`, `make_tree` or `move_aside`, which have the parameters.

    COCO files and tables of labels are read, and conflicts with existing files are found, before
    anything is done. ``skipped.parquet`` in the audit's folder lists the skipped images, even if
    the run fails.
    """
    if mode != "lists" and (null or absolute):
        raise UsageError("`null` and `absolute` are for lists")
    if mode != "lists":
        _check_reachable(plan, mode)
    if mode == "move" and plan.drop_rejected:
        raise UsageError("`drop_rejected` is for lists and trees: a move leaves such images alone")
    common: dict[str, Any] = {"labels": labels, "overwrite": overwrite, "progress": progress}
    if mode == "move":
        return move_aside(plan, target, **common)
    if mode == "lists":
        return write_lists(plan, target, null=null, absolute=absolute, **common)
    return make_tree(plan, target, mode, **common)


def _check_reachable(plan: CheckedPlan, mode: CleanMode) -> None:
    """Raise UsageError if images lie in buckets or on web servers, where nothing is changed."""
    for split in plan.audited.splits:
        root = plan.audited.store.roots[split]
        if is_remote(os.fsencode(root)):
            raise UsageError(
                f"the images of split {split!r} lie in {root!r}, where nothing is changed, and "
                f"`mode` {mode} is for files of this machine: use `mode` lists, with `absolute` of "
                "addresses"
            )

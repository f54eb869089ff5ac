"""Which images of a plan can be kept or removed, given the files on the disk now."""

import contextlib
import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.container_state import DAMAGED, container_problems
from fastphash.clean.outcome import CHANGED, GONE, Skipped
from fastphash.errors import StoreError
from fastphash.files.durable_transfer import entry_of
from fastphash.sources.member_paths import split_path
from fastphash.sources.protocol import SpecialFileError, Stamp
from fastphash.store.stamps import stamp_at, stamps_of

# one report for this many files: a report takes longer than a look at one file
_FILES_PER_REPORT = 256


class FileState(NamedTuple):
    """The part of a plan that the files on the disk allow.

    Attributes
    ----------
    keep : bool (n,)
        Unchanged images that stay. They include images to be removed whose keeper has changed or
        is gone.
    remove : bool (n,)
        Unchanged images to be removed, each with an unchanged keeper.
    moved : bool (n,)
        Images that an earlier run moved.
    lost : dict of int to Skipped
        By row: images that are gone or have changed.
    rescued : list of Skipped
        Images that the plan removes, but that stay.
    inodes : list of int
        The inode of each image's file; 0 if there is none.
    """

    keep: NDArray[np.bool_]
    remove: NDArray[np.bool_]
    moved: NDArray[np.bool_]
    lost: dict[int, Skipped]
    rescued: list[Skipped]
    inodes: list[int]

    def skipped_by_lists(self, plan: CheckedPlan) -> list[Skipped]:
        """What lists and trees skip: images that have changed, and images to keep that are gone."""
        return [
            image for row, image in self.lost.items() if plan.keeper[row] < 0 or image.why != GONE
        ]

    def skipped_by_move(self, plan: CheckedPlan) -> list[Skipped]:
        """What a move skips: images to be removed that are gone, changed or rescued."""
        lost = [image for row, image in self.lost.items() if plan.keeper[row] >= 0]
        return lost + self.rescued


def read_file_state(
    plan: CheckedPlan,
    progress: Progress,
    destinations: Mapping[tuple[str, bytes], bytes] | None = None,
    *,
    whole_containers: bool = False,
) -> FileState:
    """Compare the stamp of every file with the one in the store, or else its bytes.

    Images in a container are as they were if it is.

    Parameters
    ----------
    plan : CheckedPlan
    progress : Progress
    destinations : mapping, optional
        Where earlier runs moved images, by split and path.
    whole_containers : bool
        Whether images count as lost that lie in damaged containers.

    Raises
    ------
    StoreError
        All images of a split are gone.
    """
    destinations = destinations or {}
    unchanged, exists, moved = np.zeros((3, len(plan)), np.bool_)
    lost = {}
    inodes = [0] * len(plan)
    files = _Files(plan, whole_containers=whole_containers)
    for row in range(len(plan)):
        if row % _FILES_PER_REPORT == 0:
            progress("looking at files", row, len(plan))
        problem, inodes[row] = files.look(row)
        exists[row], unchanged[row] = problem != GONE, not problem
        if problem == GONE:
            moved_to = destinations.get((plan.splits[row], plan.paths[row]))
            moved[row] = moved_to is not None and os.path.lexists(moved_to)
        if problem and not moved[row]:
            lost[row] = plan.skipped(row, problem)
    _check_splits(plan, exists)
    to_remove = plan.keeper >= 0
    remove = unchanged & to_remove & (unchanged & ~to_remove)[plan.keeper]
    rescued = [
        plan.skipped(row, keeper_changed(plan, row))
        for row in np.flatnonzero(unchanged & to_remove & ~remove).tolist()
    ]
    return FileState(unchanged & ~remove, remove, moved, lost, rescued, inodes)


class _Files:
    """The files of a plan, against what the store knows of them."""

    def __init__(self, plan: CheckedPlan, *, whole_containers: bool) -> None:
        self._plan = plan
        self._whole = whole_containers
        self._stamps = stamps_of(plan.audited.rows.table)
        self._containers = container_problems(plan)

    def look(self, row: int) -> tuple[str, int]:
        """Why the image of a row can't be used, or nothing; and the inode of its file."""
        plan = self._plan
        if plan.in_containers[row]:
            container = plan.splits[row], split_path(plan.paths[row])[0]
            problem = self._containers.get(container, GONE)
            if problem != DAMAGED or self._whole:
                return problem, 0
        try:
            stamp = plan.reader(row).stamp(plan.paths[row])
        except SpecialFileError:
            return CHANGED, 0
        except OSError:
            return GONE, 0
        # that of a container tells nothing of its images
        inode = 0 if plan.in_containers[row] else stamp.inode
        same = _is_unchanged(plan, row, stamp_at(self._stamps, row), stamp)
        return "" if same else CHANGED, inode


def _is_unchanged(plan: CheckedPlan, row: int, before: Stamp, now: Stamp) -> bool:
    """Whether a file is as it was hashed; it is read if its stamp leaves that open."""
    change = before.compare(now)
    if change != "unsure":
        return change == "same"
    with contextlib.suppress(OSError):
        return bool(plan.digest(row) == plan.digests[row])
    return False


def keeper_changed(plan: CheckedPlan, row: int) -> str:
    """Why an image stays: its keeper has changed or is gone."""
    return f"its keeper {plan.name(plan.keeper[row])} is {CHANGED}, or gone"


def keep_shared_files(plan: CheckedPlan, state: FileState) -> FileState:
    """The same state, but a file stays if a kept image is another name of it or a link to it."""
    real = cache(os.path.realpath)
    needed = _needed_files(plan, np.flatnonzero(state.keep).tolist(), real)
    shared = np.zeros(len(plan), np.bool_)
    for row in np.flatnonzero(state.remove).tolist():
        file = entry_of(plan.file(row), real)
        shared[row] = file in needed
        # if the plan removes two names of this file, only the first can move it
        needed.add(file)
    rescued = [
        plan.skipped(row, "an image that stays is a name of the same file, or a link to it")
        for row in np.flatnonzero(shared).tolist()
    ]
    return state._replace(
        keep=state.keep | shared, remove=state.remove & ~shared, rescued=state.rescued + rescued
    )


def without_containers(plan: CheckedPlan, state: FileState) -> FileState:
    """The same state, but images in containers neither go nor were lost on their way."""
    inside = plan.in_containers
    return state._replace(
        keep=state.keep | (state.remove & inside),
        remove=state.remove & ~inside,
        lost={row: image for row, image in state.lost.items() if not inside[row]},
        rescued=[image for image in state.rescued if not plan.audited.in_containers(image.split)],
    )


def rows_of_same_inode(state: FileState) -> dict[int, list[int]]:
    """For rows that go: the rows that stay and whose files have the same inode.

    They are hard links, which may go, files of different disks, or one file that is mounted twice.
    """
    going: dict[int, list[int]] = {}
    for row in np.flatnonzero(state.remove).tolist():
        going.setdefault(state.inodes[row], []).append(row)
    # no inode tells nothing
    going.pop(0, None)
    staying: dict[int, list[int]] = {}
    for row in np.flatnonzero(~state.remove).tolist():
        if state.inodes[row] in going:
            staying.setdefault(state.inodes[row], []).append(row)
    return {row: rows for inode, rows in staying.items() for row in going[inode]}


def _needed_files(plan: CheckedPlan, kept: list[int], real: Callable[[bytes], bytes]) -> set[bytes]:
    """The names of kept images, and each name that their links lead to."""
    names = set()
    for row in kept:
        name = entry_of(plan.file(row), real)
        while name not in names:
            names.add(name)
            if os.path.islink(name):
                name = entry_of(os.path.join(os.path.dirname(name), os.readlink(name)), real)
    return names


def _check_splits(plan: CheckedPlan, exists: NDArray[np.bool_]) -> None:
    """Raise StoreError if the plan keeps images of a split, but all its files are gone."""
    for split in plan.audited.splits:
        rows = plan.splits == split
        if (rows & (plan.keeper < 0)).any() and not exists[rows].any():
            raise StoreError(
                f"all {np.count_nonzero(rows):,} images of split {split!r} are gone from "
                f"{plan.audited.store.roots[split]}: is its disk connected? If "
                "you removed the images on purpose, audit again without this split"
            )

"""Images that go are moved aside, never deleted."""

import itertools
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from fastphash.base.progress import Progress, no_progress
from fastphash.base.text import count
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.drafts import CLEAN, Drafts
from fastphash.clean.file_state import (
    FileState,
    keep_shared_files,
    read_file_state,
    rows_of_same_inode,
    without_containers,
)
from fastphash.clean.journal import (
    Move,
    forget_moves,
    read_destinations,
    settle_moves,
    write_journal,
)
from fastphash.clean.keeper_check import KeeperCheck
from fastphash.clean.label_drafts import check_label_files, draft_labels
from fastphash.clean.losses import warn_of_losses
from fastphash.clean.made_folders import missing_folders, remove_empty
from fastphash.clean.outcome import GONE, NAME_TAKEN, Applied, Skipped
from fastphash.clean.sidecars import SidecarMoves
from fastphash.clean.skipped import recorded
from fastphash.clean.targets import check_target, target_files
from fastphash.errors import FastphashError, UsageError
from fastphash.files.durable_move import move_file
from fastphash.files.own_names import taken_name
from fastphash.store.lock import locked


def move_aside(
    plan: CheckedPlan,
    target: Path,
    *,
    labels: Mapping[str, Path] | None = None,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> Applied:
    """Move the images that go to ``SPLIT/path`` below a folder; a second run continues the first.

    The journal, which `undo_moves` reads, is written before the first file is moved. An image is
    moved only if its bytes and its keeper's, both read again, are those that were hashed. Images in
    containers stay where they are, and are counted.

    Two audits may be applied at once, even if each removes what the other keeps: each takes away
    the name of a copy first and looks at its keeper then. So at least one of them sees that the
    keeper is gone, and puts its copy back.

    Parameters
    ----------
    plan, target, labels, overwrite, progress
        As for `make_tree`; files of labels are written into the audit's folder.

    Raises
    ------
    UsageError
        As `make_tree`, or all images that go lie in containers.
    """
    check_target(plan, target)
    check_label_files(plan, labels)
    inside = _count_in_containers(plan)
    folder = plan.audited.folder
    with locked(folder), Drafts(overwrite) as drafts:
        settle_moves(folder)
        earlier = read_destinations(folder)
        state = _movable(plan, read_file_state(plan, progress, earlier))
        rows, destinations, taken = _planned_moves(plan, target, state)
        skipped = state.skipped_by_move(plan) + taken
        already = int(state.moved.sum())
        applied = Applied(len(rows) + len(skipped) + already, 0, already, skipped)
        applied.in_containers = inside
        draft = partial(
            draft_labels, plan, folder / CLEAN, labels, drafts=drafts, progress=progress
        )
        removed = state.moved | np.isin(np.arange(len(plan)), rows)
        written = draft(removed=removed)
        warn_of_losses(plan, rows, target)
        with recorded(plan, applied):
            planned = zip(rows, destinations, strict=True)
            moves = {row: _as_move(plan, row, destination) for row, destination in planned}
            sidecars = _sidecar_moves(plan, moves, earlier, state, progress)
            applied.sidecars = sidecars.outcome
            keepers = KeeperCheck(plan, rows_of_same_inode(state))
            _make_moves(folder, moves, sidecars, keepers, applied, progress)
            if still_there := [row for row in rows if os.path.lexists(plan.file(row))]:
                removed[still_there] = False
                written = draft(removed=removed)
            applied.places = _places(plan, state, earlier, target, applied.done)
            applied.files, applied.labels = drafts.publish(), written
    return applied


def _as_move(plan: CheckedPlan, row: int, destination: bytes) -> Move:
    file = plan.file(row)
    return Move(plan.splits[row], plan.paths[row], file, destination, plan.digests[row])


def _sidecar_moves(
    plan: CheckedPlan,
    moves: Mapping[int, Move],
    earlier: Mapping[tuple[str, bytes], bytes],
    state: FileState,
    progress: Progress,
) -> SidecarMoves:
    """What follows images that are moved now, and those that an earlier run moved without it."""
    before = np.flatnonzero(state.moved).tolist()
    destinations = [earlier[plan.splits[row], plan.paths[row]] for row in before]
    destinations += [move.target for move in moves.values()]
    return SidecarMoves(plan, [*before, *moves], destinations, progress)


def _movable(plan: CheckedPlan, state: FileState) -> FileState:
    """A state in which only files go that have their bytes for themselves."""
    return keep_shared_files(plan, without_containers(plan, state))


def _count_in_containers(plan: CheckedPlan) -> int:
    """How many images that go lie in containers; UsageError if there are no others to be moved."""
    goes = plan.keeper >= 0
    inside = int(np.count_nonzero(goes & plan.in_containers))
    if inside and inside == np.count_nonzero(goes):
        raise UsageError(
            f"{count(inside, 'image goes', 'images go')}, all of them in tar, zip or Parquet "
            "files, which are never edited: use `mode` copy, which writes new ones without them"
        )
    return inside


def _places(
    plan: CheckedPlan,
    state: FileState,
    earlier: Mapping[tuple[str, bytes], bytes],
    target: Path,
    moved: int,
) -> dict[str, int]:
    """How many images lie in which folder: those that were moved now, and by earlier runs."""
    here = os.path.abspath(target)
    places = {here: moved} if moved else {}
    for row in np.flatnonzero(state.moved).tolist():
        name = os.path.join(os.fsencode(plan.splits[row]), plan.paths[row])
        place = os.fsdecode(
            earlier[plan.splits[row], plan.paths[row]].removesuffix(os.fsencode(os.sep) + name)
        )
        places[place] = places.get(place, 0) + 1
    return {str(target) if place == here else place: n for place, n in places.items()}


def _planned_moves(
    plan: CheckedPlan, target: Path, state: FileState
) -> tuple[list[int], list[bytes], list[Skipped]]:
    """Rows to be moved, their destinations, and images whose destination is taken."""
    remove = np.flatnonzero(state.remove)
    links = np.array([os.path.islink(plan.file(row)) for row in remove.tolist()], np.bool_)
    # links first: a link would dangle once its file is moved
    rows = np.concatenate([remove[links], remove[~links]]).tolist()
    destinations = target_files(plan, target, rows)
    # a file at a destination is another one, and must not enter the journal
    free = [not os.path.lexists(name) for name in destinations]
    taken = [
        plan.skipped(row, NAME_TAKEN)
        for row, is_free in zip(rows, free, strict=True)
        if not is_free
    ]
    return (
        list(itertools.compress(rows, free)),
        list(itertools.compress(destinations, free)),
        taken,
    )


def _make_moves(
    folder: Path,
    moves: Mapping[int, Move],
    sidecars: SidecarMoves,
    keepers: KeeperCheck,
    applied: Applied,
    progress: Progress,
) -> None:
    """Move images, and then what belongs to them; before and after, the journal tells of all."""
    everything = [*moves.values(), *sidecars.moves]
    made = missing_folders(move.target for move in everything)
    write_journal(folder, everything, made)
    stayed: list[Move] = []
    for done, (row, move) in enumerate(moves.items()):
        progress("moving", done, len(moves))
        attempt = partial(_move_if_unchanged, row, move, keepers, stayed)
        applied.attempt(attempt, move.skipped)
    if stayed := stayed + sidecars.run(progress):
        remove_empty(made)
        forget_moves(folder, stayed)


def _move_if_unchanged(
    row: int,
    move: Move,
    keepers: KeeperCheck,
    stayed: list[Move],
) -> bool:
    """Move a row's file if it and its keeper have the bytes that were hashed.

    The move of one that stays as it was is added to `stayed`.
    """
    confirm = partial(keepers.check, row)
    file = move.source
    try:
        confirm()
        keepers.check_apart(row)
        if not move_file(file, move.target, move.digest, confirm):
            raise FastphashError(GONE)  # noqa: TRY301 - it stays out of the journal like others
    except FastphashError:
        # the journal goes on to tell of a file that couldn't get its name back
        if not os.path.lexists(taken_name(file)):
            stayed.append(move)
        raise
    except OSError:
        # the disk may have failed after the file got its new name: then it has been moved
        has_moved = os.path.lexists(taken_name(file)) or os.path.lexists(move.target)
        if not has_moved and os.path.lexists(file):
            stayed.append(move)
        raise
    return True

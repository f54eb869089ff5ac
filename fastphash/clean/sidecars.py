"""Files that belong to images, such as labels, go where their images go."""

import os
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from fastphash.base.paths import is_inside
from fastphash.base.progress import Progress
from fastphash.base.vocabulary import CleanMode
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.journal import Move
from fastphash.clean.outcome import GONE, NAME_TAKEN, Attempts, Skipped
from fastphash.errors import FastphashError
from fastphash.files.digest import digest_of
from fastphash.files.durable_move import move_file
from fastphash.files.durable_transfer import copy_file, link_file, symlink_file
from fastphash.files.own_names import taken_name
from fastphash.labels.sidecars import find_sidecars, find_twins, forget_folders, is_sidecar_name

# one report for this many images
_IMAGES_PER_REPORT = 256


class SidecarFile(NamedTuple):
    """A file that belongs to an image of a split, and its name where the image goes."""

    split: str
    name: bytes
    target: bytes

    def skipped(self, root: bytes, why: str) -> Skipped:
        """It stays as it is, and why."""
        return Skipped(self.split, _shown_path(self.name, root), why)


class SidecarMoves:
    """The moves of sidecars whose images all go.

    Parameters
    ----------
    plan : CheckedPlan
    rows : list of int
        Rows that are moved now, or were moved by an earlier run.
    destinations : list of bytes
        Where each is moved.
    progress : Progress

    Attributes
    ----------
    moves : list of Move
        For the journal.
    outcome : Attempts
        What became of them; those that can't be moved are skipped already.
    """

    def __init__(
        self,
        plan: CheckedPlan,
        rows: Sequence[int],
        destinations: Sequence[bytes],
        progress: Progress,
    ) -> None:
        forget_folders()
        self.moves: list[Move] = []
        self.outcome = Attempts()
        self._roots = _roots(plan)
        self._images = _images_of_sidecars(plan, rows, progress)
        going = {os.path.normpath(plan.file(row)) for row in rows}
        for sidecar in _sidecars_of(plan, rows, destinations):
            if {*filter(os.path.lexists, self._images[sidecar.name])} <= going:
                self._add(sidecar)

    def _add(self, sidecar: SidecarFile) -> None:
        self.outcome.planned += 1
        root = self._roots[sidecar.split]
        if os.path.lexists(sidecar.target):
            self.outcome.skipped.append(sidecar.skipped(root, NAME_TAKEN))
            return
        try:
            digest = digest_of(sidecar.name)
        except OSError as error:
            self.outcome.skipped.append(sidecar.skipped(root, error.strerror or str(error)))
            return
        path = _shown_path(sidecar.name, root)
        self.moves.append(Move(sidecar.split, path, sidecar.name, sidecar.target, digest, True))

    def run(self, progress: Progress) -> list[Move]:
        """Move those whose images have gone; the others, which stay as they were."""
        stayed: list[Move] = []
        for done, move in enumerate(self.moves):
            progress("moving labels", done, len(self.moves))
            if any(map(os.path.lexists, self._images[move.source])):
                # an image stayed after all: so does what belongs to it
                self.outcome.planned -= 1
                stayed.append(move)
            elif not self.outcome.attempt(partial(_move, move), move.skipped) and _is_there(move):
                stayed.append(move)
        return stayed


def place_sidecars(
    plan: CheckedPlan,
    rows: Sequence[int],
    destinations: Sequence[bytes],
    mode: CleanMode,
    progress: Progress,
) -> Attempts:
    """Copy or link what belongs to the images of some rows to where the images are now."""
    forget_folders()
    outcome = Attempts()
    roots = _roots(plan)
    sidecars = _sidecars_of(plan, rows, destinations)
    for done, sidecar in enumerate(sidecars):
        progress(f"{mode} of labels", done, len(sidecars))
        outcome.planned += 1
        make = partial(_place, sidecar, mode)
        outcome.attempt(make, partial(sidecar.skipped, roots[sidecar.split]))
    return outcome


def _place(sidecar: SidecarFile, mode: CleanMode) -> bool:
    if mode == "copy":
        return copy_file(sidecar.name, sidecar.target, digest_of(sidecar.name))
    link = link_file if mode == "hardlink" else symlink_file
    return link(sidecar.name, sidecar.target)


def _move(move: Move) -> bool:
    if not move_file(move.source, move.target, move.digest):
        raise FastphashError(GONE)
    return True


def _is_there(move: Move) -> bool:
    """Whether a file that couldn't be moved has its own name, and no other."""
    elsewhere = os.path.lexists(taken_name(move.source))
    return not elsewhere and os.path.lexists(move.source)


def _roots(plan: CheckedPlan) -> dict[str, bytes]:
    return {split: os.fsencode(plan.audited.store.roots[split]) for split in plan.audited.splits}


def _shown_path(name: bytes, root: bytes) -> bytes:
    """A file's path below the root of its split; its absolute name, if it lies elsewhere."""
    root = os.path.normpath(root)
    return os.path.relpath(name, root) if is_inside(name, root) else name


def _sidecars_of(
    plan: CheckedPlan, rows: Iterable[int], destinations: Iterable[bytes]
) -> list[SidecarFile]:
    """What belongs to the images of some rows, each once for each name that it is to get.

    In the split's folder it keeps its place beside the image; from elsewhere it is put next to it.
    """
    found: dict[SidecarFile, None] = {}
    images = _images_named_as_sidecars(plan)
    for row, destination in zip(rows, destinations, strict=True):
        split = plan.splits[row]
        root = os.path.normpath(os.fsencode(plan.audited.store.roots[split]))
        image = os.path.normpath(plan.file(row))
        for sidecar in find_sidecars(image):
            if sidecar.name in images:
                continue
            step = os.path.basename(sidecar.name)
            if is_inside(sidecar.name, root):
                step = os.path.relpath(sidecar.name, os.path.dirname(image))
            target = os.path.normpath(os.path.join(os.path.dirname(destination), step))
            found[SidecarFile(split, sidecar.name, target)] = None
    return list(found)


def _images_named_as_sidecars(plan: CheckedPlan) -> set[bytes]:
    """Files of the plan that are images, whatever their names say."""
    rows = [row for row, path in enumerate(plan.paths) if is_sidecar_name(path)]
    return {os.path.normpath(plan.file(row)) for row in rows}


def _images_of_sidecars(
    plan: CheckedPlan, rows: Sequence[int], progress: Progress
) -> dict[bytes, set[bytes]]:
    """The images, hashed or not, that each sidecar of some rows belongs to."""
    images: dict[bytes, set[bytes]] = {}
    for row in rows:
        for sidecar in find_sidecars(plan.file(row)):
            images[sidecar.name] = set()
    for row in range(len(plan)) if images else ():
        if row % _IMAGES_PER_REPORT == 0:
            progress("looking for labels", row, len(plan))
        file = plan.file(row)
        for sidecar in find_sidecars(file):
            if sidecar.name in images:
                images[sidecar.name].update((os.path.normpath(file), *find_twins(file)))
    return images

"""Files that belong to images, such as labels, go where their images go."""

import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
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
from fastphash.labels.sidecars import find_sidecars, find_twins, forget_folders
from fastphash.sources.mask_folders import (
    FolderPair,
    mask_folders,
    masks_of_image,
    pictures_of_mask,
)
from fastphash.sources.sidecar_names import is_sidecar_name

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

    In the split's folder it keeps its place beside the image. From elsewhere a label is put next to
    it, and a mask, which may have the name of the image, into a folder of masks there.
    """
    found: dict[SidecarFile, None] = {}
    pairs = _mask_pairs(plan)
    images = _images_named_as_sidecars(plan, pairs)
    for row, destination in zip(rows, destinations, strict=True):
        split = plan.splits[row]
        root = os.path.normpath(os.fsencode(plan.audited.store.roots[split]))
        image = os.path.normpath(plan.file(row))
        for name, folder in _belonging_to(image, pairs[split]).items():
            if name in images:
                continue
            step = os.path.join(folder, os.path.basename(name))
            if is_inside(name, root):
                step = os.path.relpath(name, os.path.dirname(image))
            target = os.path.normpath(os.path.join(os.path.dirname(destination), step))
            found[SidecarFile(split, name, target)] = None
    return list(found)


def _belonging_to(image: bytes, pairs: Sequence[FolderPair]) -> dict[bytes, bytes]:
    """What belongs to an image, with the folder that it goes into if it lies out of the split."""
    masks = masks_of_image(image, pairs)
    return {
        **{sidecar.name: b"" for sidecar in find_sidecars(image)},
        **{os.path.normpath(name): pair.masks for name, pair in masks.items()},
    }


def _mask_pairs(plan: CheckedPlan) -> dict[str, tuple[FolderPair, ...]]:
    """The folders of masks that the audit found, by split; audits of earlier versions don't say."""
    found = plan.audited.summary.get("mask_folders", {})
    return {
        split: mask_folders([*found.get(split, {"pairs": {}})["pairs"]], by_name=False).pairs
        for split in plan.audited.splits
    }


def _images_named_as_sidecars(
    plan: CheckedPlan, pairs: Mapping[str, Sequence[FolderPair]]
) -> set[bytes]:
    """Files of the plan that are images, whatever their names and folders say."""
    every_pair = {*itertools.chain.from_iterable(pairs.values())}

    def is_named(row: int) -> bool:
        folder = os.path.dirname(plan.file(row)) if every_pair else b""
        return is_sidecar_name(plan.paths[row]) or any(
            pair.pictures_of(folder) is not None for pair in every_pair
        )

    return {os.path.normpath(plan.file(row)) for row in range(len(plan)) if is_named(row)}


def _images_of_sidecars(
    plan: CheckedPlan, rows: Sequence[int], progress: Progress
) -> dict[bytes, set[bytes]]:
    """The images, hashed or not, that each sidecar of some rows belongs to."""
    images: dict[bytes, set[bytes]] = {}
    pairs = _mask_pairs(plan)
    for row in rows:
        for name in _belonging_to(plan.file(row), pairs[plan.splits[row]]):
            images[name] = set()
    for row in range(len(plan)) if images else ():
        if row % _IMAGES_PER_REPORT == 0:
            progress("looking for labels", row, len(plan))
        file = plan.file(row)
        of_split = pairs[plan.splits[row]]
        for name, folder in _belonging_to(file, of_split).items():
            if name in images:
                twins = pictures_of_mask(name, of_split) if folder else find_twins(file)
                images[name].update(map(os.path.normpath, (file, *twins)))
    return images

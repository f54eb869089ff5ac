"""A clean plan put into effect: lists, a clean tree, or what goes is moved aside, never deleted."""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import IDENTICAL, KINDS, NEAR, CleanMode
from fastphash.clean.plan import ACTIONS, PLAN, PLAN_SCHEMA, made_by
from fastphash.errors import FastphashError, StoreError, UsageError
from fastphash.files import atomic, parquet
from fastphash.files.parquet import NAME_TYPE
from fastphash.files.transfer import (
    copy_file,
    entry_of,
    link_file,
    move_file,
    symlink_file,
    sync_folder,
)
from fastphash.joins.index import Index
from fastphash.joins.relation import row_distances
from fastphash.labels.coco import ImageId, match_images, read_images
from fastphash.labels.coco_filter import filter_coco, images_that_go
from fastphash.results.audit_folder import HASHES, AuditFolder
from fastphash.results.decisions import decisions_digest, read_decisions, resolve
from fastphash.sources.base import Reader, SpecialFileError
from fastphash.store.lock import locked
from fastphash.store.schema import exact_paths, path_columns

T = TypeVar("T")

JOURNAL = "moved.parquet"
#: Where lists go by default, and COCO files where images are moved.
CLEAN = "clean"
#: What the last run left as it was.
SKIPPED = "skipped.parquet"
_SKIPPED_SCHEMA = pa.schema([("split", NAME_TYPE), ("path", pa.string()), ("why", pa.string())])
_JOURNAL_SCHEMA = pa.schema(
    [
        ("split", NAME_TYPE),
        ("path", pa.string()),
        ("path_bytes", pa.binary()),
        ("from", pa.binary()),
        ("to", pa.binary()),
        ("digest", pa.binary(16)),
    ]
)
# files are looked at too fast to tell of each
_TOLD_OF = 256
_CHANGED, _GONE = "changed since it was hashed", "not there any more"
_TAKEN = "its name is taken"


class Skipped(NamedTuple):
    """An image that was left as it is, and why."""

    split: str
    path: bytes
    why: str


@dataclass
class Applied:
    """What became of the images that a mode is about.

    Attributes
    ----------
    planned : int
        Images to be listed, copied, linked or moved.
    done, already : int
        In this run; by an earlier one.
    skipped : list of Skipped
        The rest.
    rescued : list of Skipped
        Of those done: images that were to go, but their keeper isn't what it was.
    files : list of Path
        Lists and COCO files that were written.
    annotations_gone : int
        Left out of COCO files.
    """

    planned: int = 0
    done: int = 0
    already: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    rescued: list[Skipped] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    annotations_gone: int = 0

    def as_json(self) -> dict[str, Any]:
        """The same for JSON."""
        said = {"skipped": self.skipped, "rescued": self.rescued}
        return {
            "planned": self.planned,
            "done": self.done,
            "already": self.already,
            **{
                word: [
                    {"split": split, "path": path.decode(errors="replace"), "why": why}
                    for split, path, why in images
                ]
                for word, images in said.items()
            },
            "files": list(map(str, self.files)),
            "annotations_gone": self.annotations_gone,
        }

    def table(self) -> pa.Table:
        """What was skipped or rescued: split, path, why."""
        said = [*self.skipped, *self.rescued]
        splits, paths, whys = zip(*said, strict=True) if said else ((), (), ())
        columns = [pa.array(splits, pa.string()), path_columns(list(paths))[0], pa.array(whys)]
        return pa.table(columns, _SKIPPED_SCHEMA.names).cast(_SKIPPED_SCHEMA)


class CheckedPlan:
    """A plan that was checked against the audit that it is of.

    Parameters
    ----------
    audited : AuditFolder
    table : pyarrow.Table
        PLAN_SCHEMA, as `clean.make_plan` makes it; only actions and reasons may have been edited.

    Raises
    ------
    StoreError
        It is damaged, or of other hashes, or lists other images, or lets an image go for the sake
        of one that doesn't stay, or that it isn't a copy of by the kinds asked for or by decision.
    """

    def __init__(self, audited: AuditFolder, table: pa.Table) -> None:
        self.audited = audited
        self.made = made_by(table)
        if self.made["store"] != audited.store.digest:
            raise StoreError("the audit has changed since the plan was made: plan again")
        if self.made["decided"] != decisions_digest(audited.folder):
            raise StoreError("something was decided since the plan was made: plan again")
        if not table.schema.equals(PLAN_SCHEMA):
            raise StoreError(f"{PLAN} has other columns than a plan: plan again")
        rows = audited.rows.table
        for name in ("split", "path", "path_bytes", "size", "mtime_ns", "digest"):
            if not _plain(table[name]).equals(_plain(rows[name])):
                raise StoreError(f"{PLAN} lists other images than the audit ({name}): plan again")
        self.table = table
        self.splits = audited.rows.splits
        self.paths = exact_paths(table).to_pylist()
        self.digests = table["digest"].to_pylist()
        self.keeper = self._keepers()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def file(self, row: int) -> bytes:
        """Absolute name of a row's file."""
        return self.audited.file(self.splits[row], self.paths[row])

    def reader(self, row: int) -> Reader:
        """What reads a row's file."""
        return self.audited.reader(self.splits[row])

    def digest(self, row: int) -> bytes:
        """XXH3-128 of a row's file as it is now; OSError if it can't be read."""
        return self.reader(row).digest(self.paths[row])

    def skip(self, row: int, why: str) -> Skipped:
        """A row that is skipped."""
        return Skipped(self.splits[row], self.paths[row], why)

    def _keepers(self) -> NDArray[np.int64]:
        """For each row the one for whose sake it goes, -1 if it stays."""
        actions = self.table["action"].to_pylist()
        for row, action in enumerate(actions):
            if action not in ACTIONS:
                raise StoreError(f"{PLAN}: no action {action!r} (row {row}): keep or remove")
        keeper = np.full(len(self), -1)
        going = [row for row, action in enumerate(actions) if action == ACTIONS[1]]
        some = self.table.take(pa.array(going, pa.int64()))
        names = zip(
            some["keeper_split"].to_pylist(),
            pc.coalesce(
                some["keeper_path_bytes"], some["keeper_path"].cast(pa.binary())
            ).to_pylist(),
            strict=True,
        )
        wanted = list(names)
        row_of = dict.fromkeys(wanted, -1)
        for row, name in enumerate(zip(self.splits.tolist(), self.paths, strict=True)):
            if name in row_of:
                row_of[name] = row
        for row, name in zip(going, wanted, strict=True):
            other = row_of[name]
            if other < 0 or actions[other] != ACTIONS[0]:
                raise StoreError(
                    f"{PLAN}: {self.called(row)} would go, but its keeper doesn't stay"
                )
            keeper[row] = other
        self._check_copies(some, going, keeper)
        return keeper

    def _check_copies(self, some: pa.Table, going: list[int], keeper: NDArray[np.int64]) -> None:
        """Hold what the rows that go say of their keepers against the hashes and the decisions."""
        rows = self.audited.rows
        index = Index(rows.phashes, rows.known)
        gone = np.array(going, np.int64)
        distances, _ = row_distances(index, gone, index, keeper[gone])
        confirmed = set(
            map(tuple, resolve(read_decisions(self.audited.folder), rows).copies.tolist())
        )
        said = zip(going, some["kind"].to_pylist(), some["distance"].to_pylist(), strict=True)
        for (row, kind, distance), real in zip(said, distances.tolist(), strict=True):
            other = int(keeper[row])
            if kind not in KINDS:
                raise StoreError(f"{PLAN}: {self.called(row)} would go without a kind: {kind!r}")
            if kind == KINDS[IDENTICAL] and self.digests[row] != self.digests[other]:
                raise StoreError(f"{PLAN}: {self.called(row)} isn't identical to its keeper")
            if distance != real or (real and KINDS.index(kind) < NEAR):
                raise StoreError(
                    f"{PLAN}: {self.called(row)} is {real} bits from its keeper, not {kind} at "
                    f"distance {distance}"
                )
            by_kind = kind in self.made["kinds"] and real <= self.made["radius"]
            if not by_kind and (min(row, other), max(row, other)) not in confirmed:
                raise StoreError(
                    f"{PLAN}: {self.called(row)} would go as {kind} at distance {real}, which the "
                    "plan wasn't made by: plan again with --kinds"
                )

    def called(self, row: int) -> str:
        """A row's split and path, for people."""
        return repr(f"{self.splits[row]}/{self.paths[row].decode(errors='replace')}")


def read_plan(audited: AuditFolder) -> CheckedPlan:
    """The plan that lies in the folder of an audit; UsageError if there is none."""
    path = audited.folder / PLAN
    if not path.exists():
        raise UsageError(f"no plan in {str(audited.folder)!r}: make one without --apply first")
    return CheckedPlan(audited, parquet.read_table(path))


def apply_plan(
    plan: CheckedPlan,
    mode: CleanMode,
    target: Path,
    *,
    null: bool = False,
    absolute: bool = False,
    coco: Mapping[str, Path] | None = None,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> Applied:
    """Do what a mode says: `write_lists`, `make_tree` or `move_aside`, whose parameters these are.

    COCO files are read, and what is in the way is found, before anything is done. What is skipped
    stands in ``skipped.parquet`` in the audit's folder as well, however it ends.
    """
    if mode != "lists" and (null or absolute):
        raise UsageError("-0 and --absolute are for lists")
    common: dict[str, Any] = {"coco": coco, "overwrite": overwrite, "progress": progress}
    if mode == "lists":
        return write_lists(plan, target, null=null, absolute=absolute, **common)
    if mode == "move":
        return move_aside(plan, target, **common)
    return make_tree(plan, target, mode, **common)


def write_lists(
    plan: CheckedPlan,
    target: Path,
    *,
    null: bool = False,
    absolute: bool = False,
    overwrite: bool = False,
    coco: Mapping[str, Path] | None = None,
    progress: Progress = no_progress,
) -> Applied:
    """Write the names of the images that stay, ``SPLIT.txt`` for each split.

    Parameters
    ----------
    plan : Plan
    target : Path
        Folder for the lists; made if it isn't there.
    null : bool
        End names with a NUL byte instead of a newline.
    absolute : bool
        Write absolute names instead of those below the split's folder.
    overwrite : bool
        Replace lists that say something else.
    coco : mapping of str to Path, optional
        COCO files of splits, to be written beside the lists without the images that go.

    Raises
    ------
    StoreError
        All images of a split are gone that should stay.
    UsageError
        A list that says something else is there, or a name has a newline in it.
    """
    _check_coco(plan, coco)
    seen = _look(plan, progress)
    end = b"\0" if null else b"\n"
    applied = Applied(skipped=seen.missed(plan), rescued=seen.rescued)
    with _Drafts(overwrite) as drafts:
        for split in plan.audited.splits:
            rows = np.flatnonzero(seen.stays & (plan.splits == split)).tolist()
            names = [plan.file(row) if absolute else plan.paths[row] for row in rows]
            for name in names:
                if end in name:
                    shown = name.decode(errors="replace")
                    raise UsageError(f"{shown!r} has a newline in its name: -0 ends names with NUL")
            content = b"".join(name + end for name in names)
            drafts.add(target / f"{split}.txt", partial(_write_bytes, content))
            applied.done += len(rows)
        applied.planned = applied.done + len(applied.skipped)
        annotations_gone = _draft_coco(plan, target, coco, ~seen.stays, drafts, progress)
        with _recorded(plan, applied):
            applied.files, applied.annotations_gone = drafts.publish(), annotations_gone
    return applied


def make_tree(
    plan: CheckedPlan,
    target: Path,
    mode: CleanMode,
    *,
    coco: Mapping[str, Path] | None = None,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> Applied:
    """Make a tree ``SPLIT/path`` of the images that stay; run again, it goes on.

    Parameters
    ----------
    plan : Plan
    target : Path
        Outside of the splits' folders. Nothing in it is overwritten.
    mode : {"copy", "hardlink", "symlink"}
    coco, overwrite
        As for `write_lists`.

    Raises
    ------
    UsageError
        The target lies in a split, or the other way round, or a name leads out of its split.
    """

    def make(row: int, place: bytes) -> bool:
        if mode == "copy":
            return copy_file(plan.file(row), place, plan.digests[row])
        link = link_file if mode == "hardlink" else symlink_file
        return link(plan.file(row), place)

    _check_target(plan, target)
    _check_coco(plan, coco)
    seen = _look(plan, progress)
    rows = np.flatnonzero(seen.stays).tolist()
    places = _places(plan, target, rows)
    applied = Applied(skipped=seen.missed(plan), rescued=seen.rescued)
    applied.planned = len(rows) + len(applied.skipped)
    with _Drafts(overwrite) as drafts:
        annotations_gone = _draft_coco(plan, target, coco, ~seen.stays, drafts, progress)
        with _recorded(plan, applied):
            for done, (row, place) in enumerate(zip(rows, places, strict=True)):
                progress(f"{mode} of images", done, len(rows))
                _do(plan, row, partial(make, row, place), applied)
            applied.files, applied.annotations_gone = drafts.publish(), annotations_gone
    return applied


def move_aside(
    plan: CheckedPlan,
    target: Path,
    *,
    coco: Mapping[str, Path] | None = None,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> Applied:
    """Move the images that go to ``SPLIT/path`` below a folder; run again, it goes on.

    What is to be moved where is written down before the first file is: `undo_moves` reads it. An
    image goes only if its bytes are those that were hashed, as they are read then, and if its
    keeper's are: a keeper of many copies is read again as soon as its file isn't the one, by its
    times too, that was read before.

    Parameters
    ----------
    plan, target, coco, overwrite
        As for `make_tree`; COCO files are written into the audit's folder.

    Raises
    ------
    UsageError
        As `make_tree`.
    """
    _check_target(plan, target)
    _check_coco(plan, coco)
    folder = plan.audited.folder
    with locked(folder), _Drafts(overwrite) as drafts:
        journal = _journal_names(folder)
        seen = _without_shared(plan, _look(plan, progress, journal))
        # links first: they would lead nowhere once their files are moved
        goes = np.flatnonzero(seen.goes)
        links = np.array([os.path.islink(plan.file(row)) for row in goes.tolist()], np.bool_)
        rows = np.concatenate([goes[links], goes[~links]]).tolist()
        places = _places(plan, target, rows)
        # what an earlier run was killed at is ours, anything else is left out of the journal
        ours = set(journal.values())
        taken = [place not in ours and os.path.lexists(place) for place in places]
        skipped = [why for row, why in seen.why.items() if plan.keeper[row] >= 0] + seen.rescued
        skipped += [plan.skip(row, _TAKEN) for row in itertools.compress(rows, taken)]
        rows, places = (
            [item for item, is_taken in zip(items, taken, strict=True) if not is_taken]
            for items in (rows, places)
        )
        earlier = int(seen.earlier.sum())
        applied = Applied(len(rows) + len(skipped) + earlier, already=earlier, skipped=skipped)
        draft = partial(_draft_coco, plan, folder / CLEAN, coco, drafts=drafts, progress=progress)
        gone = seen.earlier.copy()
        gone[rows] = True
        annotations_gone = draft(goes=gone)
        with _recorded(plan, applied):
            _write_journal(plan, rows, places)
            keepers = _Keepers(plan)
            for done, (row, place) in enumerate(zip(rows, places, strict=True)):
                progress("moving", done, len(rows))
                _do(plan, row, partial(_move, plan, row, place, keepers), applied)
            still_there = [row for row in rows if os.path.lexists(plan.file(row))]
            if still_there:
                gone[still_there] = False
                annotations_gone = draft(goes=gone)
            applied.files, applied.annotations_gone = drafts.publish(), annotations_gone
    return applied


def undo_moves(folder: Path, progress: Progress = no_progress) -> Applied:
    """Move everything back that `move_aside` moved for an audit; nothing is overwritten.

    Raises
    ------
    UsageError
        Nothing was moved.
    """
    path = folder / JOURNAL
    if not path.exists():
        raise UsageError(f"nothing was moved for the audit in {str(folder)!r}")
    with locked(folder):
        journal = parquet.read_table(path)
        entries = journal.to_pylist()
        applied = Applied(planned=len(entries))
        left = []
        # files before the links to them
        for i, entry in reversed(list(enumerate(entries))):
            progress("moving back", len(entries) - i, len(entries))
            name = entry["path_bytes"] or entry["path"].encode()
            try:
                if _move_back(entry):
                    applied.done += 1
                    _remove_empty(entry["to"], name)
                else:
                    applied.already += 1
            except (FastphashError, OSError) as error:
                left.append(i)
                applied.skipped.append(Skipped(entry["split"], name, _reason(error)))
        if left:
            parquet.write_table(path, journal.take(pa.array(left[::-1])))
        else:
            path.unlink()
    return applied


def _move_back(entry: dict[str, Any]) -> bool:
    moved = move_file(entry["to"], entry["from"], entry["digest"])
    if not moved and not os.path.lexists(entry["from"]):
        raise FastphashError("in neither of its places")
    return moved


class _FileState(NamedTuple):
    """What a plan comes to, as the files are now.

    Attributes
    ----------
    stays : bool (n,)
        Unchanged images that stay, also those whose keeper is not what it was.
    goes : bool (n,)
        Unchanged images that go, each with an unchanged keeper.
    earlier : bool (n,)
        Images that an earlier run moved.
    why : dict of int to Skipped
        By row: images that are gone or have changed.
    rescued : list of Skipped
        Images that were to go but can't.
    """

    stays: NDArray[np.bool_]
    goes: NDArray[np.bool_]
    earlier: NDArray[np.bool_]
    why: dict[int, Skipped]
    rescued: list[Skipped]

    def missed(self, plan: CheckedPlan) -> list[Skipped]:
        """What a list or a tree should have but for being gone, or leaves out as it has changed."""
        return [
            image for row, image in self.why.items() if plan.keeper[row] < 0 or image.why != _GONE
        ]


def _look(
    plan: CheckedPlan, progress: Progress, journal: Mapping[tuple[str, bytes], bytes] | None = None
) -> _FileState:
    journal = journal or {}
    sizes, times = (plan.table[name].to_pylist() for name in ("size", "mtime_ns"))
    fine = np.zeros(len(plan), np.bool_)
    there = np.zeros(len(plan), np.bool_)
    earlier = np.zeros(len(plan), np.bool_)
    why = {}
    for row in range(len(plan)):
        if row % _TOLD_OF == 0:
            progress("looking at files", row, len(plan))
        try:
            stamp = plan.reader(row).stamp(plan.paths[row])
        except SpecialFileError:
            stamp = None
        except OSError:
            moved_to = journal.get((plan.splits[row], plan.paths[row]))
            earlier[row] = moved_to is not None and os.path.lexists(moved_to)
            if not earlier[row]:
                why[row] = plan.skip(row, _GONE)
            continue
        there[row] = True
        fine[row] = stamp is not None and stamp[:2] == (sizes[row], times[row])
        if not fine[row]:
            why[row] = plan.skip(row, _CHANGED)
    _check_there(plan, there)
    planned = plan.keeper >= 0
    goes = fine & planned & (fine & ~planned)[plan.keeper]
    rescued = [
        plan.skip(row, _keeper_changed(plan, row))
        for row in np.flatnonzero(fine & planned & ~goes).tolist()
    ]
    return _FileState(fine & ~goes, goes, earlier, why, rescued)


def _check_there(plan: CheckedPlan, there: NDArray[np.bool_]) -> None:
    """Raise StoreError if a split that should keep some of its images has none."""
    for split in plan.audited.splits:
        rows = plan.splits == split
        if (rows & (plan.keeper < 0)).any() and not there[rows].any():
            raise StoreError(
                f"all {np.count_nonzero(rows):,} images of split {split!r} are gone from "
                f"{plan.audited.store.roots[split]}: is its disk there? If that is meant, audit "
                "again without it"
            )


def _without_shared(plan: CheckedPlan, seen: _FileState) -> _FileState:
    """The same, but files stay that an image which stays is another name of, or a link to."""
    real = cache(os.path.realpath)
    needed = _reached(plan, np.flatnonzero(seen.stays).tolist(), real)
    shared = np.zeros(len(plan), np.bool_)
    for row in np.flatnonzero(seen.goes).tolist():
        place = entry_of(plan.file(row), real)
        shared[row] = place in needed
        # a second name of it in this plan would find it gone
        needed.add(place)
    rescued = [
        plan.skip(row, "an image that stays is a name of the same file, or a link to it")
        for row in np.flatnonzero(shared).tolist()
    ]
    return seen._replace(
        stays=seen.stays | shared, goes=seen.goes & ~shared, rescued=seen.rescued + rescued
    )


def _reached(plan: CheckedPlan, kept: list[int], real: Callable[[bytes], bytes]) -> set[bytes]:
    """Every name that images which stay need: their own, and those that they link to."""
    names = set()
    for row in kept:
        name = entry_of(plan.file(row), real)
        while name not in names:
            names.add(name)
            if os.path.islink(name):
                name = entry_of(os.path.join(os.path.dirname(name), os.readlink(name)), real)
    return names


def _do(plan: CheckedPlan, row: int, action: Callable[[], bool], applied: Applied) -> None:
    """Do one thing, and count it."""
    try:
        if action():
            applied.done += 1
        else:
            applied.already += 1
    except (FastphashError, OSError) as error:
        applied.skipped.append(plan.skip(row, _reason(error)))


class _Keepers:
    """Knows which keepers have the bytes that were hashed; reads again what looks different."""

    def __init__(self, plan: CheckedPlan) -> None:
        self._plan = plan
        self._read: dict[int, tuple[int, ...]] = {}

    def check(self, row: int) -> None:
        """Raise FastphashError unless the keeper of a row is as it was, at this moment."""
        keeper = int(self._plan.keeper[row])
        path = self._plan.file(keeper)
        try:
            seen = _looked_at(path)
            if seen != self._read.get(keeper):
                if self._plan.digest(keeper) != self._plan.digests[keeper]:
                    raise FastphashError(_keeper_changed(self._plan, row))
                self._read[keeper] = seen
        except OSError as error:
            raise FastphashError(_keeper_changed(self._plan, row)) from error


def _looked_at(path: bytes) -> tuple[int, ...]:
    """What differs, as soon as a file is another or was written to."""
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _keeper_changed(plan: CheckedPlan, row: int) -> str:
    return f"its keeper {plan.called(plan.keeper[row])} is {_CHANGED}, or gone"


def _move(plan: CheckedPlan, row: int, place: bytes, keepers: _Keepers) -> bool:
    """Move a row's file, if it and its keeper have the bytes that were hashed."""
    keepers.check(row)
    file = plan.file(row)
    # a link holds no bytes
    if not os.path.islink(file) and plan.digest(row) != plan.digests[row]:
        raise FastphashError(_CHANGED)
    return move_file(file, place, plan.digests[row])


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _check_target(plan: CheckedPlan, target: Path) -> None:
    """Raise UsageError if a tree would lie in a split's folder or among an audit's own files, or
    the other way round.
    """
    out, place = (os.path.realpath(folder) for folder in (plan.audited.folder, target))
    hashes = os.path.join(out, HASHES)
    if place == out or os.path.commonpath([place, hashes]) == hashes:
        raise UsageError(f"{str(target)!r} holds the audit itself: name another folder")
    for split in plan.audited.splits:
        ours = os.path.realpath(os.fsencode(target / split))
        for name in plan.audited.splits:
            # what is listed is never walked
            if plan.audited.summary["splits"][name]["listed"]:
                continue
            folder = plan.audited.store.roots[name]
            theirs = os.path.realpath(os.fsencode(folder))
            if os.path.commonpath([ours, theirs]) in (ours, theirs):
                raise UsageError(f"{str(target)!r} and split {name!r} lie in one another: {folder}")


def _places(plan: CheckedPlan, target: Path, rows: list[int]) -> list[bytes]:
    """Where files go below a folder; UsageError for names that lead out of it."""
    root = os.path.abspath(os.fsencode(target))
    for row in rows:
        path = plan.paths[row]
        if path.startswith(b"/") or b".." in path.split(b"/"):
            raise UsageError(
                f"{plan.called(row)} lies outside of its split's folder: only lists can have it"
            )
    return [os.path.join(root, os.fsencode(plan.splits[row]), plan.paths[row]) for row in rows]


def _journal_names(folder: Path) -> dict[tuple[str, bytes], bytes]:
    path = folder / JOURNAL
    if not path.exists():
        return {}
    table = parquet.read_table(path)
    splits = table["split"].cast(pa.string()).to_pylist()
    names = exact_paths(table).to_pylist()
    return dict(zip(zip(splits, names, strict=True), table["to"].to_pylist(), strict=True))


def _write_journal(plan: CheckedPlan, rows: list[int], places: list[bytes]) -> None:
    """Say what will be moved where, after what was moved before."""
    text, exact = path_columns([plan.paths[row] for row in rows])
    columns = [
        pa.array([plan.splits[row] for row in rows], pa.string()),
        text,
        exact,
        pa.array([plan.file(row) for row in rows], pa.binary()),
        pa.array(places, pa.binary()),
        pa.array([plan.digests[row] for row in rows], pa.binary(16)),
    ]
    new = pa.table(columns, _JOURNAL_SCHEMA.names).cast(_JOURNAL_SCHEMA)
    path = plan.audited.folder / JOURNAL
    if path.exists():
        old = parquet.read_table(path)
        again = pc.is_in(old["from"], new["from"]).to_numpy() & pc.is_in(old["to"], new["to"])
        new = parquet.concat(_JOURNAL_SCHEMA, [old.filter(pa.array(~np.asarray(again))), new])
    if new.num_rows:
        parquet.write_table(path, new)


def _remove_empty(place: bytes, name: bytes) -> None:
    """Remove the folders that a file was moved out of, as far as they were made for it."""
    folder = os.path.dirname(place)
    for _ in range(name.count(b"/") + 1):
        try:
            os.rmdir(folder)
        except OSError:
            return
        folder = os.path.dirname(folder)


class _Drafts:
    """Files that are written beside their names first: a context, after which no draft is left.

    So what is wrong with them is known before anything else is done.

    Parameters
    ----------
    overwrite : bool
        Whether they may replace files that say something else.
    """

    def __init__(self, overwrite: bool) -> None:
        self._overwrite = overwrite
        self._drafts: dict[Path, Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for draft in self._drafts.values():
            draft.unlink(missing_ok=True)

    def add(self, path: Path, write: Callable[[Path], T]) -> T:
        """Write a draft of a file, or write it anew; UsageError if something else has its name."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._drafts[path] = path.with_name(f"_new_{path.name}")
        written = write(draft)
        self._check(path)
        return written

    def publish(self) -> list[Path]:
        """Give all files their names, which are returned; UsageError as above."""
        for path, draft in self._drafts.items():
            self._check(path)
            os.replace(draft, path)
            sync_folder(os.fsencode(path.parent))
        return list(self._drafts)

    def _check(self, path: Path) -> None:
        if path.is_dir():
            raise UsageError(f"{str(path)!r} is a folder: move it, or name another place")
        if self._overwrite or not path.exists():
            return
        if atomic.file_digest(self._drafts[path]) != atomic.file_digest(path):
            raise UsageError(f"{str(path)!r} exists and says something else: --overwrite")


@contextlib.contextmanager
def _recorded(plan: CheckedPlan, applied: Applied) -> Iterator[None]:
    """Write down what is skipped, however it ends; StoreError at once where that can't be done."""
    path = plan.audited.folder / SKIPPED
    try:
        parquet.write_table(path, applied.table())
    except OSError as error:
        raise StoreError(f"can't write {str(path)!r}: {error.strerror}") from error
    try:
        yield
    finally:
        parquet.write_table(path, applied.table())


def _check_coco(plan: CheckedPlan, coco: Mapping[str, Path] | None) -> None:
    for split, source in (coco or {}).items():
        if split not in plan.audited.splits:
            raise UsageError(f"--coco names {split!r}, which is no split of this audit")
        if not source.is_file():
            raise UsageError(
                f"no such file: {str(source)!r}, the COCO file of split {split!r}: name it with "
                f"--coco {split}=FILE"
            )


def _draft_coco(
    plan: CheckedPlan,
    target: Path,
    coco: Mapping[str, Path] | None,
    goes: NDArray[np.bool_],
    drafts: _Drafts,
    progress: Progress,
) -> int:
    """Draft ``SPLIT.json`` without the images that go; how many annotations that leaves out."""
    annotations_gone = 0
    for split, source in (coco or {}).items():
        rows = np.flatnonzero(plan.splits == split)
        paths = [plan.paths[row] for row in rows.tolist()]
        images = read_images(source)
        ids = images_that_go(images, match_images(images.names, paths), paths, goes[rows])
        path = target / f"{split}.json"
        if path.exists() and path.samefile(source):
            raise UsageError(f"{str(path)!r} is the COCO file itself: name another folder")
        annotations_gone += drafts.add(path, partial(_filter, source, ids, progress))
    return annotations_gone


def _filter(source: Path, ids: set[ImageId], progress: Progress, path: Path) -> int:
    return filter_coco(source, path, ids, progress).annotations_gone


def _write_bytes(data: bytes, path: Path) -> None:
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(data)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column

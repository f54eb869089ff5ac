"""Searches of hashes in memory that use the disk, in one folder: those of an audit, for example."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fastphash.external.array_stream import ArrayStream
from fastphash.external.join import DiskJoin
from fastphash.external.plans import Sides
from fastphash.external.scratch import (
    Scratch,
    check_space,
    join_folders,
    remove_joins,
    show_bytes,
    using_scratch,
)
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.joins.options import JoinOptions

_HASH_BYTES = 8
_log = logging.getLogger(__name__)

# fewer hashes are searched in memory, whatever folder is named
_LEAST = 1 << 16


class DiskSearch:
    """Searches on the disk what doesn't fit into memory, or all that is large.

    A context. What each search has found stays in the folder until the context ends without an
    error: if it doesn't, the same searches of the next one go on with it.

    Parameters
    ----------
    folder : Path
        It is made if it isn't there, and removed again.
    everything : bool
        Whether searches of more than 65,536 hashes use the disk, though they fit into memory, and
        the folder may have joins of others.
    owner : str, optional
        Whose searches these are. What an earlier context of the same owner left is removed in the
        end, though it searched something else: its memory may have been another one.
    """

    def __init__(self, folder: Path, *, everything: bool, owner: str | None = None) -> None:
        self._folder = folder
        self._everything = everything
        self._owner = owner
        self._kept: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None:
            paths = [path for path in join_folders(self._folder) if self._may_remove(path)]
            remove_joins(self._folder, paths, own=not self._everything)

    def _may_remove(self, path: Path) -> bool:
        """In a folder of the caller, joins of others may wait for their next run."""
        if not self._everything or path in self._kept:
            return True
        left = Scratch(path)
        return not left.has_files or (self._owner is not None and left.owner == self._owner)

    def matches(
        self,
        left: Index,
        right: Index | None,
        radius: int,
        max_pairs: int | None,
        options: JoinOptions,
    ) -> Iterator[Matches] | None:
        """What `fastphash.joins.batches.find_matches` yields; None to have it searched in memory.

        Raises
        ------
        TooManyPairsError
            More than `max_pairs`.
        UsageError
            The disk has no room.
        """
        if not self._takes(left, right, options):
            return None
        return self._matches(_join(left, right, radius, options, max_pairs))

    def _matches(self, join: DiskJoin) -> Iterator[Matches]:
        with self._scratch(join) as scratch:
            yield from join.matches(scratch)

    def partnered(
        self, index: Index, radius: int, options: JoinOptions
    ) -> tuple[NDArray[np.int64], bool] | None:
        """Rows within the radius of another: int64 (n,), and whether these are all of them exactly.

        Otherwise there may be a few others among them. None to have them searched in memory.
        """
        if not self._takes(index, None, options):
            return None
        join = _join(index, None, radius, options, None)
        with self._scratch(join) as scratch:
            return np.array(join.partnered(scratch)), join.is_exact

    def _takes(self, left: Index, right: Index | None, options: JoinOptions) -> bool:
        sides = [left] if right is None else [left, right]
        if any(side.words > 1 for side in sides):
            return False
        largest = max(len(side) * len(side.known) for side in sides)
        if self._everything and largest > _LEAST:
            return True
        return largest * _HASH_BYTES > options.memory

    @contextlib.contextmanager
    def _scratch(self, join: DiskJoin) -> Iterator[Scratch]:
        with using_scratch(self._folder, join.key, keep=True) as scratch:
            check_space(scratch, join.needed_bytes)
            if not self._kept:
                self._say(scratch, join)
            if scratch.path not in self._kept:
                self._kept.append(scratch.path)
            if self._owner is not None:
                scratch.set_owner(self._owner)
            yield scratch

    def _say(self, scratch: Scratch, join: DiskJoin) -> None:
        """Say where the first search works."""
        doing = "going on" if scratch.has_files else "working"
        needed = show_bytes(join.needed_bytes)
        why = "" if self._everything else "Hashes don't fit into the memory for them: "
        line = f"{why}{doing} in {str(self._folder)!r}: up to {needed} for a while."
        _log.info("%s", line[0].upper() + line[1:])


def _join(
    left: Index, right: Index | None, radius: int, options: JoinOptions, max_pairs: int | None
) -> DiskJoin:
    sides = Sides(ArrayStream(left), None if right is None else ArrayStream(right))
    return DiskJoin(sides, radius, options, max_pairs)

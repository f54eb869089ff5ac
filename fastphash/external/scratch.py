"""The folder of one join on the disk: what is finished there, the next run goes on with."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastphash.errors import StoreError, UsageError
from fastphash.files.atomic import read_json, remove_leftovers, write_json
from fastphash.files.digest import content_digest
from fastphash.files.own_names import JOIN_PREFIX
from fastphash.store.lock import LOCK, locked

# a folder with another number is of a version that reads and writes other files
_FORMAT = 2
# says that the folder of all joins was made for this one
_MADE = "_made"
# says whose searches these are, of several that share the folder of all joins
_OWNER = "_owner"
_OF_NO_JOIN = (LOCK, _MADE, _OWNER)
# room that is left to others, and for what is found
_SPARE = 64 << 20


class Scratch:
    """Files of one join, in a folder that has a lock.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, name: str) -> Path:
        """The file of this name."""
        return self.path / name

    def remove(self, name: str) -> None:
        """Delete a folder or file of this name, if there is one."""
        path = self.file(name)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def write_state(self, name: str, state: dict[str, Any]) -> None:
        """Write what the next run has to know, as JSON that says whether it is whole."""
        write_json(self.file(name), state | {"digest": content_digest(state)})

    def read_state(self, name: str) -> dict[str, Any] | None:
        """What an earlier run, or this one, has written; None if it hasn't, or it is damaged."""
        try:
            state = read_json(self.file(name))
            sound = isinstance(state, dict) and state.get("digest") == content_digest(state)
        except StoreError:
            return None
        return state if sound else None

    def remove_all(self, pattern: str) -> None:
        """Delete the folders and files whose names match a pattern."""
        for path in list(self.path.glob(pattern)):
            self.remove(path.name)

    def clear(self) -> None:
        """Delete all files of the join."""
        for path in self.path.iterdir():
            if path.name not in _OF_NO_JOIN:
                self.remove(path.name)

    @property
    def owner(self) -> str | None:
        """Whose search this is, if somebody has said so."""
        state = self.read_state(_OWNER)
        return None if state is None else str(state["owner"])

    def set_owner(self, owner: str) -> None:
        """Say whose search this is."""
        if self.owner != owner:
            self.write_state(_OWNER, {"owner": owner})

    @property
    def has_files(self) -> bool:
        """Whether there is a file of an earlier run, or of this one."""
        return any(path.name not in _OF_NO_JOIN for path in self.path.iterdir())

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    @contextlib.contextmanager
    def naming_full_disk(self) -> Iterator[None]:
        """Name the folder of all joins in the error of a full disk: the system names no file."""
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT) and error.filename is None:
                error.filename = str(self.path.parent)
            raise


def has_joins(folder: Path) -> bool:
    """Whether there is a file of any join in a folder."""
    return any(Scratch(path).has_files for path in join_folders(folder))


def join_folders(folder: Path) -> list[Path]:
    """The folders of all joins in a folder."""
    return [path for path in folder.glob(f"{JOIN_PREFIX}*") if path.is_dir()]


def remove_joins(folder: Path, paths: list[Path], *, own: bool) -> None:
    """Delete the folders of joins, and the folder of all if it is `own` or was made for one.

    One that another process uses meanwhile stays.
    """
    there = [path for path in paths if path.is_dir()]
    own = own or _was_made(there)
    for path in there:
        with contextlib.suppress(StoreError, OSError), locked(path):
            Scratch(path).clear()
            _remove_folder(path)
    if own:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _was_made(joins: list[Path]) -> bool:
    """Whether the folder of these joins was made for one of them."""
    return any(Scratch(path).file(_MADE).exists() for path in joins)


def scratch_path(folder: Path, key: Any) -> Path:
    """The folder of the join of this key: other joins have others."""
    digest = content_digest({"format": _FORMAT, "key": key})
    return folder / f"{JOIN_PREFIX}{digest[:16]}"


@contextlib.contextmanager
def using_scratch(folder: Path, key: Any, *, keep: bool = False) -> Iterator[Scratch]:
    """Hold the folder of a join; it is removed in the end, unless an error comes first, or `keep`.

    `folder` is made if it isn't there, and removed again.

    Raises
    ------
    StoreError
        Another process joins the same there, or the folder can't be written.
    """
    made = not folder.exists()
    path = scratch_path(folder, key)
    try:
        with locked(path):
            remove_leftovers(path)
            scratch = Scratch(path)
            # by this process or, for a join that goes on or another one, by a process before it
            made = made or _was_made(join_folders(folder))
            try:
                if made:
                    scratch.file(_MADE).touch()
                yield scratch
                if not keep:
                    scratch.clear()
            finally:
                if not scratch.has_files:
                    _remove_folder(path)
    finally:
        if made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _remove_folder(path: Path) -> None:
    """Remove a folder that has nothing of a join any more, and whose lock this process holds."""
    with contextlib.suppress(OSError):
        for name in (_MADE, _OWNER):
            (path / name).unlink(missing_ok=True)
        # a system that can't remove an open file leaves it there
        (path / LOCK).unlink()
        path.rmdir()


def check_space(scratch: Scratch, needed: int) -> None:
    """Raise UsageError unless the disk has room for so many bytes, of which some may be written."""
    free = shutil.disk_usage(scratch.path).free
    if free + scratch.size < needed + _SPARE:
        raise UsageError(
            f"this join needs {show_bytes(needed)} of disk for a while, and there are "
            f"{show_bytes(free)} free in {str(scratch.path.parent)!r}: name a folder on another "
            "disk with `scratch`, or give more `memory`"
        )


def show_bytes(number: int) -> str:
    """A number of bytes for people.

    >>> show_bytes(8_123_000_000), show_bytes(4_000)
    ('8.1 GB', '0.1 MB')
    """
    if number >= 1_000_000_000:
        return f"{number / 1e9:,.1f} GB"
    return f"{max(number / 1e6, 0.1):,.1f} MB"


def check_folder(folder: Path) -> None:
    """Raise UsageError if there can be no such folder."""
    if os.path.lexists(folder) and not folder.is_dir():
        raise UsageError(f"`scratch` {str(folder)!r} is no folder: name one")
    if not folder.absolute().parent.is_dir():
        raise UsageError(f"no such folder: {str(folder.absolute().parent)!r}")

"""Make a new file of parts of others: it appears whole or not at all, and nothing is overwritten.

Names are bytes.
"""

import os
from collections.abc import Callable
from typing import BinaryIO, Protocol

import xxhash

from fastphash.base.system import copy_inside, finish_copy, sync_folder
from fastphash.files.durable_transfer import drop_killed_placeholder
from fastphash.files.exclusive_rename import give_name
from fastphash.files.file_attributes import keep_owner_and_attributes
from fastphash.files.own_copies import TakenError, own_copy, remove_leftovers

_TAKEN = "its name is taken"


class Output(Protocol):
    """Takes the bytes of a file, from its first to its last."""

    def write(self, data: bytes, /) -> int:
        """Add bytes; returns how many."""

    def flush(self) -> object:
        """Hand on what was written."""


class NewFile:
    """The file that is made, as an output; it takes bytes of other files without reading them.

    Attributes
    ----------
    draft : bytes
        Its name so far, by which a library may write it all.
    """

    def __init__(self, file: BinaryIO, draft: bytes) -> None:
        self._file = file
        self.draft = draft
        self.write = file.write
        self.flush = file.flush

    def take(self, source: int, start: int, size: int) -> int:
        """Add bytes of an open file; how many, 0 where the system can't."""
        at = self._file.tell()
        taken = copy_inside(source, start, size, self._file.fileno(), at)
        self._file.seek(at + taken)
        return taken


def assemble_file(
    target: bytes, source: bytes, write: Callable[[Output], None], confirm: Callable[[], None]
) -> bool:
    """Make a file with what `write` writes; False if it is already there, with the same bytes.

    Parameters
    ----------
    target, source : bytes
        The new file, and one whose times, mode, owner and attributes it gets.
    write : callable
        Called with an output. It writes the same whenever it is called.
    confirm : callable
        Called when all is written, before the file gets its name; it raises if that is to no use.

    Raises
    ------
    TakenError
        Something else has the target's name, or other processes write it.
    """
    name = _draft_digest(target)
    drop_killed_placeholder(target, name)
    if os.path.lexists(target):
        _check_same(target, write)
        confirm()
        return False
    os.makedirs(os.path.dirname(target), exist_ok=True)
    remove_leftovers(target, name)
    with own_copy(target, name) as (draft, file):
        write(NewFile(file, draft))
        file.flush()
        with open(source, "rb") as original:
            status = os.fstat(original.fileno())
            keep_owner_and_attributes(original.fileno(), file.fileno(), status)
        finish_copy(file, status)
        confirm()
        try:
            give_name(draft, target)
        except FileExistsError:
            # another process may have made the same file
            _check_same(target, write)
            return False
    sync_folder(os.path.dirname(target))
    return True


def remove_drafts(target: bytes) -> None:
    """Remove what processes left that were killed while they assembled a file."""
    name = _draft_digest(target)
    drop_killed_placeholder(target, name)
    remove_leftovers(target, name)


def _draft_digest(target: bytes) -> bytes:
    """What names the drafts of a file."""
    return xxhash.xxh3_128_digest(os.path.basename(target))


class _Compared:
    """Takes bytes, and compares them with those of a file; TakenError where they differ."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes, /) -> int:
        if self._file.read(len(data)) != data:
            raise TakenError(_TAKEN)
        return len(data)

    def flush(self) -> None:
        pass

    def check_end(self) -> None:
        if self._file.read(1):
            raise TakenError(_TAKEN)


def _check_same(target: bytes, write: Callable[[Output], None]) -> None:
    """Raise TakenError unless what is there is a file, no link, with the bytes that are written."""
    if os.path.islink(target) or not os.path.isfile(target):
        raise TakenError(_TAKEN)
    with open(target, "rb") as file:
        compared = _Compared(file)
        write(compared)
        compared.check_end()

"""Keepers are looked at again before a copy of theirs is moved, and once its name is taken away."""

import os

from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.file_state import keeper_changed
from fastphash.errors import FastphashError


class KeeperCheck:
    """Checks that keepers have the bytes that were hashed.

    A keeper of many copies is read once, and again if its inode, size or times have changed since.
    """

    def __init__(self, plan: CheckedPlan) -> None:
        self._plan = plan
        self._read: dict[int, tuple[int, ...]] = {}

    def check(self, row: int) -> None:
        """Raise FastphashError unless the keeper of a row has the bytes that were hashed."""
        keeper = int(self._plan.keeper[row])
        path = self._plan.file(keeper)
        try:
            version = _file_version(path)
            if version != self._read.get(keeper):
                if self._plan.digest(keeper) != self._plan.digests[keeper]:
                    raise FastphashError(keeper_changed(self._plan, row))
                self._read[keeper] = version
        except OSError as error:
            raise FastphashError(keeper_changed(self._plan, row)) from error

    def check_apart(self, row: int) -> None:
        """Raise FastphashError if a row and its checked keeper are one file with one name.

        A folder can be mounted in two places; a move by the one name would take both away.
        """
        file = self._plan.file(row)
        if not os.path.lexists(file):
            return
        status = os.lstat(file)
        device, inode, *_ = self._read[int(self._plan.keeper[row])]
        if status.st_nlink == 1 and (status.st_dev, status.st_ino) == (device, inode):
            keeper = self._plan.name(self._plan.keeper[row])
            raise FastphashError(f"it is the very file of its keeper {keeper}, mounted twice")


def _file_version(path: bytes) -> tuple[int, ...]:
    """Numbers that change when a file is replaced or written to."""
    # opened, because network file systems ask their server only then
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(fd)
    finally:
        os.close(fd)
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )

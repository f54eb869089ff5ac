"""Images that stay are looked at again before a copy is moved, and once its name is taken away."""

import os
from collections.abc import Mapping, Sequence

from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.file_state import keeper_changed
from fastphash.errors import FastphashError


class KeeperCheck:
    """Checks that keepers have the bytes that were hashed, and that what stays is there.

    A keeper of many copies is read once, and again if its inode, size or times have changed since.

    Parameters
    ----------
    plan : CheckedPlan
    same_inode : mapping of int to sequence of int
        What `rows_of_same_inode` gives: rows that stay, and may be the very file of one that goes.
    """

    def __init__(self, plan: CheckedPlan, same_inode: Mapping[int, Sequence[int]]) -> None:
        self._plan = plan
        self._same_inode = same_inode
        self._read: dict[int, tuple[int, ...]] = {}

    def check(self, row: int) -> None:
        """Raise FastphashError unless a row's keeper has the bytes that were hashed.

        Also if an image that stays is gone: of a file that is mounted twice, both names go at once.
        """
        keeper = int(self._plan.keeper[row])
        path = self._plan.container(keeper)
        try:
            version = _file_version(path)
            if version != self._read.get(keeper):
                if self._plan.digest(keeper) != self._plan.digests[keeper]:
                    raise FastphashError(keeper_changed(self._plan, row))
                self._read[keeper] = version
        except OSError as error:
            raise FastphashError(keeper_changed(self._plan, row)) from error
        for other in self._same_inode.get(row, ()):
            if not os.path.exists(self._plan.file(other)):
                raise FastphashError(
                    f"{self._plan.name(other)} stays: it is the same file, mounted twice, or gone"
                )

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

"""Keepers are read again before a copy of theirs is moved."""

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


def _file_version(path: bytes) -> tuple[int, ...]:
    """Numbers that change when a file is replaced or written to."""
    status = os.stat(path)
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )

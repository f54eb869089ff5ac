"""Copies that are being written, each under a name of its own beside its target.

Two processes may copy the same bytes to the same folder. Each holds a lock on its copy until the
copy has its final name, so that a copy without a lock is one that a killed run left. Names are
bytes.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO, cast

from fastphash.base.system import WINDOWS, has_name, is_held, remove_unless_held, try_to_hold
from fastphash.errors import FastphashError
from fastphash.files.own_names import copy_names

# times that each name of a copy is tried
_ATTEMPTS = 8


class TakenError(FastphashError):
    """The name that a file should get is taken by something else."""


@contextlib.contextmanager
def own_copy(target: bytes, digest: bytes) -> Iterator[tuple[bytes, BinaryIO]]:
    """A new file that no other process writes, and its name; removed if it keeps that name.

    Raises
    ------
    TakenError
        Other processes have all names.
    """
    name, file = _claim(target, digest)
    status = os.fstat(file.fileno())
    with file:
        try:
            yield name, file
        finally:
            if WINDOWS:
                # where nothing that is open can be removed
                file.close()
            # before it is unlocked: then another process may give the name to its own file
            remove_if_same(name, status)


def own_link(target: bytes, digest: bytes, leads_to: bytes) -> bytes:
    """Make a symbolic link that no other process writes; returns its name. Errors as `own_copy`."""
    for name in copy_names(target, digest):
        with contextlib.suppress(FileExistsError):
            os.symlink(leads_to, name)
            return name
    raise TakenError("other processes copy it to the same folder")


def is_written(name: bytes) -> bool:
    """Whether a process is writing a copy."""
    try:
        return stat.S_ISREG(os.lstat(name).st_mode) and is_held(name)
    except FileNotFoundError:
        return False


def remove_leftovers(target: bytes, digest: bytes) -> None:
    """Remove copies for a target that killed runs left."""
    for name in copy_names(target, digest):
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISREG(os.lstat(name).st_mode):
                remove_unless_held(name)
            else:
                os.unlink(name)


def remove_if_same(path: bytes, written: os.stat_result) -> None:
    """Remove a file if it is still the one that was written."""
    with contextlib.suppress(FileNotFoundError):
        if os.path.samestat(os.lstat(path), written):
            os.unlink(path)


def _claim(target: bytes, digest: bytes) -> tuple[bytes, BinaryIO]:
    # another process may take a file for a leftover before it is locked, and remove it
    for name in copy_names(target, digest) * _ATTEMPTS:
        with contextlib.suppress(FileExistsError), contextlib.ExitStack() as stack:
            file = cast(BinaryIO, stack.enter_context(open(name, "x+b", opener=_private)))
            if try_to_hold(file.fileno()) and has_name(file.fileno(), name):
                stack.pop_all()
                return name, file
    raise TakenError("other processes copy it to the same folder")


def _private(name: str | bytes, flags: int) -> int:
    """Open a file that only its owner may read, as long as it isn't whole."""
    return os.open(name, flags, 0o600)

"""One writer at a time."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from fastphash.base import system
from fastphash.errors import StoreError

LOCK = "_lock"
# to make a folder that another process removes at the same time
_ATTEMPTS = 20


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a store; its folder is made if it isn't there.

    Where the file system has no locks, this is said once, and nothing is locked.

    Raises
    ------
    StoreError
        Another process holds it, or the folder can't be written.
    """
    try:
        lock = _lock(path)
    except Timeout as error:
        raise StoreError(
            f"another process is writing {str(path)!r}: wait for it, or name another folder"
        ) from error
    except OSError as error:
        raise StoreError(f"can't write {str(path)!r}: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def _lock(path: Path) -> BaseFileLock:
    """Make a folder, and take its lock."""
    for _ in range(_ATTEMPTS - 1):
        # another process may remove the folder, or one around it, in between
        with contextlib.suppress(FileNotFoundError, FileExistsError, PermissionError):
            return _lock_once(path)
    return _lock_once(path)


def _lock_once(path: Path) -> BaseFileLock:
    path.mkdir(parents=True, exist_ok=True)
    # the system releases it when the process ends, however it ends
    lock = FileLock(path / LOCK, timeout=0, is_singleton=True)
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    try:
        lock.acquire()
    except (OSError, NotImplementedError) as error:
        # Timeout is an OSError too, without a number
        if not system.has_no_locks(error):
            raise
        system.warn_of_no_locks(path, error)
    return lock

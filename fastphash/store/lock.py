"""One writer at a time."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from fastphash.errors import StoreError

LOCK = "_lock"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a store; its folder is made if it isn't there.

    Raises
    ------
    StoreError
        Another process holds it, or the folder can't be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        # the system releases it when the process ends, however it ends
        lock = FileLock(path / LOCK, timeout=0, is_singleton=True)
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        lock.acquire()
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

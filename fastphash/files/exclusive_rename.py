"""Rename a file without ever replacing another one, by what the system and its disks can do."""

import contextlib
import ctypes
import errno
import functools
import os
import stat
import sys
from collections.abc import Callable

#: Errors of systems and disks that can't give a file a second name.
NO_LINKS = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES)
# errors of disks that can't rename without replacing, in one step
_NOT_IN_ONE_STEP = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
# of linux/fs.h, fcntl.h and macOS's stdio.h
_RENAME_NOREPLACE, _AT_FDCWD, _RENAME_EXCL = 1, -100, 4


def take_name(path: bytes, aside: bytes) -> None:
    """Rename a file that other programs may replace to a name that only this process uses.

    What is there in this moment is taken: a file, a link itself, or a folder.

    Raises
    ------
    FileExistsError
        The new name is taken.
    """
    if _rename_in_one_step(path, aside):
        return
    # the only file that may be replaced is the empty one made here
    os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    _replace_own(path, aside)


def give_name(path: bytes, target: bytes) -> None:
    """Rename a file that only this process uses to a name that others may take meanwhile.

    Raises
    ------
    FileExistsError
        The new name is taken.
    OSError
        EXDEV: the new name is on another device.
    """
    if _rename_in_one_step(path, target):
        return
    try:
        os.link(path, target, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.EXDEV or error.errno not in NO_LINKS:
            raise
        _replace_placeholder(path, target)
    else:
        os.unlink(path)


def drop_placeholder(path: bytes, target: bytes) -> None:
    """Remove the empty file that a killed `give_name` left, on disks where it makes one."""
    if not os.path.lexists(path) or is_empty(path) or not is_empty(target):
        return
    # where this fails because the name is taken, no empty file is needed: it is another program's
    with contextlib.suppress(OSError):
        if not _rename_in_one_step(path, target):
            os.unlink(target)


def is_empty(path: bytes) -> bool:
    """Whether a path is an empty regular file."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == 0


def _replace_placeholder(path: bytes, target: bytes) -> None:
    """Rename where the disk has no links: an empty file, which fails if one is there, is replaced.

    Another program may write to that empty file before it is replaced, for a few microseconds.
    """
    fd = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    try:
        placed = os.fstat(fd)
    finally:
        os.close(fd)
    now = os.lstat(target)
    if now.st_size or not os.path.samestat(placed, now):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    _replace_own(path, target)


def _replace_own(path: bytes, placeholder: bytes) -> None:
    """Rename over an empty file that was made for that; without success, remove it again."""
    try:
        os.replace(path, placeholder)
    except OSError:
        os.unlink(placeholder)
        raise


def _rename_in_one_step(path: bytes, target: bytes) -> bool:
    """Rename by one call that fails if the name is taken; False where there is no such call."""
    if os.name == "nt":
        os.rename(path, target)
        return True
    rename = _system_call()
    if rename is None:
        return False
    if rename(path, target) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_IN_ONE_STEP:
        return False
    raise OSError(number, os.strerror(number), path, None, target)


@functools.cache
def _system_call() -> Callable[[bytes, bytes], int] | None:
    """The system's rename that replaces nothing, as call(path, target): 0, or else errno is set."""
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        return lambda path, target: int(library.renamex_np(path, target, _RENAME_EXCL))
    if hasattr(library, "renameat2"):
        return lambda path, target: int(
            library.renameat2(_AT_FDCWD, path, _AT_FDCWD, target, _RENAME_NOREPLACE)
        )
    return None

"""What systems and file systems do in different ways, or not at all.

Linux, macOS and Windows differ, and so do local disks and network shares. Other modules call this
one instead of asking where they run. Names of files are the matter of `base.paths`.
"""

import contextlib
import ctypes
import errno
import logging
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing import connection, get_all_start_methods
from typing import IO, Any, Literal

from fastphash.base.paths import Name

_log = logging.getLogger(__name__)

WINDOWS = os.name == "nt"
MACOS = sys.platform == "darwin"

#: Pipes and processes that Windows waits for at once, less a few.
MOST_HANDLES = 60 if WINDOWS else sys.maxsize
# seconds between looks at more handles than that
_LOOK_AGAIN = 0.01
# number of a setting of glibc, from malloc.h, and bytes of an array that is large
_M_MMAP_THRESHOLD = -3
_LARGE_ARRAY = 1 << 20
# number of an order to Linux, from prctl.h: the signal that a process gets when its parent ends
_PR_SET_PDEATHSIG = 1
# seconds between attempts to rename a file that another program has open for a moment, on Windows
_RENAME_AGAIN = (0.01, 0.05, 0.1, 0.3, 0.5)


def _numbers(*names: str) -> frozenset[int]:
    """The numbers of errors; no system has all of them."""
    return frozenset(getattr(errno, name) for name in names if hasattr(errno, name))


_NO_LOCKS = _numbers("ENOLCK", "EOPNOTSUPP", "ENOTSUP", "ENOSYS")
# EBADF: the descriptor of a folder isn't one to sync
_NO_FOLDER_SYNC = _numbers("EINVAL", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EBADF", "EISDIR")

# what has been said, and about which device
_said: set[tuple[str, int]] = set()


def has_no_locks(error: OSError | NotImplementedError) -> bool:
    """Whether an attempt to lock a file failed because its file system has no locks.

    Versions of filelock before 4 raise NotImplementedError for one of the reasons.
    """
    return isinstance(error, NotImplementedError) or error.errno in _NO_LOCKS


def try_to_hold(descriptor: int) -> bool:
    """Lock an open file until it is closed; False if another process holds it.

    Where there are no locks, nothing is locked. Windows needs none: what is open there can't be
    removed.
    """
    if sys.platform == "win32":
        return True
    import fcntl  # missing on Windows

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # EBADF: some network shares lock only what is open for writing
        if not (has_no_locks(error) or error.errno == errno.EBADF):
            raise
    return True


def is_held(path: Name) -> bool:
    """Whether a process has locked a file by `try_to_hold`, or lets nobody open it.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    """
    try:
        with _opened_to_lock(path) as descriptor:
            return not try_to_hold(descriptor)
    except PermissionError:
        return True


def remove_unless_held(path: Name) -> None:
    """Remove a file, if it is there, unless a process has locked it by `try_to_hold`.

    It is locked meanwhile, so that what goes is what was looked at. On Windows, what another
    process has open can't be removed.
    """
    with contextlib.suppress(FileNotFoundError, PermissionError):
        if WINDOWS:
            os.unlink(path)
            return
        with _opened_to_lock(path) as descriptor:
            # another process may have given the name to another file before this one was locked
            if try_to_hold(descriptor) and has_name(descriptor, path):
                os.unlink(path)


def has_name(descriptor: int, path: Name) -> bool:
    """Whether a path is that of an open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _opened_to_lock(path: Name) -> Iterator[int]:
    """The descriptor of a file; some network shares lock only what is open for writing."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except PermissionError:
        # a read-only file can be locked as well
        descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def warn_of_no_locks(folder: Name, error: OSError | NotImplementedError) -> None:
    """Say once what isn't guaranteed in a folder without locks."""
    _say_once(
        "locks",
        folder,
        f"the file system of {_shown(folder)} has no locks ({_reason(error)}): make sure that no "
        "other process writes there meanwhile",
    )


def sync_file(path: Name) -> None:
    """Flush the bytes of a closed file to the disk."""
    # Windows syncs only what is open for writing
    with open(path, "r+b") as file:
        os.fsync(file.fileno())


def finish_copy(copy: IO[bytes], original: os.stat_result) -> os.stat_result:
    """Give a copy, open for writing, the times and mode of its original; flush it to the disk.

    Returns the copy's own status.

    On Windows the copy is closed: it has no times while it is open, and of the mode only whether it
    may be written, which is left as it is, because a file that may not can't be renamed or removed.
    """
    copy.flush()
    times = original.st_atime_ns, original.st_mtime_ns
    if sys.platform == "win32":
        os.fsync(copy.fileno())
        copy.close()
        os.utime(copy.name, ns=times)
        return os.stat(copy.name)
    os.utime(copy.fileno(), ns=times)
    os.fchmod(copy.fileno(), stat.S_IMODE(original.st_mode))
    os.fsync(copy.fileno())
    return os.fstat(copy.fileno())


def sync_folder(folder: Name, descriptor: int = -1) -> None:
    """Flush the names in a folder to the disk; say once if its file system can't.

    With a descriptor of the folder it is not opened again. Does nothing on Windows, which has no
    such call.
    """
    if WINDOWS:
        return
    try:
        if descriptor >= 0:
            os.fsync(descriptor)
            return
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except PermissionError as error:
        # a folder may be written to, but not be opened
        _warn_of_no_folder_sync(folder, error)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
        _warn_of_no_folder_sync(folder, error)


def _warn_of_no_folder_sync(folder: Name, error: OSError) -> None:
    _say_once(
        "sync",
        folder,
        f"{_shown(folder)} can't be synced ({_reason(error)}): if the power fails, what was "
        "written there last may be missing",
    )


def replace_file(source: Name, target: Name) -> None:
    """Rename a file, in place of another one if there is one.

    Windows refuses while a program has one of the two open, as virus scanners do for a moment:
    there it is tried for a second.
    """
    for pause in _RENAME_AGAIN if WINDOWS else ():
        try:
            os.replace(source, target)
        except PermissionError:
            time.sleep(pause)
        else:
            return
    os.replace(source, target)


def open_to_read(name: Name, *, follow_links: bool = True) -> int:
    """A descriptor of a file; a pipe doesn't block.

    Raises
    ------
    OSError
        It can't be opened or, without `follow_links`, is a link.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not follow_links:
        if not hasattr(os, "O_NOFOLLOW") and os.path.islink(name):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
        flags |= getattr(os, "O_NOFOLLOW", 0)
    return os.open(name, flags)


def claim_port(listener: socket.socket) -> None:
    """Let a socket take its port alone, and at once after another server has left it.

    The option that does the second on Linux and macOS undoes the first on Windows.
    """
    exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
    listener.setsockopt(socket.SOL_SOCKET, exclusive or socket.SO_REUSEADDR, 1)


def return_freed_arrays() -> None:
    """Let each large array go back to the system as it is freed; does nothing outside of Linux.

    glibc does so at first, but raises its limit with each large array that is freed, up to 32 MB.
    After that it keeps freed arrays, and for each thread others.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another library than glibc
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_ARRAY)


def give_back_freed_arrays() -> None:
    """Give back to the system what freed arrays have left in this process, once.

    Does nothing outside of Linux.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another library than glibc
            ctypes.CDLL(None).malloc_trim(0)


def end_with_parent(parent: int) -> None:
    """End this process if that one, which started it, has ended; on Linux, whenever it does.

    There the thread counts that started it. Children of this process aren't ended.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def copy_inside(source: int, start: int, size: int, target: int, at: int) -> int:
    """Copy bytes from one open file into another, inside the system; how many, 0 where it can't.

    That saves a copy to this process and one from it.
    """
    if sys.platform != "linux":
        return 0
    try:
        return os.copy_file_range(source, target, size, start, at)
    except OSError:
        # other devices, an old system; or a full disk, which the caller's own write tells of
        return 0


def start_method() -> Literal["forkserver", "spawn"]:
    """How worker processes start: forked from a server with all modules, where that is safe.

    On macOS a fork after numpy and numba are imported may crash; Windows has no fork.
    """
    if MACOS or "forkserver" not in get_all_start_methods():
        return "spawn"
    return "forkserver"


def wait_for(handles: Sequence[Any], seconds: float, most: int = MOST_HANDLES) -> list[Any]:
    """Those of these pipes and processes that are ready: waits for the first of them.

    Parameters
    ----------
    handles : sequence
        As for `multiprocessing.connection.wait`, but any number.
    seconds : float
        The longest wait.
    most : int
        How many the system waits for at once. Of more, it is asked 100 times a second.
    """
    if len(handles) <= most:
        return connection.wait(handles, seconds)
    end = time.monotonic() + seconds
    while True:
        groups = (handles[i : i + most] for i in range(0, len(handles), most))
        ready = [handle for group in groups for handle in connection.wait(group, 0)]
        left = end - time.monotonic()
        if ready or left <= 0:
            return ready
        time.sleep(min(left, _LOOK_AGAIN))


def _say_once(what: str, folder: Name, text: str) -> None:
    """Warn, once for each device."""
    key = what, os.stat(folder).st_dev
    if key not in _said:
        _said.add(key)
        _log.warning("%s", text)


def _shown(folder: Name) -> str:
    return repr(os.fsdecode(folder))


def _reason(error: OSError | NotImplementedError) -> str:
    return getattr(error, "strerror", None) or str(error)

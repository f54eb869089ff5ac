"""Files copied, linked and moved so that nothing is overwritten, and nothing lost when killed.

Names are bytes. Whatever appears under a name is whole and on the disk.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable

import xxhash

from fastphash.errors import FastphashError

_BLOCK = 1 << 20
# what a system says where a file can't have a second name, or none on that device
_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES)


class TakenError(FastphashError):
    """There is something else under the name that a file was to get."""


class ChangedError(FastphashError):
    """A file has not the bytes that it had."""


def digest_of(path: bytes) -> bytes:
    """XXH3-128 of a regular file's bytes."""
    digest = xxhash.xxh3_128()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.digest()


def copy_file(source: bytes, target: bytes, digest: bytes) -> bool:
    """Copy the bytes of a file, with its time; whether that was still to be done.

    Raises
    ------
    ChangedError
        The source's bytes are not of this digest.
    TakenError
        Something else is there.
    """
    temporary = _temporary(target, digest)
    if os.path.lexists(target) and not _is_placeholder(target, temporary):
        if _has_bytes(target, digest):
            return False
        raise TakenError("its name is taken")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        _write_copy(source, temporary, digest)
        _give_name(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_folder(os.path.dirname(target))
    return True


def link_file(source: bytes, target: bytes) -> bool:
    """Give a file a second name; whether that was still to be done.

    Raises
    ------
    TakenError
        Something else is there.
    FastphashError
        The target is on another device, or one without links.
    """
    source = os.path.realpath(source)
    if os.path.lexists(target):
        if not os.path.islink(target) and os.path.samefile(source, target):
            return False
        raise TakenError("its name is taken")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in _NO_LINKS:
            raise FastphashError(
                f"no hard link to it can be made there ({error.strerror}): copy, or use symlink"
            ) from error
        raise
    sync_folder(os.path.dirname(target))
    return True


def symlink_file(source: bytes, target: bytes) -> bool:
    """Make a symbolic link to a file; whether that was still to be done. TakenError as above."""
    if os.path.lexists(target):
        if os.path.islink(target) and os.readlink(target) == source:
            return False
        raise TakenError("its name is taken")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    os.symlink(source, target)
    sync_folder(os.path.dirname(target))
    return True


def move_file(source: bytes, target: bytes, digest: bytes) -> bool:
    """Move a file, or a symbolic link as such; whether that was still to be done.

    A file has both names for a moment and never none; to another device it is copied first.

    Parameters
    ----------
    source, target : bytes
    digest : bytes
        Of the file's bytes: what may be under both names if an earlier run was killed.

    Raises
    ------
    ChangedError, TakenError
        As for `copy_file`.
    """
    if not os.path.lexists(source):
        return False
    if entry_of(source) == entry_of(target):
        raise TakenError("it would be moved to where it is")
    if not (os.path.lexists(target) and _same(source, target, digest)):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _name_again(source, target, digest)
    os.unlink(source)
    sync_folder(os.path.dirname(source))
    return True


def entry_of(path: bytes, real: Callable[[bytes], bytes] = os.path.realpath) -> bytes:
    """The name of a file, or of a link, with no link on the way to it.

    `real` says where a folder really is; one that remembers is faster for many files.
    """
    folder, name = os.path.split(path)
    return os.path.join(real(folder), name)


def sync_folder(folder: bytes) -> None:
    """Let the names in a folder reach the disk."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _name_again(source: bytes, target: bytes, digest: bytes) -> None:
    """Let what is under one name be under another as well."""
    try:
        os.link(source, target, follow_symlinks=False)
        sync_folder(os.path.dirname(target))
    except FileExistsError as error:
        raise TakenError("its name is taken") from error
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.islink(source):
            symlink_file(os.readlink(source), target)
        else:
            copy_file(source, target, digest)


def _same(source: bytes, target: bytes, digest: bytes) -> bool:
    """Whether two names are of one file, one link or the same bytes; TakenError if not."""
    ours, theirs = os.lstat(source), os.lstat(target)
    if (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino):
        return True
    if stat.S_ISLNK(ours.st_mode) and stat.S_ISLNK(theirs.st_mode):
        if os.readlink(source) == os.readlink(target):
            return True
    elif not stat.S_ISLNK(ours.st_mode) and _has_bytes(target, digest):
        return _has_bytes(source, digest)
    if _is_placeholder(target, _temporary(target, digest)):
        return False
    raise TakenError("its name is taken")


def _has_bytes(path: bytes, digest: bytes) -> bool:
    return stat.S_ISREG(os.lstat(path).st_mode) and digest_of(path) == digest


def _write_copy(source: bytes, target: bytes, digest: bytes) -> None:
    read = xxhash.xxh3_128()
    with open(source, "rb") as original, open(target, "wb") as copy:
        while block := original.read(_BLOCK):
            read.update(block)
            copy.write(block)
        copy.flush()
        status = os.fstat(original.fileno())
        os.utime(copy.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
        os.fchmod(copy.fileno(), stat.S_IMODE(status.st_mode))
        os.fsync(copy.fileno())
    if read.digest() != digest or digest_of(target) != digest:
        raise ChangedError("changed since it was hashed")


def _temporary(target: bytes, digest: bytes) -> bytes:
    """Always the same name, so that a second run finds what a killed one left."""
    return os.path.join(os.path.dirname(target), b".fastphash-" + digest.hex().encode())


def _give_name(temporary: bytes, target: bytes) -> None:
    """Rename a file, but never over another."""
    try:
        os.link(temporary, target)
        os.unlink(temporary)
    except FileExistsError as error:
        raise TakenError("its name is taken") from error
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # without links: a placeholder that only we can have made, replaced
        if not _is_placeholder(target, temporary):
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.replace(temporary, target)


def _is_placeholder(target: bytes, temporary: bytes) -> bool:
    """Whether a killed run left an empty file under a name, and what was to replace it."""
    if not os.path.lexists(target) or not os.path.lexists(temporary):
        return False
    status = os.lstat(target)
    return stat.S_ISREG(status.st_mode) and status.st_size == 0

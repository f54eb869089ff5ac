"""Copy, link and move files: nothing is overwritten, and a kill at any moment loses nothing.

Names are bytes. A file that appears under a name is whole and on the disk.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable

import xxhash

from fastphash.base.system import finish_copy, sync_folder
from fastphash.errors import FastphashError
from fastphash.files.digest import digest_of

_BLOCK = 1 << 20
# errors of systems and devices that can't give a file a second name
_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES)


class TakenError(FastphashError):
    """The name that a file should get is taken by something else."""


class ChangedError(FastphashError):
    """A file's bytes have changed."""


def copy_file(source: bytes, target: bytes, digest: bytes) -> bool:
    """Copy a file with its times; False if the copy is already there.

    Raises
    ------
    ChangedError
        The source's bytes don't have this digest.
    TakenError
        Something else has the target's name.
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
    """Make a hard link to a file; False if the link is already there.

    Raises
    ------
    TakenError
        Something else has the target's name.
    FastphashError
        The target is on another device, or on one without hard links.
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
                f"a hard link is not possible here ({error.strerror}): use copy or symlink"
            ) from error
        raise
    sync_folder(os.path.dirname(target))
    return True


def symlink_file(source: bytes, target: bytes) -> bool:
    """Make a symbolic link; False if the link is already there. TakenError as `link_file`."""
    if os.path.lexists(target):
        if os.path.islink(target) and os.readlink(target) == source:
            return False
        raise TakenError("its name is taken")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    os.symlink(source, target)
    sync_folder(os.path.dirname(target))
    return True


def move_file(source: bytes, target: bytes, digest: bytes) -> bool:
    """Move a file, or a symbolic link itself; False if the source is gone already.

    For a moment the file has both names; it always has at least one. A move to another device
    copies the file first.

    Parameters
    ----------
    source, target : bytes
    digest : bytes
        Of the file's bytes. If both names have these bytes, an earlier run was killed before it
        removed the source.

    Raises
    ------
    ChangedError, TakenError
        As `copy_file`.
    """
    if not os.path.lexists(source):
        return False
    if entry_of(source) == entry_of(target):
        raise TakenError("its new place is its old place")
    if not (os.path.lexists(target) and _is_same(source, target, digest)):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _add_name(source, target, digest)
    os.unlink(source)
    sync_folder(os.path.dirname(source))
    return True


def entry_of(path: bytes, real: Callable[[bytes], bytes] = os.path.realpath) -> bytes:
    """The path of a file, or of a link itself, with the links among its folders resolved.

    `real` resolves a folder; for many files, a function with a cache is faster.
    """
    folder, name = os.path.split(path)
    return os.path.join(real(folder), name)


def _add_name(source: bytes, target: bytes, digest: bytes) -> None:
    """Give a file or a link a second name: by a hard link, or else as a copy."""
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


def _is_same(source: bytes, target: bytes, digest: bytes) -> bool:
    """True if two names have one file, equal links or the same bytes.

    False if the target is the placeholder of a killed run; otherwise TakenError.
    """
    source_status, target_status = os.lstat(source), os.lstat(target)
    if os.path.samestat(source_status, target_status):
        return True
    source_is_link = stat.S_ISLNK(source_status.st_mode)
    if source_is_link and stat.S_ISLNK(target_status.st_mode):
        if os.readlink(source) == os.readlink(target):
            return True
    elif not source_is_link and _has_bytes(target, digest):
        return _has_bytes(source, digest)
    if _is_placeholder(target, _temporary(target, digest)):
        return False
    raise TakenError("its name is taken")


def _has_bytes(path: bytes, digest: bytes) -> bool:
    return stat.S_ISREG(os.lstat(path).st_mode) and digest_of(path) == digest


def _write_copy(source: bytes, target: bytes, digest: bytes) -> None:
    source_digest = xxhash.xxh3_128()
    with open(source, "rb") as original, open(target, "wb") as copy:
        while block := original.read(_BLOCK):
            source_digest.update(block)
            copy.write(block)
        finish_copy(copy, os.fstat(original.fileno()))
    if source_digest.digest() != digest or digest_of(target) != digest:
        raise ChangedError("changed since it was hashed")


def _temporary(target: bytes, digest: bytes) -> bytes:
    """The temporary name for a target: always the same, so that another run finds it again."""
    return os.path.join(os.path.dirname(target), b".fastphash-" + digest.hex().encode())


def _give_name(temporary: bytes, target: bytes) -> None:
    """Rename a file, but never replace another."""
    try:
        os.link(temporary, target)
        os.unlink(temporary)
    except FileExistsError as error:
        raise TakenError("its name is taken") from error
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # without links: create a placeholder, which fails if the name is taken, and replace it
        if not _is_placeholder(target, temporary):
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.replace(temporary, target)


def _is_placeholder(target: bytes, temporary: bytes) -> bool:
    """Whether a killed run left an empty target, and the temporary file for it."""
    if not os.path.lexists(target) or not os.path.lexists(temporary):
        return False
    status = os.lstat(target)
    return stat.S_ISREG(status.st_mode) and status.st_size == 0

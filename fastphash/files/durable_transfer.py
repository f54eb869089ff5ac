"""Copy and link files: nothing is overwritten, and a kill at any moment loses nothing.

Names are bytes. A file that appears under a name is whole and on the disk.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from typing import BinaryIO

import xxhash

from fastphash.base.system import finish_copy, sync_folder
from fastphash.errors import FastphashError
from fastphash.files.digest import digest_of
from fastphash.files.exclusive_rename import NO_LINKS, drop_placeholder, give_name, is_empty
from fastphash.files.file_attributes import has_holes, keep_owner_and_attributes
from fastphash.files.own_copies import TakenError, is_written, own_copy, remove_leftovers
from fastphash.files.own_names import copy_names

_BLOCK = 1 << 20
# of files with holes, blocks of zeros that aren't written
_HOLE = 1 << 16
_ZEROS = bytes(_HOLE)


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
    drop_killed_placeholder(target, digest)
    if os.path.lexists(target):
        _check_copy(target, digest)
        return False
    os.makedirs(os.path.dirname(target), exist_ok=True)
    remove_leftovers(target, digest)
    with whole_copy(source, target, digest) as (copy, _):
        try:
            give_name(copy, target)
        except FileExistsError:
            # another process may have copied the same file
            _check_copy(target, digest)
            return False
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
        _check_link(source, target)
        return False
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError:
        # another process may have linked the same file
        _check_link(source, target)
        return False
    except OSError as error:
        if error.errno in NO_LINKS:
            raise FastphashError(
                f"a hard link is not possible here ({error.strerror}): use copy or symlink"
            ) from error
        raise
    sync_folder(os.path.dirname(target))
    return True


def link_problem(source: bytes, folder: bytes) -> str:
    """Why no hard link to a file can be made in a folder of another disk; else empty.

    Nothing is tried: a link that is only a test would stay behind if the run were killed.
    """
    # folders: on layered file systems a file may say another device than its folder does
    home = os.path.dirname(os.path.realpath(source))
    with contextlib.suppress(OSError):
        os.stat(source)
        if os.stat(home).st_dev != os.stat(folder).st_dev:
            return os.strerror(errno.EXDEV)
    return ""


def symlink_file(source: bytes, target: bytes) -> bool:
    """Make a symbolic link; False if the link is already there. TakenError as `link_file`."""
    if os.path.lexists(target):
        _check_symlink(source, target)
        return False
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        os.symlink(source, target)
    except FileExistsError:
        _check_symlink(source, target)
        return False
    sync_folder(os.path.dirname(target))
    return True


def entry_of(path: bytes, real: Callable[[bytes], bytes] = os.path.realpath) -> bytes:
    """The path of a file, or of a link itself, with the links among its folders resolved.

    `real` resolves a folder; for many files, a function with a cache is faster.
    """
    folder, name = os.path.split(path)
    return os.path.join(real(folder), name)


def has_bytes(path: bytes, digest: bytes) -> bool:
    """Whether a path is a regular file, no link, with this digest."""
    return stat.S_ISREG(os.lstat(path).st_mode) and digest_of(path) == digest


@contextlib.contextmanager
def whole_copy(
    source: bytes, target: bytes, digest: bytes
) -> Iterator[tuple[bytes, os.stat_result]]:
    """A synced copy of a file, which has a name of its own in the folder of a target.

    Gives the name and the status of the copy. It is removed at the end if it still has that name.

    Raises
    ------
    ChangedError
        The source's bytes don't have this digest.
    TakenError
        As `own_copy`.
    """
    with own_copy(target, digest) as (name, copy):
        with open(source, "rb") as original:
            written, status = _copy_open(original, copy)
        if written != digest or digest_of(name) != digest:
            raise ChangedError("changed since it was hashed")
        yield name, status


def _copy_open(original: BinaryIO, copy: BinaryIO) -> tuple[bytes, os.stat_result]:
    """Copy bytes and all that belongs to a file, and sync; the bytes' digest, the copy's status."""
    status = os.fstat(original.fileno())
    digest = xxhash.xxh3_128()
    holes = has_holes(status)
    while block := original.read(_HOLE if holes else _BLOCK):
        digest.update(block)
        if holes and block == _ZEROS[: len(block)]:
            copy.seek(len(block), os.SEEK_CUR)
        else:
            copy.write(block)
    copy.truncate()
    keep_owner_and_attributes(original.fileno(), copy.fileno(), status)
    return digest.digest(), finish_copy(copy, status)


def _check_link(source: bytes, target: bytes) -> None:
    """Raise TakenError unless what is there is a hard link of the source."""
    if os.path.islink(target) or not os.path.samefile(source, target):
        raise TakenError("its name is taken")


def _check_symlink(source: bytes, target: bytes) -> None:
    """Raise TakenError unless what is there is a symbolic link to the source."""
    if not os.path.islink(target) or os.readlink(target) != source:
        raise TakenError("its name is taken")


def _check_copy(target: bytes, digest: bytes) -> None:
    """Raise TakenError unless what is there is a copy; killed copies beside it are removed."""
    if not has_bytes(target, digest):
        raise TakenError("its name is taken")
    remove_leftovers(target, digest)


def drop_killed_placeholder(target: bytes, digest: bytes) -> None:
    """Remove an empty target that a killed run left with the copy for it."""
    if not is_empty(target):
        return
    for copy in copy_names(target, digest):
        if not is_written(copy):
            drop_placeholder(copy, target)

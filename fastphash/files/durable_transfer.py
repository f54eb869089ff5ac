"""Copy and link files: nothing is overwritten, and a kill at any moment loses nothing.

Names are bytes. A file that appears under a name is whole and on the disk.
"""

import contextlib
import os
import stat
from collections.abc import Callable
from typing import BinaryIO

import xxhash

from fastphash.base.system import finish_copy, sync_folder
from fastphash.errors import FastphashError
from fastphash.files.digest import digest_of
from fastphash.files.exclusive_rename import NO_LINKS, give_name
from fastphash.files.own_names import copy_name

_BLOCK = 1 << 20


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
    temporary = copy_name(target, digest)
    if os.path.lexists(target):
        if _is_placeholder(target, temporary):
            os.unlink(target)
        elif has_bytes(target, digest):
            _remove_second_name(temporary, target)
            return False
        else:
            raise TakenError("its name is taken")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    write_copy(source, temporary, digest)
    try:
        give_name(temporary, target)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(error, FileExistsError):
            raise TakenError("its name is taken") from error
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
        if error.errno in NO_LINKS:
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


def entry_of(path: bytes, real: Callable[[bytes], bytes] = os.path.realpath) -> bytes:
    """The path of a file, or of a link itself, with the links among its folders resolved.

    `real` resolves a folder; for many files, a function with a cache is faster.
    """
    folder, name = os.path.split(path)
    return os.path.join(real(folder), name)


def has_bytes(path: bytes, digest: bytes) -> bool:
    """Whether a path is a regular file, no link, with this digest."""
    return stat.S_ISREG(os.lstat(path).st_mode) and digest_of(path) == digest


def write_copy(source: bytes, temporary: bytes, digest: bytes) -> os.stat_result:
    """Write a file's bytes, times and mode to a name that only fastphash uses, and sync it.

    What a killed run left there is removed first. Returns the status of the new file.

    Raises
    ------
    ChangedError
        The source's bytes don't have this digest; nothing is left.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    try:
        with open(temporary, "xb") as copy, open(source, "rb") as original:
            written, status = _copy_open(original, copy)
        if written != digest or digest_of(temporary) != digest:
            raise ChangedError("changed since it was hashed")  # noqa: TRY301 - tidied up below
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    return status


def _copy_open(original: BinaryIO, copy: BinaryIO) -> tuple[bytes, os.stat_result]:
    """Copy bytes, times and mode, and sync; returns the bytes' digest and the copy's status."""
    digest = xxhash.xxh3_128()
    while block := original.read(_BLOCK):
        digest.update(block)
        copy.write(block)
    return digest.digest(), finish_copy(copy, os.fstat(original.fileno()))


def _remove_second_name(temporary: bytes, target: bytes) -> None:
    """Remove the temporary name of a file if a killed run left both names."""
    with contextlib.suppress(FileNotFoundError):
        if os.path.samestat(os.lstat(temporary), os.lstat(target)):
            os.unlink(temporary)


def _is_placeholder(target: bytes, temporary: bytes) -> bool:
    """Whether a killed run left an empty target, and the temporary file for it."""
    if not os.path.lexists(target) or not os.path.lexists(temporary):
        return False
    status = os.lstat(target)
    return stat.S_ISREG(status.st_mode) and status.st_size == 0

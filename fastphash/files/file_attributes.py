"""What belongs to a file beside bytes, times and mode: owner, extended attributes, holes, links.

Extended attributes hold access control lists and capabilities. Names are bytes.
"""

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_PROBE = b".fastphash-probe-"
# two seconds are the steps of time of old file systems: this time lies between two steps
_ODD_TIME_NS = 1_000_000_001_123_456_700


def keep_owner_and_attributes(original: int, copy: int, status: os.stat_result) -> None:
    """Give an open copy the owner and the extended attributes of its original, as far as it can.

    What can't be kept in a folder is told before by `describe_losses`.
    """
    if hasattr(os, "fchown"):
        with contextlib.suppress(OSError):
            os.fchown(copy, status.st_uid, status.st_gid)
    for name, value in _attributes(original):
        _set_attribute(copy, name, value)


def keep_owner_and_times_of_link(original: bytes, copy: bytes) -> None:
    """Give a copy of a symbolic link the owner and the times of the link itself."""
    status = os.lstat(original)
    with contextlib.suppress(OSError, NotImplementedError):
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)
    if hasattr(os, "lchown"):
        with contextlib.suppress(OSError):
            os.lchown(copy, status.st_uid, status.st_gid)


def has_holes(status: os.stat_result) -> bool:
    """Whether a file takes less room on its disk than it has bytes."""
    return getattr(status, "st_blocks", status.st_size) * 512 < status.st_size


class FileAttributes(NamedTuple):
    """What the files that are copied to another disk have, each but once.

    Attributes
    ----------
    owners : set of (int, int)
        User and group.
    modes : set of int
    extended : dict of str to bytes
        One value for each name.
    linked : int
        Files with further hard links.
    """

    owners: set[tuple[int, int]]
    modes: set[int]
    extended: dict[str, bytes]
    linked: int


def read_attributes(files: Iterable[bytes], folder: bytes) -> FileAttributes:
    """What those files have that are on another device than a folder."""
    device = os.stat(folder).st_dev
    elsewhere: dict[bytes, bool] = {}
    found = FileAttributes(set(), set(), {}, 0)
    for file in files:
        parent = os.path.dirname(file)
        try:
            if parent not in elsewhere:
                elsewhere[parent] = os.stat(parent).st_dev != device
            if not elsewhere[parent]:
                continue
            status = os.lstat(file)
        except OSError:
            continue
        if not stat.S_ISREG(status.st_mode):
            continue
        found.owners.add((status.st_uid, status.st_gid))
        found.modes.add(stat.S_IMODE(status.st_mode))
        found.extended.update(_attributes(file))
        found = found._replace(linked=found.linked + (status.st_nlink > 1))
    return found


def describe_losses(found: FileAttributes, folder: bytes) -> list[str]:
    """What of these attributes a file in a folder can't have, in words.

    It is tried with an empty file without a name. Where none can be made, only links are told.
    """
    if not found.owners:
        # none of the files is on another disk
        return []
    losses = ["hard links"] if found.linked else []
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=_PROBE) as probe:
            losses += _refused(probe.fileno(), found)
    except OSError:
        # what is wrong with the folder shows when files are moved there
        return losses
    return losses


def _refused(descriptor: int, found: FileAttributes) -> Iterator[str]:
    if not _keeps_owners(descriptor, found.owners):
        yield "owners"
    if not all(_set_attribute(descriptor, *item) for item in found.extended.items()):
        yield "extended attributes (access control lists, capabilities)"
    if not _keeps_modes(descriptor, found.modes):
        yield "modes"
    if not _keeps_times(descriptor):
        yield "exact times"


def _keeps_owners(descriptor: int, owners: set[tuple[int, int]]) -> bool:
    if not hasattr(os, "fchown"):
        return True
    for owner in owners:
        try:
            os.fchown(descriptor, *owner)
        except OSError:
            return False
        status = os.fstat(descriptor)
        if (status.st_uid, status.st_gid) != owner:
            return False
    return True


def _set_attribute(descriptor: int, name: str, value: bytes) -> bool:
    """Whether the attribute could be set, where there are any."""
    if sys.platform != "linux":
        return True
    try:
        os.setxattr(descriptor, name, value)
    except OSError:
        return False
    return True


def _keeps_modes(descriptor: int, modes: set[int]) -> bool:
    if not hasattr(os, "fchmod"):
        return True
    for mode in modes:
        try:
            os.fchmod(descriptor, mode)
        except OSError:
            return False
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
            return False
    return True


def _keeps_times(descriptor: int) -> bool:
    if os.utime not in os.supports_fd:
        return True
    os.utime(descriptor, ns=(_ODD_TIME_NS, _ODD_TIME_NS))
    return os.fstat(descriptor).st_mtime_ns == _ODD_TIME_NS


def _attributes(file: int | bytes) -> Iterator[tuple[str, bytes]]:
    """The extended attributes of a file, as far as they can be read; none where there are none."""
    if sys.platform != "linux":
        # Python reads them on Linux alone
        return
    try:
        names = os.listxattr(file)
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError):
            yield name, os.getxattr(file, name)

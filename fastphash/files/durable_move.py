"""Move files so that nothing is lost, whatever other programs do and whenever the move is killed.

A file's name is taken away first: the file is renamed within its folder, to the name that
`own_names.taken_name` gives. Then it is looked at, so that what is looked at is what is moved, even
if another program puts a new file in its old place. A file that turns out to be another one gets
its name back.

At any moment the file has its old name, its taken name or its new name. Names are bytes.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator

from fastphash.base.system import sync_folder
from fastphash.errors import FastphashError
from fastphash.files.digest import digest_of
from fastphash.files.durable_transfer import ChangedError, entry_of, has_bytes, whole_copy
from fastphash.files.exclusive_rename import drop_placeholder, give_name, is_empty, take_name
from fastphash.files.file_attributes import keep_owner_and_times_of_link
from fastphash.files.held_folder import HeldFolder
from fastphash.files.own_copies import TakenError, own_link, remove_if_same, remove_leftovers
from fastphash.files.own_names import leftovers_of, taken_name


class StrandedError(FastphashError):
    """A file can't get its old name back, because another file has it now."""


def move_file(
    source: bytes, target: bytes, digest: bytes, confirm: Callable[[], None] | None = None
) -> bool:
    """Move a file, or a symbolic link itself; False if the source is gone already.

    Parameters
    ----------
    source, target : bytes
    digest : bytes
        XXH3-128 of the file's bytes.
    confirm : callable, optional
        Called when the source's name is taken away. If it raises, the file gets its name back.

    Raises
    ------
    ChangedError
        The source's bytes don't have this digest.
    TakenError
        Something else has the target's name, or an earlier move of the source isn't finished.
    StrandedError
        The source should get its name back, but another file has it. It keeps its taken name.
    """
    if not os.path.lexists(source):
        return False
    if entry_of(source) == entry_of(target):
        raise TakenError("its new place is its old place")
    if os.path.lexists(target):
        raise TakenError("its name is taken")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    aside = taken_name(source)
    with HeldFolder(os.path.dirname(source)) as folder:
        try:
            take_name(source, aside)
        except FileExistsError as error:
            raise TakenError(f"a move of it isn't finished: it is {_shown(aside)}") from error
        try:
            _check_bytes(aside, digest)
            if confirm is not None:
                confirm()
            _place(aside, target, digest, confirm)
        except BaseException:
            _put_back(aside, source)
            folder.rename_within(os.path.basename(aside), os.path.basename(source))
            raise
        sync_folder(os.path.dirname(source), folder.descriptor)
    return True


def settle_move(source: bytes, target: bytes, digest: bytes) -> None:
    """Finish a move that was killed if its target was complete, or else take it back.

    Raises
    ------
    StrandedError
        As for `move_file`.
    """
    aside, copies = leftovers_of(source, target, digest)
    for held_by, name in ((aside, source), (aside, target), *((copy, target) for copy in copies)):
        drop_placeholder(held_by, name)
    if os.path.lexists(aside):
        if _is_complete(aside, target, digest):
            os.unlink(aside)
            sync_folder(os.path.dirname(source))
        else:
            _put_back(aside, source)
    remove_leftovers(target, digest)


def _check_bytes(path: bytes, digest: bytes) -> None:
    """Raise ChangedError unless a file has this digest; a link holds no bytes."""
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        return
    # a pipe would never be read to its end
    if not stat.S_ISREG(mode) or digest_of(path) != digest:
        raise ChangedError("changed since it was hashed")


def _place(aside: bytes, target: bytes, digest: bytes, confirm: Callable[[], None] | None) -> None:
    """Give a file whose name was taken away its new name; on another device, by a copy."""
    try:
        give_name(aside, target)
        sync_folder(os.path.dirname(target))
    except FileExistsError as error:
        raise TakenError("its name is taken") from error
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _place_copy(aside, target, digest, confirm)


def _place_copy(
    aside: bytes, target: bytes, digest: bytes, confirm: Callable[[], None] | None
) -> None:
    before = os.lstat(aside)
    remove_leftovers(target, digest)
    with _copied(aside, target, digest, before.st_mode) as (copy, written):
        # copying takes a while
        if confirm is not None:
            confirm()
        _check_untouched(aside, before)
        try:
            _give_copy_its_name(copy, target, written)
            os.unlink(aside)
        except BaseException:
            # without the file itself, its copy is all there is
            if os.path.lexists(aside):
                remove_if_same(target, written)
            raise


@contextlib.contextmanager
def _copied(
    aside: bytes, target: bytes, digest: bytes, mode: int
) -> Iterator[tuple[bytes, os.stat_result]]:
    """A copy of a file, or of a link itself, and its status; removed if it gets no other name."""
    if not stat.S_ISLNK(mode):
        with whole_copy(aside, target, digest) as copied:
            yield copied
        return
    copy = own_link(target, digest, os.readlink(aside))
    keep_owner_and_times_of_link(aside, copy)
    written = os.lstat(copy)
    try:
        yield copy, written
    finally:
        remove_if_same(copy, written)


def _check_untouched(path: bytes, before: os.stat_result) -> None:
    """Raise ChangedError if a program that had the file open has written to it."""
    now = os.lstat(path)
    if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise ChangedError("changed while it was copied")


def _give_copy_its_name(copy: bytes, target: bytes, written: os.stat_result) -> None:
    try:
        give_name(copy, target)
    except FileExistsError as error:
        raise TakenError("its name is taken") from error
    if not os.path.samestat(os.lstat(target), written):
        raise ChangedError("another program has replaced it where it was copied to")
    sync_folder(os.path.dirname(target))


def _put_back(aside: bytes, source: bytes) -> None:
    """Give a file its old name back."""
    if not os.path.lexists(aside):
        return
    if os.path.lexists(source) and (_is_same(aside, source) or is_empty(aside)):
        # killed between two steps, where the disk can't rename in one
        os.unlink(aside)
    else:
        try:
            give_name(aside, source)
        except FileExistsError as error:
            raise StrandedError(
                f"another file has its name now: it is kept as {_shown(aside)}"
            ) from error
    sync_folder(os.path.dirname(source))


def _is_complete(aside: bytes, target: bytes, digest: bytes) -> bool:
    """Whether a killed move had given the target its name: the same file, link or bytes."""
    folder, name = os.path.split(target)
    # where case is folded, another file may seem to have the name
    if not os.path.lexists(target) or name not in os.listdir(folder):
        return False
    if _is_same(aside, target):
        return True
    if os.path.islink(aside):
        return os.path.islink(target) and os.readlink(aside) == os.readlink(target)
    return has_bytes(target, digest) and has_bytes(aside, digest)


def _is_same(one: bytes, other: bytes) -> bool:
    return os.path.samestat(os.lstat(one), os.lstat(other))


def _shown(path: bytes) -> str:
    return repr(os.path.basename(path).decode(errors="replace"))

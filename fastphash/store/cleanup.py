"""A run that fails before it has anything to keep leaves nothing behind."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fastphash.base import system
from fastphash.errors import StoreError
from fastphash.files import atomic
from fastphash.store.create import FRAGMENTS_FOLDER
from fastphash.store.lock import LOCK, locked
from fastphash.store.manifest import MANIFEST
from fastphash.store.store import PART_FILES, REJECTED, is_store, open_store


@contextlib.contextmanager
def removed_if_unused(store: Path, *others: Path) -> Iterator[None]:
    """Remove a new store again if the block fails and no input has got into the store.

    Folders that weren't there before go with it, and so do `others`: files beside the store that
    the block writes. Whatever else is in a folder keeps it.
    """
    was_store = is_store(store)
    made = [folder for folder in (store, *store.parents) if not folder.exists()]
    try:
        yield
    except BaseException:
        if not was_store and store.is_dir():
            # while another process writes the store, it is that one's
            with contextlib.suppress(OSError, StoreError):
                _remove_unused(store, others)
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def has_parts(store: Path) -> bool:
    """Whether there are parts in the folder of a store."""
    return any(store.glob(PART_FILES))


def has_work(store: Path) -> bool:
    """Whether the next run goes on with something: parts, or fragments of a run on Spark."""
    return has_parts(store) or any((store / FRAGMENTS_FOLDER).glob("*.batches"))


def _remove_unused(store: Path, others: tuple[Path, ...]) -> None:
    with locked(store):
        # somebody else's, perhaps
        if has_parts(store):
            return
        if is_store(store):
            opened = open_store(store)
            if opened.parts or opened.rejected().num_rows:
                return
        atomic.remove_leftovers(store)
        for path in (*others, store / MANIFEST, store / REJECTED):
            path.unlink(missing_ok=True)
        if not system.WINDOWS:
            # before anybody else can get the lock
            (store / LOCK).unlink()
    if system.WINDOWS:
        # only there can't an open file be removed, and so not that of another process either
        (store / LOCK).unlink(missing_ok=True)

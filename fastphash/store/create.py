"""New stores."""

from collections.abc import Iterable
from pathlib import Path

from fastphash.errors import StoreError, UsageError
from fastphash.files import atomic
from fastphash.hashing.definition import Definition
from fastphash.store.leftovers import remove_leftovers
from fastphash.store.lock import LOCK
from fastphash.store.schema import Layout
from fastphash.store.store import Store, is_store, open_store, store_at

#: The folder of a store for what a run on several machines hashes, until it is in parts.
FRAGMENTS_FOLDER = "_fragments"


def check_new(path: Path) -> None:
    """Raise UsageError if a new store can't be made at a path, because something is there.

    A store without finished parts, which a killed run left, may be there.
    """
    if is_store(path):
        store = open_store(path)
        if store.unfinished and not store.parts:
            return
        raise UsageError(f"{str(path)!r} is a store already: name a new folder")
    if path.exists() and (not path.is_dir() or any(map(_is_foreign, path.iterdir()))):
        what = "is the folder of an audit" if is_store(store_at(path)) else "exists and is no store"
        raise UsageError(f"{str(path)!r} {what}: name a new folder")


def _is_foreign(path: Path) -> bool:
    """Whether a file can't be of a store that has no manifest yet."""
    return path.name not in (LOCK, FRAGMENTS_FOLDER) and not atomic.is_leftover(path)


def create_store(
    path: Path, definition: Definition, layout: Layout, splits: Iterable[str] = ()
) -> Store:
    """Make a store without parts, whose splits are unfinished.

    Raises
    ------
    UsageError
        Something else is there.
    StoreError
        The folder can't be written.
    """
    check_new(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if is_store(path):
            # only its manifest names files of former parts
            remove_leftovers(open_store(path))
        store = Store(path, definition, layout, unfinished=sorted(splits))
        store.save()
        remove_leftovers(store)
    except OSError as error:
        raise StoreError(f"can't write {str(path)!r}: {error.strerror}") from error
    return store

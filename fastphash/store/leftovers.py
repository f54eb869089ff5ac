"""What a killed run leaves in the folder of a store."""

import os
from pathlib import Path

from fastphash.errors import StoreError
from fastphash.files import atomic, parquet
from fastphash.store.manifest import manifest_file
from fastphash.store.schema import METADATA, definition_of
from fastphash.store.store import PART_FILES, Store


def remove_leftovers(store: Store) -> list[str]:
    """Delete what a killed run left: temporary files, and parts that aren't listed.

    Returns
    -------
    list of str
        Files that have names as of parts, but that no run has left: somebody else's.
    """
    atomic.remove_leftovers(store.path)
    store.delete_removed()
    if store.unfinished:
        _delete_unlisted(store)
    listed = {part.name for part in store.parts}
    names = sorted(path.name for path in store.path.glob(PART_FILES))
    return [name for name in names if name not in listed]


def _delete_unlisted(store: Store) -> None:
    """Delete the one part that a run writes before its manifest lists it."""
    for name in store.next_names():
        path = store.path / name
        if not os.path.lexists(path):
            return
        if _is_own(store, path):
            path.unlink()
            return


def _is_own(store: Store, path: Path) -> bool:
    """Whether a file can be the part that a killed run wrote: of this definition, and last."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        if path.stat().st_mtime_ns < manifest_file(store.path).stat().st_mtime_ns:
            return False
        metadata = parquet.read_schema(path).metadata or {}
        return METADATA in metadata and definition_of(metadata, path.name) == store.definition
    except StoreError:
        return False

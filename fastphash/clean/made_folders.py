"""Folders that a move makes below its target, so that `undo` can remove them again."""

import contextlib
import json
import os
from collections.abc import Iterable

import pyarrow as pa

METADATA = b"fastphash_made_folders"


def missing_folders(files: Iterable[bytes]) -> set[bytes]:
    """The folders that must be made before there can be files of these absolute names."""
    missing: set[bytes] = set()
    for innermost in {os.path.dirname(file) for file in files}:
        folder = innermost
        while folder not in missing and not os.path.lexists(folder):
            missing.add(folder)
            folder = os.path.dirname(folder)
    return missing


def remove_empty(folders: Iterable[bytes]) -> None:
    """Remove those of some folders that are empty, or hold empty ones of them only."""
    for folder in sorted(folders, key=len, reverse=True):
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def with_made_folders(journal: pa.Table, folders: Iterable[bytes]) -> pa.Table:
    """A journal that tells of these folders."""
    names = sorted(map(os.fsdecode, folders))
    return journal.replace_schema_metadata({METADATA: json.dumps(names).encode()})


def made_folders(journal: pa.Table) -> set[bytes]:
    """The folders that a journal tells of."""
    names = json.loads((journal.schema.metadata or {}).get(METADATA, b"[]"))
    return set(map(os.fsencode, names))

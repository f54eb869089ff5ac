"""Files of parts: drafted, listed by the manifest, named, deleted.

Killed in between, a run leaves drafts: those that the manifest lists, by their digests, the next
run names, and deletes the others. No file of another program is replaced or deleted.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from fastphash.base.system import sync_folder
from fastphash.files import atomic, parquet
from fastphash.files.digest import hex_digest_of
from fastphash.files.exclusive_rename import drop_placeholder, give_name
from fastphash.store.store import PART_FILES, Part, Store

_DRAFTS = f"_{PART_FILES}*"


def draft_part(store: Store, table: pa.Table, name: str) -> tuple[Part, Path]:
    """Write rows to a draft, which is to become a part of this name."""
    draft = parquet.write_draft(store.path / name, table)
    splits = sorted(parquet.count_values(table["split"]))
    return Part(name, table.num_rows, hex_digest_of(draft), splits), draft


def name_part(store: Store, part: Part, draft: Path) -> None:
    """Give the draft of a listed part its name, or the next one if another file has it."""
    while True:
        try:
            give_name(os.fsencode(draft), os.fsencode(store.part_path(part)))
            break
        except FileExistsError:
            part.name = store.new_part_name()
            store.save()
    sync_folder(store.path)


def list_drafts(store: Store, drafts: Sequence[tuple[Part, Path]]) -> None:
    """Save a manifest with drafts as the last parts, and give them their names."""
    store.parts += [part for part, _ in drafts]
    store.save()
    for part, draft in drafts:
        name_part(store, part, draft)


def drop_parts(
    store: Store, parts: Sequence[Part], replacement: tuple[Part, Path] | None = None
) -> None:
    """Save a manifest without some parts, with a draft in their place, and delete their files."""
    first = store.parts.index(parts[0])
    store.former = {part.name: _digest(store, part.name) for part in parts}
    if replacement:
        store.parts.insert(first, replacement[0])
    store.parts = [part for part in store.parts if part not in parts]
    store.save()
    if replacement:
        name_part(store, *replacement)
    delete_former(store)


def delete_former(store: Store) -> None:
    """Delete the files of former parts, as long as nothing else is in their place."""
    for name, digest in store.former.items():
        if digest and _digest(store, name) == digest:
            (store.path / name).unlink()
    store.former = {}


def name_drafts(store: Store) -> None:
    """Name the drafts of parts that the manifest lists already."""
    listed = {part.digest: part for part in store.parts}
    for draft in filter(atomic.is_leftover, store.path.glob(_DRAFTS)):
        part = listed.get(hex_digest_of(draft))
        if part and _digest(store, part.name) != part.digest:
            drop_placeholder(os.fsencode(draft), os.fsencode(store.part_path(part)))
            name_part(store, part, draft)


def _digest(store: Store, name: str) -> str:
    """Digest of a file, in hex; empty if it can't be read."""
    try:
        return hex_digest_of(store.path / name)
    except OSError:
        return ""

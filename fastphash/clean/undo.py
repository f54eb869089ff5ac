"""Undo a move: put every moved image back in its old place."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from fastphash.base.progress import Progress, no_progress
from fastphash.clean.journal import JOURNAL, read_journal, settle_entry
from fastphash.clean.made_folders import made_folders, remove_empty
from fastphash.clean.outcome import Applied, Skipped
from fastphash.errors import FastphashError, UsageError
from fastphash.files import parquet
from fastphash.files.atomic import drafts_of, remove_drafts
from fastphash.files.durable_move import move_file
from fastphash.files.own_names import FolderNames
from fastphash.store.lock import locked


def undo_moves(folder: Path, progress: Progress = no_progress) -> Applied:
    """Move back every file that `move_aside` moved for an audit; overwrite nothing.

    Raises
    ------
    UsageError
        Nothing was moved.
    """
    path = folder / JOURNAL
    if not path.exists():
        if drafts_of(path):
            # a run was killed while it wrote its first journal
            with locked(folder):
                remove_drafts(path)
        raise UsageError(f"nothing was moved for the audit in {str(folder)!r}")
    with locked(folder):
        remove_drafts(path)
        journal = read_journal(path)
        entries = journal.to_pylist()
        applied = Applied()
        failed = []
        names = FolderNames()
        # in reverse order: a file comes back before the links to it
        for i, entry in reversed(list(enumerate(entries))):
            progress("moving back", len(entries) - i, len(entries))
            name = entry["path_bytes"] or entry["path"].encode()
            counts = applied.sidecars if entry["sidecar"] else applied
            counts.planned += 1
            move = partial(_move_back, entry, names)
            if not counts.attempt(move, partial(Skipped, entry["split"], name)):
                failed.append(i)
        remove_empty(made_folders(journal))
        if failed:
            parquet.write_table(path, journal.take(pa.array(failed[::-1])))
        else:
            path.unlink()
    return applied


def _move_back(entry: dict[str, Any], names: FolderNames) -> bool:
    """Move one file back; False if an earlier run did."""
    moved_to, back = entry["to"], entry["from"]
    settle_entry(back, moved_to, entry["digest"], names)
    # letter by letter: where case is folded, another file's name may seem to be this one's
    moved = moved_to in names and move_file(moved_to, back, entry["digest"])
    if not moved and not os.path.lexists(back):
        raise FastphashError("neither in its old place nor where it was moved")
    return moved

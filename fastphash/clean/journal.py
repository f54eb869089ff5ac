"""moved.parquet: where each file is moved, written before the first file is moved.

While a file is moved it has neither name for a moment; `own_names.taken_name` says which it has.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from fastphash.clean.made_folders import made_folders, with_made_folders
from fastphash.clean.outcome import Skipped
from fastphash.errors import FastphashError
from fastphash.files import parquet
from fastphash.files.atomic import remove_drafts
from fastphash.files.durable_move import settle_move
from fastphash.files.own_names import FolderNames, leftovers_of
from fastphash.files.parquet import NAME_TYPE
from fastphash.store.schema import exact_paths, path_columns

JOURNAL = "moved.parquet"
#: A row for each file to be moved; `from` and `to` are absolute names.
JOURNAL_SCHEMA = pa.schema(
    [
        ("split", NAME_TYPE),
        ("path", pa.string()),
        ("path_bytes", pa.binary()),
        ("from", pa.binary()),
        ("to", pa.binary()),
        ("digest", pa.binary(16)),
        ("sidecar", pa.bool_()),
    ]
)
_NULLABLE = ("path_bytes", "sidecar")
_BY_HAND = "it lists what was moved where: put it back from a backup, or move by hand"


class Move(NamedTuple):
    """A row of the journal: an image, or a file that belongs to one, such as its labels."""

    split: str
    path: bytes
    source: bytes
    target: bytes
    digest: bytes
    sidecar: bool = False

    def skipped(self, why: str) -> Skipped:
        """The file stays as it is, and why."""
        return Skipped(self.split, self.path, why)


def read_journal(path: Path) -> pa.Table:
    """The moves in a journal: JOURNAL_SCHEMA; StoreError if it is damaged."""
    needed = [name for name in JOURNAL_SCHEMA.names if name not in _NULLABLE]
    table = parquet.read_fitting(
        path, JOURNAL_SCHEMA, advice=_BY_HAND, needed=needed, optional=("sidecar",)
    )
    if "sidecar" not in table.column_names:  # of an earlier version
        table = table.append_column(
            JOURNAL_SCHEMA.field("sidecar"), pa.nulls(len(table), pa.bool_())
        )
    return table


def read_destinations(folder: Path) -> dict[tuple[str, bytes], bytes]:
    """The new name of each image in an audit's journal, by split and path."""
    path = folder / JOURNAL
    if not path.exists():
        return {}
    table = read_journal(path)
    splits = table["split"].cast(pa.string()).to_pylist()
    paths = exact_paths(table).to_pylist()
    return dict(zip(zip(splits, paths, strict=True), table["to"].to_pylist(), strict=True))


def write_journal(folder: Path, moves: Sequence[Move], made: set[bytes]) -> None:
    """Add moves to an audit's journal, after those of earlier runs; a repeated one is listed once.

    A move of other bytes between the same names is another move: both files must come back.
    `made` are the folders that the moves make.
    """
    table = _as_table(moves)
    path = folder / JOURNAL
    if path.exists():
        journal = read_journal(path)
        made = made | made_folders(journal)
        table = parquet.concat(JOURNAL_SCHEMA, [_without(journal, table), table])
    if table.num_rows:
        parquet.write_table(path, with_made_folders(table, made))


def forget_moves(folder: Path, stayed: Sequence[Move]) -> None:
    """Remove moves that were not made from an audit's journal."""
    if not stayed:
        return
    path = folder / JOURNAL
    journal = read_journal(path)
    left = _without(journal, _as_table(stayed))
    if left.num_rows:
        parquet.write_table(path, left)
    else:
        path.unlink()


def settle_moves(folder: Path) -> None:
    """Finish or take back the moves in an audit's journal that a killed run left half done.

    What can't be settled stays as it is; moving it, or moving it back, says why. Nobody else may
    write the journal meanwhile.
    """
    path = folder / JOURNAL
    remove_drafts(path)
    if not path.exists():
        return
    table = read_journal(path).select(["from", "to", "digest"])
    names = FolderNames()
    for source, target, digest in zip(*(c.to_pylist() for c in table.columns), strict=True):
        with contextlib.suppress(FastphashError, OSError):
            settle_entry(source, target, digest, names)


def settle_entry(source: bytes, target: bytes, digest: bytes, names: FolderNames) -> None:
    """Finish or take back one move, or the move back; errors as `settle_move`."""
    if not (names.has_own_beside(source) or names.has_own_beside(target)):
        return
    for old, new in ((source, target), (target, source)):
        taken, copies = leftovers_of(old, new, digest)
        if any(name in names for name in (taken, *copies)):
            settle_move(old, new, digest)
            names.forget(old)
            names.forget(new)


def _as_table(moves: Sequence[Move]) -> pa.Table:
    text, exact = path_columns([move.path for move in moves])
    columns = [
        pa.array([move.split for move in moves], pa.string()),
        text,
        exact,
        pa.array([move.source for move in moves], pa.binary()),
        pa.array([move.target for move in moves], pa.binary()),
        pa.array([move.digest for move in moves], pa.binary(16)),
        pa.array([move.sidecar for move in moves], pa.bool_()),
    ]
    return pa.table(columns, JOURNAL_SCHEMA.names).cast(JOURNAL_SCHEMA)


def _without(journal: pa.Table, moves: pa.Table) -> pa.Table:
    """The journal without some moves: a move is its two names and its bytes."""
    listed = set(_keys(moves))
    return journal.filter(pa.array([key not in listed for key in _keys(journal)], pa.bool_()))


def _keys(moves: pa.Table) -> list[tuple[bytes, ...]]:
    return list(zip(*(moves[name].to_pylist() for name in ("from", "to", "digest")), strict=True))

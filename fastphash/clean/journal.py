"""moved.parquet: where each file is moved, written before the first file is moved.

While a file is moved it has neither name for a moment; `own_names.taken_name` says which it has.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.made_folders import made_folders, with_made_folders
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
    ]
)
_BY_HAND = "it lists what was moved where: put it back from a backup, or move by hand"


def read_journal(path: Path) -> pa.Table:
    """The moves in a journal: JOURNAL_SCHEMA; StoreError if it is damaged."""
    needed = [name for name in JOURNAL_SCHEMA.names if name != "path_bytes"]
    return parquet.read_fitting(path, JOURNAL_SCHEMA, advice=_BY_HAND, needed=needed)


def read_destinations(folder: Path) -> dict[tuple[str, bytes], bytes]:
    """The new name of each image in an audit's journal, by split and path."""
    path = folder / JOURNAL
    if not path.exists():
        return {}
    table = read_journal(path)
    splits = table["split"].cast(pa.string()).to_pylist()
    paths = exact_paths(table).to_pylist()
    return dict(zip(zip(splits, paths, strict=True), table["to"].to_pylist(), strict=True))


def write_journal(
    plan: CheckedPlan, rows: list[int], destinations: list[bytes], made: set[bytes]
) -> None:
    """Add moves to the journal, after the moves of earlier runs; a repeated move is listed once.

    A move of other bytes between the same names is another move: both files must come back.
    `made` are the folders that the moves make.
    """
    moves = _moves(plan, rows, destinations)
    path = plan.audited.folder / JOURNAL
    if path.exists():
        journal = read_journal(path)
        made = made | made_folders(journal)
        moves = parquet.concat(JOURNAL_SCHEMA, [_without(journal, moves), moves])
    if moves.num_rows:
        parquet.write_table(path, with_made_folders(moves, made))


def forget_moves(plan: CheckedPlan, stayed: Mapping[int, bytes]) -> None:
    """Remove moves that were not made from the journal: destinations by row."""
    if not stayed:
        return
    path = plan.audited.folder / JOURNAL
    journal = read_journal(path)
    left = _without(journal, _moves(plan, list(stayed), list(stayed.values())))
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


def _moves(plan: CheckedPlan, rows: list[int], destinations: list[bytes]) -> pa.Table:
    text, exact = path_columns([plan.paths[row] for row in rows])
    columns = [
        pa.array([plan.splits[row] for row in rows], pa.string()),
        text,
        exact,
        pa.array([plan.file(row) for row in rows], pa.binary()),
        pa.array(destinations, pa.binary()),
        pa.array([plan.digests[row] for row in rows], pa.binary(16)),
    ]
    return pa.table(columns, JOURNAL_SCHEMA.names).cast(JOURNAL_SCHEMA)


def _without(journal: pa.Table, moves: pa.Table) -> pa.Table:
    """The journal without some moves: a move is its two names and its bytes."""
    listed = set(_keys(moves))
    return journal.filter(pa.array([key not in listed for key in _keys(journal)], pa.bool_()))


def _keys(moves: pa.Table) -> list[tuple[bytes, ...]]:
    return list(zip(*(moves[name].to_pylist() for name in ("from", "to", "digest")), strict=True))

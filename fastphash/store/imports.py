"""Hash files of other tools to stores."""

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.errors import StoreError, UsageError
from fastphash.files import atomic, parquet
from fastphash.hashing.algorithms import ALGORITHMS, Algorithm
from fastphash.hashing.definition import Definition
from fastphash.hashing.hexadecimal import from_hex
from fastphash.sources.splits import check_split
from fastphash.store.create import check_new, create_store
from fastphash.store.hash_decoder import decode_piece, decoder_for, quality_values, shown_value
from fastphash.store.hash_files import (
    algorithms_of,
    choose_algorithms,
    decode_column,
    definition_of_file,
    hash_tables,
    is_document,
)
from fastphash.store.part_files import draft_part, list_drafts
from fastphash.store.schema import REJECTED_SCHEMA, Layout, exact_paths, path_columns
from fastphash.store.store import Part, Store

#: Orientations that the paper's ``compute_hashes_augmented.py`` writes, in its order.
PAPER_ORIENTATIONS = (0, 1, 2, 3, 4, 5)
# rows of a part, which are in memory at the same time
_PART_ROWS = 1 << 20


class Imported(NamedTuple):
    """What became of a file of hashes.

    Attributes
    ----------
    rows : int
        Rows written.
    algorithms : list of str
        Those whose hashes the store has.
    left : list of str
        Those of which the file has hashes, too.
    """

    rows: int
    algorithms: list[str]
    left: list[str]


def import_hashes(
    path: Path,
    out: Path,
    *,
    split: str | None = None,
    definition: Definition | None = None,
    columns: Mapping[str, str] | None = None,
    algorithms: Sequence[str] = (),
    progress: Progress = no_progress,
) -> Imported:
    """Make a store of a file of hashes, some rows at a time.

    Parameters
    ----------
    path : Path
        A table with path and hashes (Parquet, CSV with a header, or JSON lines); lines of PDQ, as
        of `read_pdq_lines`; or JSON: imagededup's ``{name: hex digits}``, or that of the paper,
        ``[{"image_name": str, "hash": hex digits}, ...]``, with one entry for each image, or six
        for its orientations.
    out : Path
        A new store. Rows without a path, or without one of the hashes, are its rejected inputs.
    split : str, optional
        Name of the split; by default those of the table, or else the name of the file.
    definition : Definition, optional
        How the hashes were made, as the user knows; by default what the kind of file tells.
    columns : mapping of str to str, optional
        Names of the table's columns where they aren't ours: see `hash_tables`.
    algorithms : sequence of str
        Those of the hashes that the store gets, of a table perhaps several; by default one: that of
        `definition`, or the first that the file has.
    progress : Progress
        Called as ``progress("converting", rows, 0)``.

    Returns
    -------
    Imported

    Raises
    ------
    StoreError
        The file has none of these forms, or no row of the first ones has a hash.
    UsageError
        `out` exists, a name can't be a split's, or the file has no such hashes.
    """
    check_new(out)
    columns = columns or {}
    known = definition_of_file(path) if definition is None else definition
    names = choose_algorithms(path, columns, algorithms, known.algorithm)
    left = [name for name in algorithms_of(path, columns, names[0]) if name not in names]
    definition = _definition_of(path, known, names)
    chosen = [ALGORITHMS[name] for name in names]
    rows = _ImportedRows(path, split, chosen)
    tables = map(rows.read, _tables(path, columns, names))
    # what is wrong with a file as a whole shows before there is a store
    first = next(tables)
    turned = any(not {*first.column_names}.isdisjoint(one.columns[1:]) for one in chosen)
    layout = Layout(turned, thumbnails=False, further=tuple(names[1:]))
    store = create_store(out, definition, layout, rows.splits)
    written = _write_rows(store, rows, itertools.chain([first], tables), progress)
    return Imported(written, names, left)


def _write_rows(
    store: Store, rows: "_ImportedRows", tables: Iterable[pa.Table], progress: Progress
) -> int:
    """Fill a new store with what is read of a file; returns how many rows it has."""
    drafts = _draft_parts(store, tables, progress)
    store.write_rejected(rows.rejected_table())
    store.roots = dict.fromkeys(rows.splits, "")
    # all at once: killed or ended by a bad row before, it leaves nothing but drafts
    list_drafts(store, drafts)
    store.unfinished = []
    store.save()
    return sum(part.rows for part, _ in drafts)


def _definition_of(path: Path, known: Definition, names: Sequence[str]) -> Definition:
    """How the hashes of these algorithms were made, the first of which are the store's first.

    UsageError if what the user vouches for makes none of them.
    """
    for name in names:
        found = replace(known, algorithm=name)
        if known.source == "imagehash" and found.maker != known.maker:
            raise UsageError(f"{path}: {name} is made by {found.maker}, not by {known.maker}")
    return replace(known, algorithm=names[0])


def _draft_parts(
    store: Store, tables: Iterable[pa.Table], progress: Progress
) -> list[tuple[Part, Path]]:
    """Write a draft of a part for each table with rows."""
    drafts: list[tuple[Part, Path]] = []
    names, written = store.new_part_names(), 0
    for table in tables:
        if table.num_rows:
            drafts.append(draft_part(store, _whole_rows(store, table), next(names)))
        written += table.num_rows
        progress("converting", written, 0)
    return drafts


def _whole_rows(store: Store, table: pa.Table) -> pa.Table:
    """Rows with all columns of a store; what they don't have is null."""
    full = {name: pa.nulls(table.num_rows) for name in store.schema.names}
    full |= {name: table[name] for name in table.column_names}
    return pa.table(full).cast(store.schema)


def _tables(
    path: Path, columns: Mapping[str, str], algorithms: Sequence[str]
) -> Iterator[pa.Table]:
    """The rows of a file as it has them, a table for each part of the store; one at least."""
    if is_document(path) and isinstance(document := atomic.read_json(path), list):
        yield pa.table(_paper_columns(path, document, ALGORITHMS[algorithms[0]]))
        return
    waiting: list[pa.Table] = []
    for table in hash_tables(path, columns, algorithms):
        waiting.append(table)
        if sum(one.num_rows for one in waiting) >= _PART_ROWS:
            yield pa.concat_tables(waiting, promote_options="permissive")
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting, promote_options="permissive")


class _ImportedRows:
    """Makes rows of a store of a file's rows, and keeps those that have no hash.

    Attributes
    ----------
    splits : list of str
        Names of the splits of all rows read so far.
    """

    def __init__(self, path: Path, split: str | None, algorithms: Sequence[Algorithm]) -> None:
        self.splits: list[str] = []
        self._path = path
        self._split = split
        self._algorithms = algorithms
        self._decoders = {
            name: decoder_for(path, one) for one in algorithms for name in one.columns
        }
        self._rejected: list[pa.Table] = []
        self._read = 0

    def read(self, table: pa.Table) -> pa.Table:
        """The rows with path and hashes; StoreError if none has, or a column can't be read."""
        rows = pa.table(self._names(table) | self._hashes(table))
        known = rows["path"].is_valid()
        for one in self._algorithms:
            known = pc.and_(known, rows[one.name].is_valid())
        without = np.flatnonzero(~known.to_numpy())
        if without.size:
            lacking = rows.take(without)
            reasons = self._reasons(table, without, lacking)
            if without.size == table.num_rows and not self._read:
                name = self._lacks(lacking, 0).name
                raise StoreError(
                    f"{self._path}: column {name!r}: no row has a path and a hash; row 1: "
                    f"{reasons[0]}"
                )
            self._reject(lacking, without + self._read + 1, reasons)
        self._read += table.num_rows
        return rows.filter(known)

    def _hashes(self, table: pa.Table) -> dict[str, Any]:
        """The columns of hashes and of qualities; null where there is none."""
        columns: dict[str, Any] = {}
        upright = [one.name for one in self._algorithms]
        for name in set(self._decoders) & set(table.column_names):
            decoder = self._decoders[name]
            if name in upright:
                columns[name] = decode_piece(decoder, table, name, self._path)
                continue
            columns[name] = decode_column(
                table, name, self._path, optional=True, decoder=decoder, rows_before=self._read
            )
        for name in filter(None, (one.quality_column for one in self._algorithms)):
            if name in table.column_names:
                columns[name] = quality_values(table[name])
        return columns

    def rejected_table(self) -> pa.Table:
        """The rows without a hash, by `REJECTED_SCHEMA`."""
        return parquet.concat(REJECTED_SCHEMA, self._rejected)

    def _names(self, table: pa.Table) -> dict[str, Any]:
        """The columns split, path and, if there is one, path_bytes."""
        own = self._split is None and "split" in table.column_names
        wanted = {"path": pa.string(), **({"split": pa.string()} if own else {})}
        columns: dict[str, Any] = {}
        for name, kind in wanted.items():
            what = f"{self._path}: column {name!r}"
            columns[name] = parquet.fit(table[name], kind, what, "make the file again")
            if name == "path":
                # an empty cell of CSV is text without characters
                columns[name] = pc.if_else(pc.equal(columns[name], ""), None, columns[name])
            elif columns[name].null_count:
                row = self._read + int(np.flatnonzero(columns[name].is_null())[0]) + 1
                raise StoreError(f"{what} has rows without a value, the first is row {row:,}")
        if "path_bytes" in table.column_names:
            what = f"{self._path}: column 'path_bytes'"
            columns["path_bytes"] = parquet.fit(
                table["path_bytes"], pa.binary(), what, "leave it out"
            )
        names = parquet.count_values(columns["split"]) if own else [self._split or self._path.stem]
        self.splits += [check_split(name) for name in names if name not in self.splits]
        if not own:
            columns["split"] = pa.repeat(pa.scalar(self.splits[0]), table.num_rows)
        return columns

    def _lacks(self, rows: pa.Table, row: int) -> Algorithm:
        """The first algorithm of which a row has no hash; the first of all if it has them."""
        lacking = (one for one in self._algorithms if not rows[one.name][row].is_valid)
        return next(lacking, self._algorithms[0])

    def _reasons(self, table: pa.Table, rows: NDArray[np.int64], read: pa.Table) -> list[str]:
        """Why some rows of a table are rejected; `read` is what was read of them."""
        values = {one.name: table[one.name] for one in self._algorithms}
        reasons = []
        for i, (row, path) in enumerate(zip(rows.tolist(), exact_paths(read), strict=True)):
            lacking = self._lacks(read, i)
            which = f"{lacking.name}: " if len(self._algorithms) > 1 else ""
            reason = which + shown_value(values[lacking.name][row], lacking.bits)
            reasons.append(reason if path.is_valid else "without a path")
        return reasons

    def _reject(self, rows: pa.Table, numbers: NDArray[np.int64], reasons: list[str]) -> None:
        """Keep rows without a path or a hash; `numbers` are theirs in the file, from 1."""
        exact = exact_paths(rows).to_pylist()
        path, path_bytes = path_columns(
            [
                b"row %d" % number if name is None else name
                for name, number in zip(exact, numbers.tolist(), strict=True)
            ]
        )
        columns = [rows["split"], path, path_bytes, ["read"] * len(reasons), reasons]
        columns = [pa.array(column) if isinstance(column, list) else column for column in columns]
        self._rejected.append(pa.table(columns, REJECTED_SCHEMA.names).cast(REJECTED_SCHEMA))


def _paper_columns(path: Path, entries: list[Any], algorithm: Algorithm) -> dict[str, Any]:
    """The columns path, path_bytes and hashes, as hex digits, of the paper's JSON."""
    hashes: dict[str, list[str]] = {}
    for i, entry in enumerate(entries):
        name, digits = _paper_entry(entry, algorithm)
        if name is None or digits is None:
            raise StoreError(
                f"{path}: entry {i} is not an image_name and a hash of {algorithm.bits // 4} hex "
                f"digits: {str(entry)[:80]}"
            )
        hashes.setdefault(name, []).append(digits)
    times = {name: len(values) for name, values in hashes.items()}
    usual = len(PAPER_ORIENTATIONS) if max(times.values(), default=1) > 1 else 1
    for name, number in times.items():
        if number != usual:
            raise StoreError(
                f"{path}: {name!r} is named {number} times; every image must be named once, or "
                f"{len(PAPER_ORIENTATIONS)} times (its orientations)"
            )
    paths, exact = path_columns([os.fsencode(name) for name in hashes])
    columns: dict[str, Any] = {"path": paths, "path_bytes": exact}
    for column, orientation in enumerate(PAPER_ORIENTATIONS[:usual]):
        texts = [values[column] for values in hashes.values()]
        columns[algorithm.columns[orientation]] = pa.array(texts, pa.string())
    return columns


def _paper_entry(entry: Any, algorithm: Algorithm) -> tuple[str | None, str | None]:
    """Name and hash of an entry, each None if it is invalid."""
    if not isinstance(entry, dict):
        return None, None
    name, digits = entry.get("image_name"), entry.get("hash")
    if not isinstance(name, str) or not isinstance(digits, str):
        return None, None
    try:
        from_hex(digits, bits=algorithm.bits)
    except UsageError:
        return name, None
    return name, digits

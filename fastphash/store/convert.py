"""Other tools' hash files to and from stores."""

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fastphash.errors import StoreError, UsageError
from fastphash.files import atomic, parquet
from fastphash.hashing.definition import HASH_COLUMNS, Definition
from fastphash.hashing.hexadecimal import from_hex, to_hex
from fastphash.sources.splits import check_split
from fastphash.store.create import create_store
from fastphash.store.open import read_hashes
from fastphash.store.rows import NEEDLE_ROW, HashTable
from fastphash.store.schema import Layout, path_columns, store_schema

#: Orientations that the paper's ``compute_hashes_augmented.py`` writes, in its order.
PAPER_ORIENTATIONS = (0, 1, 2, 3, 4, 5)
# rows whose names are held as text at the same time
_ROWS_AT_ONCE = 1 << 16
_NO_MATCHES: tuple[int, list[str]] = (-1, [])


def import_hashes(
    path: Path, out: Path, *, split: str | None = None, definition: Definition
) -> int:
    """Make a store of the paper's JSON, or of a Parquet file with the columns path and phash.

    Parameters
    ----------
    path : Path
        JSON is ``[{"image_name": str, "hash": 16 hex digits}, ...]``, with one entry for each
        image or six, which are the orientations of the paper's augmented tables.
    out : Path
        A new store.
    split : str, optional
        Name of the split; by default those of the Parquet file, or else the name of the file.
    definition : Definition
        How the hashes were made, as far as it is known.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    StoreError
        The file has neither form.
    UsageError
        `out` exists, or the name can't be a split's.
    """
    columns = _paper_columns(path) if path.suffix.lower() == ".json" else _parquet_columns(path)
    rows = len(columns["path"])
    stored = columns.pop("split", None)
    splits = stored if stored and split is None else [split or path.stem] * rows
    names = list(dict.fromkeys(splits)) or [split or path.stem]
    for name in names:
        check_split(name)
    orientations = any(name in columns for name in HASH_COLUMNS[1:])
    layout = Layout(orientations=orientations, thumbnails=False)
    full = {**columns, "split": pa.array(splits, pa.string()).dictionary_encode()}
    schema = store_schema(definition, layout)
    table = pa.table({name: full.get(name, pa.nulls(rows)) for name in schema.names}).cast(schema)
    store = create_store(out, definition, layout, names)
    if rows:
        store.parts.append(store.write_part(table, store.new_part_name()))
    store.roots = dict.fromkeys(names, "")
    store.unfinished = []
    store.save()
    return rows


def export_hashes(
    rows: HashTable, out: Path, *, augmented: bool = False, overwrite: bool = True
) -> int:
    """Write the paper's JSON, with one entry for each image or, if augmented, six.

    Returns
    -------
    int
        Entries written.

    Raises
    ------
    UsageError
        Augmented, and the rows have no hashes in other orientations. Or, without `overwrite`,
        `out` exists in the end.
    """
    wanted = PAPER_ORIENTATIONS if augmented else (0,)
    if not set(wanted) <= set(rows.known):
        raise UsageError("these rows have no hashes of rotated and mirrored images")
    names = file_names(rows.table)
    entries = (
        {"image_name": name, "hash": to_hex(hashes[t])}
        for name, hashes in zip(names, rows.phashes, strict=True)
        for t in wanted
    )
    return atomic.write_json_array(out, entries, overwrite=overwrite)


def paper_matches(needles: HashTable, pairs: Iterable[pa.Table]) -> Iterator[dict[str, Any]]:
    """The paper's ``compare_hashes.py`` output: an entry for every needle, matched or not.

    Parameters
    ----------
    needles : HashTable
    pairs : iterable of pyarrow.Table
        With columns NEEDLE_ROW, ascending over all tables, and those of the haystack's names.
    """
    matches = _matches_by_needle(pairs)
    row, names = next(matches, _NO_MATCHES)
    for number, (name, phash) in enumerate(_names_and_hashes(needles)):
        duplicates: list[str] = []
        while row == number:
            duplicates += names
            row, names = next(matches, _NO_MATCHES)
        yield {
            "needle_image_name": name,
            "needle_image_hash": phash,
            "duplicates_in_haystack": duplicates,
        }


def _names_and_hashes(rows: HashTable) -> Iterator[tuple[str, str]]:
    """Name and upright hash of each row."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        names = file_names(rows.table.slice(start, _ROWS_AT_ONCE))
        yield from zip(names, to_hex(rows.phashes[some, 0]), strict=True)


def _matches_by_needle(pairs: Iterable[pa.Table]) -> Iterator[tuple[int, list[str]]]:
    """Row of a needle, and names of haystack images; a needle may come in several parts."""
    for table in pairs:
        names = file_names(table, "haystack_")
        rows = table[NEEDLE_ROW].to_numpy()
        cuts = [0, *(np.flatnonzero(np.diff(rows)) + 1).tolist(), rows.size]
        for start, stop in itertools.pairwise(cuts):
            if start < stop:
                yield int(rows[start]), names[start:stop]


def paper_groups(rows: HashTable, groups: pa.Table) -> dict[str, list[str]]:
    """The paper's ``inspect_hashes.py`` output: every image but the copies, with its copies.

    Raises
    ------
    UsageError
        Two splits have images of one name, which the format can't tell apart.
    """
    names = file_names(rows.table)
    repeated, times = Counter(names).most_common(1)[0] if names else ("", 0)
    if times > 1:
        raise UsageError(f"{repeated!r} is in two splits, which this format can't hold: group one")
    grouped = file_names(groups)
    copies: dict[str, list[str]] = {}
    keeper = ""
    for name, role in zip(grouped, groups["role"].to_pylist(), strict=True):
        if role == "keeper":
            keeper = name
            copies[keeper] = []
        else:
            copies[keeper].append(name)
    all_copies = set(grouped) - copies.keys()
    return {name: copies.get(name, []) for name in names if name not in all_copies}


def file_names(table: pa.Table, side: str = "") -> list[str]:
    """Names as text, with surrogate escapes for bytes that aren't UTF-8."""
    paths: list[str] = table[f"{side}path"].to_pylist()
    if f"{side}path_bytes" not in table.column_names:
        return paths
    exact = table[f"{side}path_bytes"].to_pylist()
    pairs = zip(paths, exact, strict=True)
    return [path if name is None else os.fsdecode(name) for path, name in pairs]


def _parquet_columns(path: Path) -> dict[str, Any]:
    table = read_hashes(str(path)).table
    columns: dict[str, Any] = {}
    for name in ("path", "path_bytes", *HASH_COLUMNS):
        if name in table.column_names:
            kind = {"path": pa.string(), "path_bytes": pa.binary()}.get(name, pa.uint64())
            try:
                columns[name] = table[name].cast(kind)
            except pa.ArrowException as error:
                raise StoreError(f"{path}: column {name!r} can't be read as {kind}") from error
    if "split" in parquet.read_schema(path).names:
        columns["split"] = table["split"].to_pylist()
    return columns


def _paper_columns(path: Path) -> dict[str, Any]:
    entries = atomic.read_json(path)
    if not isinstance(entries, list):
        raise StoreError(f"{path} is not a JSON list of image_name and hash")
    hashes: dict[str, list[int]] = {}
    for i, entry in enumerate(entries):
        name, digits = _paper_entry(entry)
        if name is None or digits is None:
            raise StoreError(
                f"{path}: entry {i} is not an image_name and a hash of sixteen hex digits: "
                f"{str(entry)[:80]}"
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
    matrix = np.array(list(hashes.values()), np.uint64).reshape(len(hashes), usual)
    paths, exact = path_columns([os.fsencode(name) for name in hashes])
    columns: dict[str, Any] = {"path": paths, "path_bytes": exact}
    for column, orientation in enumerate(PAPER_ORIENTATIONS[:usual]):
        columns[HASH_COLUMNS[orientation]] = pa.array(np.ascontiguousarray(matrix[:, column]))
    return columns


def _paper_entry(entry: Any) -> tuple[str | None, int | None]:
    """Name and hash of an entry, each None if it is invalid."""
    if not isinstance(entry, dict):
        return None, None
    name, digits = entry.get("image_name"), entry.get("hash")
    if not isinstance(name, str) or not isinstance(digits, str):
        return None, None
    try:
        return name, int(from_hex(digits))
    except UsageError:
        return name, None

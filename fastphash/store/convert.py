"""Stores, pairs and groups to the JSON of the paper's scripts."""

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fastphash.errors import UsageError
from fastphash.files import atomic
from fastphash.hashing.hexadecimal import to_hex
from fastphash.store.imports import PAPER_ORIENTATIONS
from fastphash.store.rows import NEEDLE_ROW, HashTable

# rows whose names are held as text at the same time
_ROWS_AT_ONCE = 1 << 16
_NO_MATCHES: tuple[int, list[str]] = (-1, [])


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
    names, bits = file_names(rows.table), rows.algorithm.bits
    entries = (
        {"image_name": name, "hash": to_hex(hashes[t], bits=bits)}
        for name, hashes in zip(names, rows.hashes, strict=True)
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
        yield from zip(names, to_hex(rows.hashes[some, 0], bits=rows.algorithm.bits), strict=True)


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

"""Tables of hashes as other programs write them, and which of their columns hold hashes."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastphash.base.text import listed
from fastphash.errors import StoreError, UsageError
from fastphash.files import atomic, table_formats
from fastphash.hashing.algorithms import ALGORITHMS, PDQ, PHASH
from fastphash.hashing.definition import FOREIGN, Definition
from fastphash.store.hash_decoder import HashDecoder, decode_piece, decoder_for, shown_value
from fastphash.store.schema import algorithms_in, check_algorithm, path_columns
from fastphash.store.threatexchange import has_pdq_lines, read_pdq_lines

#: Hashes of imagededup: its PHash takes another median than ImageHash's, and greys after resizing.
IMAGEDEDUP = replace(FOREIGN, name="imagededup")
#: Columns of hashes, by name, and the algorithm of each.
HASHES = {name: one for one in ALGORITHMS.values() for name in one.columns}
#: Columns of the qualities of hashes.
QUALITIES = tuple(one.quality_column for one in ALGORITHMS.values() if one.quality_column)
#: Columns whose names `columns` may say.
NAMED = ("path", "split", *HASHES, *QUALITIES)


def decode_column(
    table: pa.Table,
    name: str,
    path: Path,
    *,
    optional: bool,
    decoder: HashDecoder | None = None,
    rows_before: int = 0,
) -> pa.ChunkedArray:
    """A column of hashes, or the next piece of it; StoreError with the first that is none.

    A column that is `optional` may have nulls.
    """
    decoder = decoder or decoder_for(path, HASHES[name])
    hashes = decode_piece(decoder, table, name, path)
    unread = hashes.is_null()
    if optional:
        unread = pc.and_(unread, table[name].is_valid())
    wrong = np.flatnonzero(unread)
    if wrong.size:
        row = int(wrong[0])
        advice = "make the file again"
        if not optional:
            advice = "`fastphash convert` makes a store of the rows with hashes, and lists others"
        raise StoreError(
            f"{path}: column {name!r}, row {rows_before + row + 1:,}: "
            f"{shown_value(table[name][row], decoder.bits)}: {advice}"
        )
    return hashes


def choose_algorithms(
    path: Path,
    columns: Mapping[str, str],
    asked: Sequence[str] = (),
    first: str = PHASH.name,
) -> list[str]:
    """The algorithms whose hashes are read of a file: those that are asked for.

    By default one: the first of `algorithms_of`.

    Raises
    ------
    UsageError
        The file lacks hashes that are asked for.
    StoreError
        It has no column of hashes.
    """
    if is_document(path) and asked:
        if len(asked) > 1:
            raise UsageError(
                f"{path} holds one hash of each image: name one, not {listed([*asked])}"
            )
        return [*asked]
    has = algorithms_of(path, columns, first)
    for name in asked:
        check_algorithm(name, has, str(path))
    return [*asked] or has[:1]


def algorithms_of(path: Path, columns: Mapping[str, str], first: str = PHASH.name) -> list[str]:
    """The algorithms of which a file has hashes: the first that `columns` names before others.

    If that names none, `first` comes first. StoreError if the file has no column of hashes.
    """
    if is_document(path):
        # it holds hashes of one kind, and doesn't say which
        return [first]
    if has_pdq_lines(path):
        return [PDQ.name]
    there = _column_names(path, columns)
    taken = {*columns.values()}
    found = [name for name in there if name not in taken] + [*columns]
    first = next((name for name in columns if name in ALGORITHMS), first)
    has = algorithms_in(found, first)
    if not has:
        raise _without_column(path, first, there)
    return has


def hash_tables(
    path: Path, columns: Mapping[str, str], algorithms: Sequence[str]
) -> Iterator[pa.Table]:
    """The columns `NAMED` of a table of hashes as they are, some rows at a time; a table at least.

    Parameters
    ----------
    path : Path
        Parquet, CSV with a header, JSON lines, the JSON of imagededup, or lines of PDQ.
    columns : mapping of str to str
        Names in the file by names in `NAMED`, where they differ.
    algorithms : sequence of str
        Those whose hashes are read.

    Raises
    ------
    StoreError
        The file can't be read, is damaged or lacks a column.
    """
    if is_document(path):
        yield _read_document(path, algorithms[0])
        return
    if has_pdq_lines(path):
        yield from read_pdq_lines(path)
        return
    theirs = find_columns(path, columns, algorithms)
    ours = {name: own for own, name in theirs.items()}
    has_rows = False
    # as text: a name or a hash of digits is no number
    for table in table_formats.read_batches(path, list(ours), binary=list(ours)):
        has_rows = True
        yield table.rename_columns([ours[name] for name in table.column_names])
    if not has_rows:
        yield pa.table({name: pa.array([], pa.binary()) for name in theirs})


def find_columns(
    path: Path, columns: Mapping[str, str], algorithms: Sequence[str]
) -> dict[str, str]:
    """Which columns of `NAMED` a table has, and their names there; as of `hash_tables`."""
    there = _column_names(path, columns)
    taken = {*columns.values()}
    usual = ["path", "split"]
    for one in map(ALGORITHMS.__getitem__, algorithms):
        usual += [*one.columns, *([one.quality_column] if one.quality_column else [])]
    if table_formats.format_of(path) == "parquet":
        usual.append("path_bytes")
    found = {name: name for name in usual if name in there and name not in taken}
    found |= {own: name for own, name in columns.items() if own in usual}
    for name in ("path", *algorithms):
        if name not in found:
            raise _without_column(path, name, there)
    table_formats.check_distinct(path, [name for name in there if name in found.values()])
    return found


def _column_names(path: Path, columns: Mapping[str, str]) -> list[str]:
    """Names of the columns that a table has; StoreError unless those of `columns` are there."""
    there = table_formats.read_column_names(path)
    for own, name in columns.items():
        if name not in there:
            raise StoreError(
                f"{path} has no column {name!r}, which `columns` names as {own}: it has "
                f"{', '.join(there):.200}"
            )
    return there


def columns_there(path: Path, columns: Mapping[str, str]) -> dict[str, str]:
    """Those of `columns` that a table has; all, if its columns have no names."""
    if not columns or is_document(path) or has_pdq_lines(path):
        return dict(columns)
    there = table_formats.read_column_names(path)
    return {own: name for own, name in columns.items() if name in there}


def check_columns_there(paths: Sequence[Path], columns: Mapping[str, str]) -> None:
    """Raise UsageError if none of these tables has a column that `columns` names.

    What is wrong with one that can't be read is said when it is read.
    """
    found: set[str] = set()
    for path in paths:
        try:
            found.update(columns_there(path, columns))
        except StoreError:
            return
    for own, name in columns.items():
        if own not in found:
            tables = listed([repr(str(path)) for path in paths])
            raise UsageError(f"no column {name!r}, which `columns` names as {own}, in {tables}")


def _without_column(path: Path, name: str, there: list[str]) -> StoreError:
    has = "phash" if name == "path" else name
    return StoreError(
        f"{path} has no column {name!r}: a file of hashes has path and {has}. Name the columns "
        f"that hold them with `columns`; it has {', '.join(there):.200}"
    )


def is_document(path: Path) -> bool:
    """Whether a file is one JSON document, by its name."""
    return path.suffix.lower() == ".json"


def _read_document(path: Path, algorithm: str) -> pa.Table:
    hashes = atomic.read_json(path, hook=lambda pairs: _distinct(pairs, path))
    if not isinstance(hashes, dict):
        raise StoreError(
            f"{path} is not a JSON object of names and hashes, as imagededup writes, nor a list of "
            "image_name and hash, as the paper's scripts do: `fastphash convert` reads both"
        )
    try:
        names, exact = path_columns([os.fsencode(name) for name in hashes])
        texts = pa.array([text if isinstance(text, str) else None for text in hashes.values()])
    except UnicodeEncodeError as error:
        raise StoreError(f"{path}: {error.object[:80]!r} is no text of Unicode") from error
    return pa.table({"path": names, "path_bytes": exact, algorithm: texts.cast(pa.string())})


def _distinct(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    """An object of JSON; StoreError if it names an image twice."""
    images = dict(pairs)
    if len(images) < len(pairs):
        name, times = Counter(name for name, _ in pairs).most_common(1)[0]
        raise StoreError(
            f"{path}: {name!r:.80} is named {times:,} times; every image must be named once"
        )
    return images


def definition_of_file(path: Path) -> Definition:
    """What is known of hashes that nobody vouched for: which program wrote them, or nothing."""
    return IMAGEDEDUP if is_document(path) else FOREIGN


def check_columns(columns: Mapping[str, str]) -> None:
    """Raise UsageError unless all names are those of columns that a table of hashes may have.

    Each is to have a column of its own.
    """
    owners: dict[str, str] = {}
    for name, theirs in columns.items():
        if (owner := owners.setdefault(theirs, name)) != name:
            raise UsageError(f"column {theirs!r} can't be both {owner} and {name}: name another")
        if name not in NAMED:
            raise UsageError(
                f"no column {name!r} in a table of hashes: use path, split, or a hash "
                f"({', '.join(ALGORITHMS)}), perhaps of an orientation, as "
                f"{PHASH.columns[1]}; or {listed([*QUALITIES])}"
            )

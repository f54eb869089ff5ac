"""Tables of hashes, Parquet files and others, read as rows."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.errors import StoreError
from fastphash.files import parquet
from fastphash.files.table_formats import ENDINGS, check_distinct
from fastphash.hashing.algorithms import ALGORITHMS
from fastphash.hashing.definition import Definition
from fastphash.store.hash_decoder import quality_values
from fastphash.store.hash_files import (
    NAMED,
    QUALITIES,
    choose_algorithms,
    decode_column,
    definition_of_file,
    find_columns,
    hash_tables,
)
from fastphash.store.rows import HashTable
from fastphash.store.schema import CHROMA_BYTES, LAYERS, definition_of, hash_type
from fastphash.store.threatexchange import has_pdq_lines

# types of columns that are used; those of other tools have other types and are dropped
_TYPES = {
    **dict.fromkeys(QUALITIES, pa.uint8()),
    "digest": pa.binary(16),
    "thumbnail": pa.binary(THUMBNAIL_SIDE * THUMBNAIL_SIDE),
    "chroma": pa.binary(CHROMA_BYTES),
    "pixel_digest": pa.binary(16),
    **dict.fromkeys(LAYERS, pa.binary()),
}
_MAKE_AGAIN = "make the file again; a file of hashes needs path and phash only"
_INTEGERS = ("size", "width", "height", "multiframe", "frames")


def read_table_rows(path: Path, columns: Mapping[str, str], algorithm: str | None) -> HashTable:
    """The rows of a table: parameters and errors are those of `fastphash.store.open.read_hashes`.

    Without a column of splits, all are of one with the name of the file.
    """
    definition = definition_compared(path, columns, algorithm)
    rows = rows_of_table(_read_table(path, columns, definition.algorithm), path, definition)
    if is_parquet(path) and _has_columns(path, rows.table, definition):
        rows.file = path
    return rows


def definition_compared(
    path: Path, columns: Mapping[str, str], algorithm: str | None
) -> Definition:
    """How the hashes of a table were made that are compared; errors are those of `read_hashes`."""
    definition = _definition_of_file(path)
    asked = [algorithm] if algorithm else []
    (name,) = choose_algorithms(path, columns, asked, definition.algorithm)
    return replace(definition, algorithm=name)


def rows_of_table(table: pa.Table, path: Path, definition: Definition) -> HashTable:
    """Rows of a table, by the names of our columns, with those columns that can be used."""
    table = _with_qualities(table)
    if "split" not in table.column_names:
        names = pa.array([path.stem] * table.num_rows, pa.string())
        table = table.append_column("split", names)
    table = _fitting(table, path, definition)
    place = table.column_names.index("split")
    table = table.set_column(place, "split", table["split"].dictionary_encode())
    return HashTable(table, definition)


def _has_columns(path: Path, table: pa.Table, definition: Definition) -> bool:
    """Whether a Parquet file has the hashes of a table that was read from it, as they are."""
    stored = parquet.read_schema(path)
    kind = hash_type(ALGORITHMS[definition.algorithm])
    return all(
        stored.get_all_field_indices(name) and stored.field(name).type == kind
        for name in {*definition.columns} & {*table.column_names}
    )


def _definition_of_file(path: Path) -> Definition:
    """How the hashes of a file were made, as far as it says so."""
    if not is_parquet(path):
        return definition_of_file(path)
    return definition_of(parquet.read_schema(path).metadata, str(path))


def is_parquet(path: Path) -> bool:
    """Whether a table is a Parquet file, by its name and its first bytes."""
    ending = path.suffix.lower()
    return ending == ".parquet" or (ending not in ENDINGS and not has_pdq_lines(path))


def _read_table(path: Path, columns: Mapping[str, str], algorithm: str) -> pa.Table:
    """A table of hashes by the names of our columns; of Parquet files all are read."""
    if not is_parquet(path):
        tables = hash_tables(path, columns, [algorithm])
        return pa.concat_tables(tables, promote_options="permissive")
    table = parquet.read_table(path)
    named = used_columns(path, columns, algorithm)
    return table.select(list(named)).rename_columns(list(named.values()))


def used_columns(path: Path, columns: Mapping[str, str], algorithm: str) -> dict[str, str]:
    """The columns of a Parquet file that rows of hashes may have, and our names for them."""
    there = parquet.read_schema(path).names
    ours = dict(zip(there, there, strict=True))
    if columns:
        ours = {name: own for own, name in find_columns(path, columns, [algorithm]).items()}
        ours |= {name: name for name in there if name not in ours and name not in NAMED}
    used = {"path", "path_bytes", "split", "format", *_TYPES, *_INTEGERS}
    used |= {*ALGORITHMS[algorithm].columns}
    check_distinct(path, [ours[name] for name in there if ours.get(name) in used])
    return {name: ours[name] for name in there if ours.get(name) in used}


def _with_qualities(table: pa.Table) -> pa.Table:
    for name in set(QUALITIES) & set(table.column_names):
        place = table.column_names.index(name)
        table = table.set_column(place, name, quality_values(table[name]))
    return table


def _fitting(table: pa.Table, path: Path, definition: Definition) -> pa.Table:
    """The columns of a file that rows of hashes have, as they hold them; StoreError if they can't.

    What only helps, and is of no use as it is, is left out.
    """
    upright, *turned = definition.columns
    hashes = hash_type(ALGORITHMS[definition.algorithm])
    needed = {"path": pa.string(), upright: hashes, "split": pa.string()}
    if missing := [name for name in needed if name not in table.column_names]:
        raise StoreError(
            f"{path} has no column {missing[0]!r}: a file of hashes has path and {upright}. Name "
            "the columns that hold them with `columns`"
        )
    optional = {"path_bytes": pa.binary(), **dict.fromkeys(turned, hashes)}
    optional |= {f.name: pa.int64() for f in table.schema if _is_integer(f)}
    optional |= {f.name: pa.string() for f in table.schema if _is_format(f)}
    for name, kind in (needed | optional).items():
        if name not in table.column_names:
            continue
        if name in definition.columns:
            column = decode_column(table, name, path, optional=name in optional)
        else:
            column = parquet.fit(table[name], kind, f"{path}: column {name!r}", _MAKE_AGAIN)
        table = table.set_column(table.column_names.index(name), name, column)
        if name in needed and column.null_count:
            row = int(np.flatnonzero(column.is_null())[0]) + 1
            raise StoreError(
                f"{path}: column {name!r}, row {row:,}: without a value: `fastphash convert` makes "
                "a store of the rows with a path and a hash, and lists others"
            )
    known = {*needed, *optional, *_TYPES, *_INTEGERS}
    return table.select([f.name for f in table.schema if f.name in known and _has_known_type(f)])


def _is_integer(field: pa.Field) -> bool:
    return field.name in _INTEGERS and bool(pa.types.is_integer(field.type))


def _is_format(field: pa.Field) -> bool:
    """Whether a column is that of formats, and holds text."""
    kind = field.type
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return field.name == "format" and any(
        is_kind(plain)
        for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _has_known_type(field: pa.Field) -> bool:
    if field.name in _INTEGERS:
        return bool(pa.types.is_integer(field.type) or pa.types.is_boolean(field.type))
    return bool(field.type == _TYPES.get(field.name, field.type))

"""Stores, splits of stores and Parquet files of hashes, read as rows."""

import itertools
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastphash.base.text import listed
from fastphash.base.vocabulary import ORIENTATIONS, THUMBNAIL_SIDE, PassOrder
from fastphash.errors import DefinitionError, StoreError, UsageError
from fastphash.files import parquet
from fastphash.files.table_formats import ENDINGS, check_distinct
from fastphash.hashing.algorithms import ALGORITHMS
from fastphash.hashing.definition import Definition
from fastphash.images.sniff import EIGHT_BIT_FORMATS
from fastphash.images.thumbnail import SQUARE, vertical_first
from fastphash.store.hash_files import (
    NAMED,
    decode_column,
    definition_of_file,
    find_columns,
    hash_tables,
)
from fastphash.store.rows import STORE_ROW, HashTable
from fastphash.store.schema import (
    CHROMA_BYTES,
    LAYERS,
    REJECTED_SCHEMA,
    definition_of,
    hash_type,
)
from fastphash.store.store import Store, open_store, store_at

# columns that are read on demand, for the rows that are needed
_ON_DEMAND = ("thumbnail", "chroma", *LAYERS)
# types of columns that are used; those of other tools have other types and are dropped
_TYPES = {
    "digest": pa.binary(16),
    "thumbnail": pa.binary(THUMBNAIL_SIDE * THUMBNAIL_SIDE),
    "chroma": pa.binary(CHROMA_BYTES),
    "pixel_digest": pa.binary(16),
    **dict.fromkeys(LAYERS, pa.binary()),
}
_MAKE_AGAIN = "make the file again; a file of hashes needs path and phash only"
_INTEGERS = ("size", "width", "height", "multiframe", "frames")


_log = logging.getLogger(__name__)


def read_hashes(
    target: str, *, everything: bool = False, columns: Mapping[str, str] | None = None
) -> HashTable:
    """Rows of ``STORE[@SPLIT]`` or of a table with the columns path and phash.

    The folder of an audit stands for the store in it.

    Parameters
    ----------
    target : str
        Without a split, those that the last audit left out are not read; a warning names them.
    everything : bool
        Whether to read these too.
    columns : mapping of str to str, optional
        Names of a table's columns where they differ: those of the table by `path`, `phash` and so
        on. A store has its own.

    Raises
    ------
    UsageError
        Nothing there, or no such split.
    StoreError
        It holds no hashes, or is damaged.
    """
    path, split = _split_target(target)
    if path.is_file():
        return _read_file(path, split, columns or {})
    store = open_store(path)
    store.verify()
    if split is not None and split not in store.roots:
        raise UsageError(f"{path} has no split {split!r}: it has {', '.join(store.roots)}")
    table = parquet.concat(_read_schema(store), _read_parts(store, split))
    if split is None and store.left_out and not everything:
        table = _without_left_out(table, store)
    parquet.release_memory()
    return HashTable(table, store.definition, store)


def read_rejected(target: str) -> pa.Table:
    """Inputs of ``STORE[@SPLIT]`` that gave no hash: `REJECTED_SCHEMA`; none for a Parquet file.

    Errors are those of `read_hashes`.
    """
    path, split = _split_target(target)
    if path.is_file():
        return REJECTED_SCHEMA.empty_table()
    return _one_split(open_store(path).rejected(), split)


def same_rows(one: str, other: str) -> bool:
    """Whether two targets mean the same rows, however they are spelled."""
    a, b = _split_target(one), _split_target(other)
    return a[1] == b[1] and os.path.realpath(a[0]) == os.path.realpath(b[0])


def read_together(targets: list[str], columns: Mapping[str, str] | None = None) -> HashTable:
    """Rows of one or more stores or files as one table, in the order given.

    `columns` are those of `read_hashes`.

    Raises
    ------
    DefinitionError
        Their hashes were made in different ways.
    UsageError
        Two of them have a split of the same name.
    """
    tables = [read_hashes(target, columns=columns) for target in targets]
    if len(tables) == 1:
        return tables[0]
    owner: dict[str, str] = {}
    for target, hashes in zip(targets, tables, strict=True):
        for split in np.unique(hashes.splits.astype(str)).tolist():
            if split in owner:
                raise UsageError(f"both {owner[split]} and {target} have a split {split!r}")
            owner[split] = target
    for (one, a), (other, b) in itertools.combinations(zip(targets, tables, strict=True), 2):
        check_comparable(a, b)
        if a.columns != b.columns:
            raise DefinitionError(
                f"{one} and {other} keep different columns (orientations, thumbnails or digests): "
                "hash them alike to group them as one"
            )
    # a table reads thumbnails on demand from one store only
    full = [hashes.with_thumbnails().table for hashes in tables]
    table = pa.concat_tables(full, promote_options="permissive").unify_dictionaries()
    return HashTable(table, tables[0].definition)


def summarise_hashes(hashes: HashTable) -> dict[str, Any]:
    """Facts about rows of hashes: splits, definition, columns, and counts of unusual rows.

    A hash is unusual if the number of its ones isn't 32.
    """
    store = hashes.store
    rejected = store.rejected()["split"].to_pylist() if store else []
    roots = store.roots if store else {}
    names, counts = np.unique(hashes.splits.astype(str), return_counts=True)
    return {
        "splits": {
            name: {
                "images": count,
                "rejected": rejected.count(name),
                "root": roots.get(name, ""),
                "left_out": bool(store and name in store.left_out),
            }
            for name, count in zip(names.tolist(), counts.tolist(), strict=True)
        },
        "definition": str(hashes.definition),
        "orientations": [ORIENTATIONS[t] for t in hashes.known],
        "thumbnails": bool(store and store.layout.thumbnails),
        "multiframe": int(hashes.numbers("multiframe").sum()),
        "unusual_hashes": int((np.bitwise_count(hashes.phashes[:, 0]) != 32).sum()),
    }


def check_comparable(needles: HashTable, haystack: HashTable) -> None:
    """Raise DefinitionError unless the hashes of both tables mean the same."""
    a, b = needles.definition.with_source_of(haystack.definition), haystack.definition
    if a == b:
        return
    if a.deep_rule_of(b) != a and all(map(_never_deep, (needles, haystack))):
        a = a.deep_rule_of(b)
    orders = a.pass_order, b.pass_order
    only_orders_differ = replace(a, pass_order=b.pass_order) == b and a.decode == "full"
    if a == b or (
        only_orders_differ
        and all(_resized_alike(hashes, *orders) for hashes in (needles, haystack))
    ):
        return
    raise DefinitionError(
        f"these hashes were made in different ways: needles {needles.definition}; "
        f"haystack {haystack.definition}. Hash both the same way, or vouch for hashes from "
        "elsewhere with `fastphash convert --as`"
    )


def _never_deep(hashes: HashTable) -> bool:
    """Whether all images are of formats that give 8 bits, and so are hashed under every rule."""
    if "format" not in hashes.table.column_names:
        return False
    formats = hashes.table["format"]
    return not formats.null_count and EIGHT_BIT_FORMATS.issuperset(pc.unique(formats).to_pylist())


def _resized_alike(hashes: HashTable, one: PassOrder, other: PassOrder) -> bool:
    """Whether two pass orders give the same pixels of every image, and of its transpose.

    Those are the thumbnail's, and those that the hash is made from.
    """
    from fastphash.hashing.functions import resized_sizes  # imported late: it needs SciPy

    if "width" not in hashes.table.column_names or hashes.table["width"].null_count:
        return False
    shapes = set(zip(hashes.numbers("width"), hashes.numbers("height"), strict=True))
    return all(
        vertical_first(w, h, one, size) == vertical_first(w, h, other, size)
        for width, height in shapes
        for w, h in ((width, height), (height, width))
        for size in {SQUARE, *resized_sizes(hashes.definition.algorithm, w, h)}
    )


def _read_schema(store: Store) -> pa.Schema:
    """The columns of rows that are not read on demand, and their places in the store."""
    columns = [column for column in store.schema if column.name not in _ON_DEMAND]
    return pa.schema([*columns, (STORE_ROW, pa.int64())])


def _read_parts(store: Store, split: str | None) -> Iterator[pa.Table]:
    """The rows of each part, or those of one split."""
    schema = _read_schema(store)
    start = 0
    for part in store.parts:
        if split is None or split in part.splits:
            table = store.read_part(part, schema.names[:-1])
            places = pa.array(np.arange(start, start + part.rows))
            yield _one_split(table.append_column(STORE_ROW, places).cast(schema), split)
        start += part.rows


def _split_target(target: str) -> tuple[Path, str | None]:
    """The store or file that is meant, of an audit its store; and the split, if one is named."""
    if os.path.exists(target):
        return store_at(Path(target)), None
    path, separator, split = target.rpartition("@")
    return (store_at(Path(path)), split) if separator else (Path(target), None)


def _one_split(table: pa.Table, split: str | None) -> pa.Table:
    return table if split is None else table.filter(pc.equal(table["split"].cast("string"), split))


def _without_left_out(table: pa.Table, store: Store) -> pa.Table:
    """The rows of splits that the last audit named; a warning names the others."""
    _log.warning(
        "%s: left out %s, which the last audit didn't name; %s@%s reads it",
        store.path,
        listed([repr(split) for split in store.left_out]),
        store.path,
        store.left_out[0],
    )
    is_left_out = pc.is_in(table["split"].cast(pa.string()), pa.array(store.left_out, pa.string()))
    return table.filter(pc.invert(is_left_out))


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


def _read_file(path: Path, split: str | None, columns: Mapping[str, str]) -> HashTable:
    table = _read_table(path, columns)
    if "split" not in table.column_names:
        names = pa.array([path.stem] * table.num_rows, pa.string())
        table = table.append_column("split", names)
    definition = definition_of_file(path)
    if table.schema.metadata:
        definition = definition_of(table.schema.metadata, str(path))
    table = _fitting(table, path, definition)
    place = table.column_names.index("split")
    table = table.set_column(place, "split", table["split"].dictionary_encode())
    if split is not None and split not in table["split"].to_pylist():
        raise UsageError(f"{path} has no split {split!r}")
    return HashTable(_one_split(table, split), definition)


def _read_table(path: Path, columns: Mapping[str, str]) -> pa.Table:
    """A table of hashes by the names of our columns; of Parquet files all are read."""
    if path.suffix.lower() in ENDINGS and path.suffix.lower() != ".parquet":
        return pa.concat_tables(hash_tables(path, columns), promote_options="permissive")
    table = parquet.read_table(path)
    if columns:
        ours = {name: own for own, name in find_columns(path, columns).items()}
        table = table.select(
            [name for name in table.column_names if name in ours or name not in NAMED]
        )
        table = table.rename_columns([ours.get(name, name) for name in table.column_names])
    used = {"path", "path_bytes", "split", "format", *_TYPES, *_INTEGERS}
    check_distinct(
        path, [name for name in table.column_names if name in used or name.startswith("phash")]
    )
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
            f"{path} has no column {missing[0]!r}: a file of hashes has path and phash. Name the "
            "columns that hold them with `columns`"
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

"""Stores, splits of stores and Parquet files of hashes, read as rows."""

import itertools
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastphash.base.text import listed
from fastphash.base.vocabulary import ORIENTATIONS, PassOrder
from fastphash.errors import DefinitionError, UsageError
from fastphash.files import parquet
from fastphash.hashing.definition import Definition
from fastphash.images.sniff import EIGHT_BIT_FORMATS
from fastphash.images.thumbnail import SQUARE, vertical_first
from fastphash.sources.remote.address import is_remote, is_web
from fastphash.sources.remote.find import checked_address
from fastphash.sources.remote.paths import RemotePath
from fastphash.store.rows import HashTable
from fastphash.store.schema import REJECTED_SCHEMA, check_algorithm, stored_algorithms
from fastphash.store.store import Store, open_store, store_at
from fastphash.store.stored_rows import StoredRows, of_split
from fastphash.store.table_rows import read_table_rows

# algorithms that compare frequencies with their median: a picture without symmetry has no ties
_HALF_SET = ("phash", "phash_256", "pdq")

_log = logging.getLogger(__name__)


def read_hashes(
    target: str,
    *,
    everything: bool = False,
    columns: Mapping[str, str] | None = None,
    algorithm: str | None = None,
) -> HashTable:
    """Rows of ``STORE[@SPLIT]`` or of a table with path and hashes.

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
    algorithm : str, optional
        The algorithm whose hashes are compared. By default the first of a store; of a table the
        first that `columns` names, or else phash, or the first that it has.

    Raises
    ------
    UsageError
        Nothing there, no such split, or it has no hashes of the algorithm.
    StoreError
        It holds no hashes, or is damaged.
    """
    path, split = split_target(target)
    if path.is_file():
        return _rows_of_table(path, split, columns or {}, algorithm)
    rows = open_rows(path, split, algorithm, everything=everything)
    table = parquet.concat(rows.schema, rows.tables())
    parquet.release_memory()
    return HashTable(table, rows.definition, rows.store)


def open_rows(
    path: Path, split: str | None, algorithm: str | None, *, everything: bool = False
) -> StoredRows:
    """The rows of a store, or of one of its splits, to be read part by part.

    Parameters and errors are those of `read_hashes`.
    """
    store = open_store(path)
    store.verify()
    definition = _definition_compared(store, algorithm)
    if split is not None and split not in store.roots:
        raise UsageError(f"{path} has no split {split!r}: it has {', '.join(store.roots)}")
    left_out = [] if split is not None or everything else store.left_out
    if left_out:
        _warn_of_left_out(store)
    return StoredRows(store, definition, split, left_out)


def _rows_of_table(
    path: Path, split: str | None, columns: Mapping[str, str], algorithm: str | None
) -> HashTable:
    rows = read_table_rows(path, columns, algorithm)
    if split is not None and split not in rows.splits:
        raise UsageError(f"{path} has no split {split!r}")
    return rows if split is None else rows.where_split(split)


def _definition_compared(store: Store, algorithm: str | None) -> Definition:
    """How the hashes that are compared were made; UsageError if a store lacks an algorithm's."""
    if algorithm is None:
        return store.definition
    there = [one.name for one in stored_algorithms(store.definition, store.layout)]
    check_algorithm(algorithm, there, str(store.path))
    return replace(store.definition, algorithm=algorithm)


def read_rejected(target: str) -> pa.Table:
    """Inputs of ``STORE[@SPLIT]`` that gave no hash: `REJECTED_SCHEMA`; none for a Parquet file.

    Errors are those of `read_hashes`.
    """
    path, split = split_target(target)
    if path.is_file():
        return REJECTED_SCHEMA.empty_table()
    return of_split(open_store(path).rejected(), split)


def same_rows(one: str, other: str) -> bool:
    """Whether two targets mean the same rows, however they are spelled."""
    a, b = split_target(one), split_target(other)
    if any(isinstance(path, RemotePath) for path, _ in (a, b)):
        return a == b
    return a[1] == b[1] and os.path.realpath(a[0]) == os.path.realpath(b[0])


def read_together(
    targets: list[str], columns: Mapping[str, str] | None = None, algorithm: str | None = None
) -> HashTable:
    """Rows of one or more stores or files as one table, in the order given.

    `columns` and `algorithm` are those of `read_hashes`.

    Raises
    ------
    DefinitionError
        Their hashes were made in different ways.
    UsageError
        Two of them have a split of the same name.
    """
    tables = [read_hashes(target, columns=columns, algorithm=algorithm) for target in targets]
    if len(tables) == 1:
        return tables[0]
    splits = [parquet.count_values(table.table["split"]) for table in tables]
    check_distinct_splits(targets, splits)
    for (one, a), (other, b) in itertools.combinations(zip(targets, tables, strict=True), 2):
        check_comparable(a, b)
        if a.columns != b.columns:
            raise unlike_columns(one, other)
    return concat_rows(tables)


def check_distinct_splits(targets: Sequence[str], splits: Sequence[Iterable[str]]) -> None:
    """Raise UsageError if two targets have a split of the same name."""
    owner: dict[str, str] = {}
    for target, names in zip(targets, splits, strict=True):
        for split in names:
            if split in owner:
                raise UsageError(f"both {owner[split]} and {target} have a split {split!r}")
            owner[split] = target


def unlike_columns(one: str, other: str) -> DefinitionError:
    """What is wrong with two tables that are to be one, and have different columns."""
    return DefinitionError(
        f"{one} and {other} keep different columns (orientations, thumbnails or digests): "
        "hash them alike to group them as one"
    )


def concat_rows(tables: Sequence[HashTable]) -> HashTable:
    """The rows of all tables as one, with their thumbnails."""
    # a table reads thumbnails on demand from one store only
    full = [hashes.with_thumbnails().table for hashes in tables]
    table = pa.concat_tables(full, promote_options="permissive").unify_dictionaries()
    return HashTable(table, tables[0].definition)


def summarise_hashes(hashes: HashTable) -> dict[str, Any]:
    """Facts about rows of hashes: splits, definition, columns, and counts of unusual rows.

    A hash of a median is unusual if it doesn't have half of its bits set.
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
        "hash": hashes.algorithm.name,
        "bits": hashes.algorithm.bits,
        "hashes": hashes.algorithms,
        "definition": str(hashes.definition),
        "orientations": [ORIENTATIONS[t] for t in hashes.known],
        "thumbnails": bool(store and store.layout.thumbnails),
        "multiframe": int(hashes.numbers("multiframe").sum()),
        "unusual_hashes": _count_unusual(hashes),
    }


def _count_unusual(hashes: HashTable) -> int:
    """How many hashes don't have half of their bits set, of an algorithm that takes a median."""
    if hashes.algorithm.name not in _HALF_SET:
        return 0
    upright = hashes.hashes[:, 0].reshape(len(hashes), hashes.algorithm.words)
    ones = np.bitwise_count(upright).sum(axis=1)
    return int((ones != hashes.algorithm.bits // 2).sum())


def check_comparable(needles: HashTable, haystack: HashTable) -> None:
    """Raise DefinitionError unless the hashes of both tables mean the same."""
    check_same_algorithm(needles, haystack)
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


def check_same_algorithm(needles: HashTable, haystack: HashTable) -> None:
    """Raise DefinitionError if two tables are compared by hashes of different algorithms."""
    one, other = needles.algorithm, haystack.algorithm
    if one != other:
        raise DefinitionError(
            f"needles have {one.name} of {one.bits} bits, the haystack {other.name} of "
            f"{other.bits}: hashes of different algorithms are not compared. Choose one that both "
            "have with `hash`"
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


def split_target(target: str) -> tuple[Path, str | None]:
    """The store or file that is meant, of an audit its store; and the split, if one is named."""
    if is_remote(os.fsencode(target)):
        return _split_address(target)
    if os.path.exists(target):
        return store_at(Path(target)), None
    path, separator, split = target.rpartition("@")
    return (store_at(Path(path)), split) if separator else (Path(target), None)


def _split_address(target: str) -> tuple[Path, str | None]:
    """The store that an address means, and the split, if one is named."""
    if is_web(target):
        raise UsageError(f"{target!r}: a store lies in a bucket or on a disk, not on a web server")
    whole = RemotePath(os.fsdecode(checked_address(target)))
    if whole.is_file():
        raise UsageError(f"{target!r} is an object: of buckets, stores are read; copy it to a disk")
    address, separator, split = target.rpartition("@")
    # an address of Azure has the sign in its first part, and splits have no slash
    if not separator or "/" in split or whole.exists():
        return store_at(whole), None
    return store_at(RemotePath(os.fsdecode(checked_address(address)))), split


def _warn_of_left_out(store: Store) -> None:
    """Name the splits that the last audit didn't, and that are not read."""
    _log.warning(
        "%s: left out %s, which the last audit didn't name; %s@%s reads it",
        store.path,
        listed([repr(split) for split in store.left_out]),
        store.path,
        store.left_out[0],
    )

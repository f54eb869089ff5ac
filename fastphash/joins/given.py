"""Hashes as callers have them: arrays, tables and stores."""

import os
import warnings
from typing import Any, NamedTuple

import pyarrow as pa

from fastphash.errors import UsageError
from fastphash.hashing.algorithms import ALGORITHMS, PHASH
from fastphash.hashing.definition import FOREIGN
from fastphash.joins.index import Index
from fastphash.store.open import check_comparable, read_hashes
from fastphash.store.rows import HashTable
from fastphash.store.schema import definition_of, hash_type
from fastphash.store.store import Store


class Given(NamedTuple):
    """The hashes to join, and the rows that they come from; None for an array."""

    hashes: Index
    rows: HashTable | None


def given_hashes(hashes: Any) -> Given:
    """Read hashes from an array, a table or a store, as `fastphash.join` takes them.

    Raises
    ------
    UsageError
        An array of another dtype or shape, a table without hashes, no store or file there.
    StoreError
        The store or file holds no hashes, or is damaged.
    """
    rows = _rows(hashes)
    return Given(Index(hashes) if rows is None else Index(rows.phashes, rows.known), rows)


def check_given(*given: Given) -> None:
    """Look at whether two sides can be compared, and warn where orientations are not looked at.

    An array says by its shape whether it has orientations; a table or a store doesn't.

    Raises
    ------
    DefinitionError
        The hashes of two tables or stores were made in different ways.
    """
    rows = [one.rows for one in given if one.rows is not None]
    named = [one for one in rows if one.definition != FOREIGN]
    if len(named) == 2:
        check_comparable(*named)
    if rows and all(one.hashes.known == (0,) for one in given):
        warnings.warn(
            "these hashes have no orientations: rotated and mirrored copies are not looked for",
            stacklevel=3,
        )


def _rows(hashes: Any) -> HashTable | None:
    if isinstance(hashes, HashTable):
        return hashes
    if isinstance(hashes, Store):
        return read_hashes(str(hashes.path))
    if isinstance(hashes, (str, os.PathLike)):
        return read_hashes(os.fsdecode(hashes))
    # fastphash.Hashed, which is defined further down
    table = getattr(hashes, "table", hashes)
    return _checked_table(table) if isinstance(table, pa.Table) else None


def _checked_table(table: pa.Table) -> HashTable:
    """The rows of a table whose columns of hashes can be joined."""
    if PHASH.name not in table.column_names:
        raise UsageError(
            f"a table of hashes has a column {PHASH.name!r}; this one has "
            f"{', '.join(table.column_names) or 'none'}"
        )
    definition = definition_of(table.schema.metadata, "this table")
    kind = hash_type(ALGORITHMS[definition.algorithm])
    for name in set(definition.columns) & set(table.column_names):
        if table[name].type != kind:
            raise UsageError(f"column {name!r} must be {kind}, not {table[name].type}")
    if table[PHASH.name].null_count:
        raise UsageError(f"column {PHASH.name!r} has rows without a value")
    return HashTable(table, definition)

"""Hashes as callers have them: arrays, tables and stores."""

import os
import warnings
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.arguments import check_quality, quoted
from fastphash.errors import StoreError, UsageError
from fastphash.hashing.algorithms import ALGORITHMS, PHASH, Algorithm
from fastphash.joins.index import Index
from fastphash.joins.low_quality import left_out_in_words, poor_rows
from fastphash.store.hash_decoder import HashDecoder, quality_values, shown_value
from fastphash.store.open import check_comparable, check_same_algorithm, read_hashes
from fastphash.store.rows import HashTable
from fastphash.store.schema import algorithms_in, check_algorithm, definition_of, hash_type
from fastphash.store.store import Store


class Given(NamedTuple):
    """The hashes to join.

    Attributes
    ----------
    hashes : Index
    rows : HashTable or None
        The rows that they come from; None for an array.
    numbers : int64 (n,) or None
        Which of the rows that were given they are, ascending; None if they are all.
    """

    hashes: Index
    rows: HashTable | None
    numbers: NDArray[np.int64] | None = None

    def numbered(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The numbers of some of the rows among all that were given."""
        return rows if self.numbers is None else self.numbers[rows]


def given_hashes(hashes: Any, algorithm: str | None = None) -> Given:
    """Read hashes from an array, a table or a store, as `fastphash.join` takes them.

    Of a table or a store they are those of `algorithm`, or else the first that it has.

    Raises
    ------
    UsageError
        An array of another dtype, shape or number of bits, a table without these hashes, no store
        or file there, or no such algorithm.
    StoreError
        The store or file holds no hashes, or is damaged.
    """
    if not (algorithm is None or (isinstance(algorithm, str) and algorithm in ALGORITHMS)):
        raise UsageError(f"no `hash` {quoted(algorithm)}: it is one of {', '.join(ALGORITHMS)}")
    rows = _rows(hashes, algorithm)
    index = Index(hashes) if rows is None else Index(rows.hashes, rows.known)
    if algorithm is not None and len(index) and index.bits != ALGORITHMS[algorithm].bits:
        raise UsageError(
            f"`hash` {algorithm!r} has {ALGORITHMS[algorithm].bits} bits, not {index.bits} as these"
        )
    return Given(index, rows)


def check_given(*given: Given) -> None:
    """Look at whether two sides can be compared, and warn where orientations are not looked at.

    An array says by its shape whether it has orientations; a table or a store doesn't.

    Raises
    ------
    DefinitionError
        The hashes of two tables or stores are of different algorithms, or were made in different
        ways.
    """
    rows = [one.rows for one in given if one.rows is not None]
    if len(rows) == 2:
        check_same_algorithm(*rows)
        if not any(one.definition.is_unknown for one in rows):
            check_comparable(*rows)
    if rows and all(one.hashes.known == (0,) for one in given):
        warnings.warn(
            "these hashes have no orientations: rotated and mirrored copies are not looked for",
            stacklevel=3,
        )


def leave_out_poor(given: Given, others: Given | None, least: int) -> Given:
    """The hashes that are compared with others, or among themselves; a warning counts the rest.

    Arrays have no quality.

    Raises
    ------
    UsageError
        `least` is no quality.
    """
    check_quality(least)
    rows = given.rows
    if rows is None:
        return given
    if others is not None and others.rows is None:
        poor = rows.below_quality(least)
    else:
        poor = poor_rows(rows, least, others and others.rows)
    if not poor.any():
        return given
    words = left_out_in_words(int(poor.sum()), len(rows), rows.algorithm, least)
    warnings.warn(f"{words}; `min_quality=0` compares all", stacklevel=3)
    numbers = np.flatnonzero(~poor)
    return Given(given.hashes.take(numbers), rows.take(numbers), numbers)


def _rows(hashes: Any, algorithm: str | None) -> HashTable | None:
    if isinstance(hashes, HashTable):
        if algorithm is None:
            return hashes
        check_algorithm(algorithm, hashes.algorithms, "this table")
        return hashes.compared_by(algorithm)
    if isinstance(hashes, Store):
        return read_hashes(str(hashes.path), algorithm=algorithm)
    if isinstance(hashes, (str, os.PathLike)):
        return read_hashes(os.fsdecode(hashes), algorithm=algorithm)
    # fastphash.Hashed, which is defined further down
    table = getattr(hashes, "table", hashes)
    return _checked_table(table, algorithm) if isinstance(table, pa.Table) else None


def _checked_table(table: pa.Table, algorithm: str | None) -> HashTable:
    """The rows of a table whose columns of hashes can be joined."""
    definition = definition_of(table.schema.metadata, "this table")
    there = algorithms_in(table.column_names, definition.algorithm)
    if not there:
        raise UsageError(
            f"a table of hashes has a column such as {PHASH.name!r}; this one has "
            f"{', '.join(table.column_names) or 'none'}"
        )
    if algorithm is not None:
        check_algorithm(algorithm, there, "this table")
    definition = replace(definition, algorithm=algorithm or there[0])
    upright, *turned = definition.columns
    for name in definition.columns:
        if table.column_names.count(name) > 1:
            raise UsageError(f"a table of hashes has one column {name!r}; this one has several")
    for name in [upright, *(set(turned) & set(table.column_names))]:
        column = _as_stored(table[name], name, ALGORITHMS[definition.algorithm])
        table = table.set_column(table.column_names.index(name), name, column)
    table = _with_known_evidence(table, ALGORITHMS[definition.algorithm])
    if table[upright].null_count:
        raise UsageError(f"column {upright!r} has rows without a value")
    return HashTable(table, definition)


def _with_known_evidence(table: pa.Table, algorithm: Algorithm) -> pa.Table:
    """The table with qualities as a store has them, and without digests that are none of ours."""
    quality = algorithm.quality_column
    if quality in table.column_names:
        place = table.column_names.index(quality)
        table = table.set_column(place, quality, quality_values(table[quality]))
    if "digest" in table.column_names and table.schema.field("digest").type != pa.binary(16):
        table = table.drop_columns(["digest"])
    return table


def _as_stored(column: pa.ChunkedArray, name: str, algorithm: Algorithm) -> pa.ChunkedArray:
    """A column of hashes as a store has it; they may be hex digits, or bytes of any type."""
    kind = hash_type(algorithm)
    if column.type == kind:
        return column
    if algorithm.words == 1 and pa.types.is_integer(column.type):
        raise UsageError(f"column {name!r} must be {kind}, not {column.type}")
    try:
        hashes = HashDecoder(bits=algorithm.bits).decode(column)
    except StoreError as error:
        raise UsageError(f"column {name!r}: {error}") from error
    wrong = np.flatnonzero(pc.and_(hashes.is_null(), column.is_valid()))
    if wrong.size:
        row = int(wrong[0])
        what = shown_value(column[row], algorithm.bits)
        raise UsageError(f"column {name!r}, row {row + 1:,}: {what}")
    return hashes

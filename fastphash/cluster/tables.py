"""Pairs and groups of tables in memory, with their search on Spark."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.cluster.matches import SparkJoin
from fastphash.cluster.session import Session
from fastphash.external.table_stream import stream_of
from fastphash.results.pairs import pair_tables
from fastphash.store.open import check_comparable
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria


def find_pairs(
    session: Session,
    needles: HashTable,
    haystack: HashTable,
    criteria: CopyCriteria,
    max_pairs: int,
    *,
    number_needles: bool = False,
    progress: Progress = no_progress,
) -> Iterator[pa.Table]:
    """Every pair within a radius: the tables of `fastphash.results.pairs.find_pairs`.

    Their rows are those of one machine, in the same order.

    Parameters
    ----------
    session : SparkSession
    needles, haystack : HashTable
        Stores and files must have the same paths on all machines.
    criteria : CopyCriteria
    max_pairs : int
    number_needles : bool
        Whether tables have another column, the number of the needle's row.
    progress : Progress

    Raises
    ------
    DefinitionError
        The two sides were hashed in different ways.
    TooManyPairsError
        More than `max_pairs`.
    UsageError
        Hashes have more than 64 bits.
    """
    check_comparable(needles, haystack)
    sides = stream_of(needles), stream_of(haystack)
    join = SparkJoin(session, *sides, criteria.radius, max_pairs=max_pairs, progress=progress)
    yield from pair_tables(
        needles, haystack, join.matches(), criteria, number_needles=number_needles
    )


def has_partner(
    session: Session, rows: HashTable, radius: int, *, progress: Progress = no_progress
) -> NDArray[np.bool_]:
    """Whether each row is within a radius of another, in some orientation: bool (n,).

    `fastphash.results.groups.find_candidates` takes it, and the other steps of a group are those of
    one machine. Errors are those of `find_pairs`.
    """
    partnered = np.zeros(len(rows), np.bool_)
    partnered[SparkJoin(session, stream_of(rows), None, radius, progress=progress).partnered()] = (
        True
    )
    return partnered

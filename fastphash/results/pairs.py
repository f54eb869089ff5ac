"""Every pair within a radius, as tables."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastphash.base.vocabulary import KINDS, NEAR
from fastphash.defaults import MIN_SCORE
from fastphash.files import parquet
from fastphash.joins.index import Index
from fastphash.joins.matching import matches
from fastphash.joins.options import JoinOptions
from fastphash.joins.relation import Matches
from fastphash.results.schemas import PAIRS_SCHEMA, relation_columns, row_names
from fastphash.store.open import check_joinable
from fastphash.store.rows import HashTable
from fastphash.verify.verdicts import check_score, relate_matches

# rows of one table of pairs: their thumbnails are held meanwhile
_TABLE_ROWS = 1 << 18


def find_pairs(
    needles: HashTable,
    haystack: HashTable,
    radius: int,
    max_pairs: int,
    min_score: float | None = MIN_SCORE,
    options: JoinOptions | None = None,
) -> Iterator[pa.Table]:
    """Every pair within a radius, by (needle row, haystack row), in tables of a bounded size.

    Pairs at a distance that are not alike are collisions as well.

    Raises
    ------
    DefinitionError
        The two sides were hashed in different ways.
    TooManyPairsError
        More than `max_pairs`.
    UsageError
        No such radius or score.
    """
    check_joinable(needles, haystack)
    check_score(min_score)
    left, right = Index(needles.phashes, needles.known), Index(haystack.phashes, haystack.known)
    for whole in matches(left, right, radius, max_pairs=max_pairs, options=options):
        for start in range(0, whole.left.size, _TABLE_ROWS):
            some = whole.take(slice(start, start + _TABLE_ROWS))
            yield _pair_table(needles, haystack, some, min_score)


def _pair_table(
    needles: HashTable, haystack: HashTable, block: Matches, min_score: float | None
) -> pa.Table:
    # thumbnails of these rows only are read
    some, block_left = np.unique(block.left, return_inverse=True)
    others, block_right = np.unique(block.right, return_inverse=True)
    ours, theirs = needles.take(some), haystack.take(others)
    block = block._replace(left=block_left, right=block_right)
    relation = relate_matches(
        block, ours.content, theirs.content, min_score, near=min_score is not None
    )
    a, b = row_names(ours, block.left), row_names(theirs, block.right)
    return pa.table(
        [*a[:2], *b[:2], *relation_columns(relation), a[2], b[2]],
        schema=PAIRS_SCHEMA,
    )


def filter_kinds(pieces: Iterable[pa.Table], wanted: list[str]) -> Iterator[pa.Table]:
    """The rows of some kinds of each table."""
    for table in pieces:
        chosen = pc.is_in(table["kind"].cast(pa.string()), pa.array(wanted, pa.string()))
        yield table.filter(chosen)


class CountingTables:
    """Tables of pairs as they come, with a count of the near ones that nobody looked at.

    Attributes
    ----------
    unseen : int
        Of the tables that were taken so far.
    """

    def __init__(self, pieces: Iterable[pa.Table]) -> None:
        self._pieces = pieces
        self.unseen = 0

    def __iter__(self) -> Iterator[pa.Table]:
        for table in self._pieces:
            self.unseen += count_unseen(table)
            yield table


def count_unseen(table: pa.Table) -> int:
    """How many near pairs of a table have no score, since nobody looked at them."""
    return parquet.count_values(table["kind"].filter(table["score"].is_null())).get(KINDS[NEAR], 0)

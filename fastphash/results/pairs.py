"""Every pair within a radius, as tables."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastphash.base.system import give_back_freed_arrays
from fastphash.base.vocabulary import KINDS, NEAR, THUMBNAIL_SIDE
from fastphash.external.streams import HashStream
from fastphash.files import parquet
from fastphash.joins.batches import find_matches
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.results.schemas import PAIRS_SCHEMA, relation_columns, row_names
from fastphash.store.open import check_comparable
from fastphash.store.rows import NEEDLE_ROW, HashTable
from fastphash.store.schema import CHROMA_BYTES
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import Relation, relate_matches

# rows of one table of pairs
_TABLE_ROWS = parquet.LONG_ROW_GROUP
# bytes of thumbnails and colours that a pair of a table holds, and the part of the memory for them
_SEEN_BYTES = 2 * (THUMBNAIL_SIDE**2 + CHROMA_BYTES)
_SEEN_SHARE = 1 / 4


def find_pairs(
    needles: HashTable,
    haystack: HashTable,
    criteria: CopyCriteria,
    max_pairs: int,
    *,
    number_needles: bool = False,
) -> Iterator[pa.Table]:
    """Every pair within a radius, by (needle row, haystack row), in tables of a bounded size.

    Pairs that look different are collisions, at a distance too. With `number_needles` the tables
    have another column, NEEDLE_ROW.

    Raises
    ------
    DefinitionError
        The two sides were hashed in different ways.
    TooManyPairsError
        More than `max_pairs`.
    """
    check_comparable(needles, haystack)
    left, right = Index(needles.hashes, needles.known), Index(haystack.hashes, haystack.known)
    matches = find_matches(
        left,
        right,
        criteria.radius,
        max_pairs=max_pairs,
        options=criteria.options,
        whole_rows=False,
    )
    yield from pair_tables(needles, haystack, matches, criteria, number_needles=number_needles)


def pair_tables(
    needles: HashTable,
    haystack: HashTable,
    matches: Iterable[Matches],
    criteria: CopyCriteria,
    *,
    number_needles: bool = False,
) -> Iterator[pa.Table]:
    """What `find_pairs` yields of matches that are found already, in order."""
    for block in matches:
        start = 0
        for relation in relate_rows(needles, haystack, block, criteria):
            piece = block.take(slice(start, start + relation.kind.size))
            start += relation.kind.size
            table = _pair_table(needles, haystack, piece, relation)
            if number_needles:
                table = table.append_column(NEEDLE_ROW, pa.array(piece.left))
            yield table
            del table
        # the search for the next block needs the memory
        del block
        parquet.release_memory()
        give_back_freed_arrays()


def look_up_pairs(
    needles: HashStream, haystack: HashStream, matches: Iterable[Matches], criteria: CopyCriteria
) -> Iterator[pa.Table]:
    """The same of streams; only the rows of the matches are read."""
    for block in matches:
        left_rows, left = np.unique(block.left, return_inverse=True)
        right_rows, right = np.unique(block.right, return_inverse=True)
        some = block._replace(left=left, right=right)
        yield from pair_tables(needles.take(left_rows), haystack.take(right_rows), [some], criteria)


def relate_rows(
    needles: HashTable, haystack: HashTable, pairs: Matches, criteria: CopyCriteria
) -> Iterator[Relation]:
    """How the rows of pairs relate, some pairs after the others, as memory allows."""
    at_once = _TABLE_ROWS
    if needles.has_thumbnails or haystack.has_thumbnails:
        at_once = min(max(int(criteria.options.memory * _SEEN_SHARE) // _SEEN_BYTES, 1), at_once)
    for start in range(0, pairs.left.size, at_once):
        yield _relate(needles, haystack, pairs.take(slice(start, start + at_once)), criteria)


def _relate(
    needles: HashTable, haystack: HashTable, pairs: Matches, criteria: CopyCriteria
) -> Relation:
    # only the thumbnails of these rows are read
    left_rows, left = np.unique(pairs.left, return_inverse=True)
    right_rows, right = np.unique(pairs.right, return_inverse=True)
    return relate_matches(
        pairs._replace(left=left, right=right),
        needles.take(left_rows).content,
        haystack.take(right_rows).content,
        criteria.min_score,
        score_near=criteria.score_near,
    )


def _pair_table(
    needles: HashTable, haystack: HashTable, pairs: Matches, relation: Relation
) -> pa.Table:
    *needle_names, needle_bytes = row_names(needles, pairs.left)
    *haystack_names, haystack_bytes = row_names(haystack, pairs.right)
    columns = [
        *needle_names,
        *haystack_names,
        *relation_columns(relation),
        needle_bytes,
        haystack_bytes,
    ]
    return pa.table(columns, schema=PAIRS_SCHEMA)


def filter_kinds(tables: Iterable[pa.Table], kinds: list[str]) -> Iterator[pa.Table]:
    """The rows of these kinds, of each table."""
    for table in tables:
        chosen = pc.is_in(table["kind"].cast(pa.string()), pa.array(kinds, pa.string()))
        yield table.filter(chosen)


class UnseenCounter:
    """Passes tables of pairs on, and counts the near pairs whose thumbnails were not compared.

    Attributes
    ----------
    unseen : int
        In the tables passed on so far.
    """

    def __init__(self, tables: Iterable[pa.Table]) -> None:
        self._tables = tables
        self.unseen = 0

    def __iter__(self) -> Iterator[pa.Table]:
        for table in self._tables:
            self.unseen += count_unseen(table)
            yield table


def count_unseen(table: pa.Table) -> int:
    """How many near pairs of a table have no score, because nothing compared their thumbnails."""
    return parquet.count_values(table["kind"].filter(table["score"].is_null())).get(KINDS[NEAR], 0)

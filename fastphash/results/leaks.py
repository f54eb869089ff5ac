"""Leaks: images of one split with a copy in another."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.vocabulary import COLLISION, EXACT, IDENTICAL, NEAR, SAME, SAME_PIXELS
from fastphash.joins.batches import find_matches
from fastphash.joins.distinct import DistinctRows, find_distinct_rows
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.results.schemas import LEAKS_SCHEMA, relation_columns, row_names
from fastphash.store.rows import Content, HashTable
from fastphash.verify.criteria import CopyCriteria
from fastphash.verify.decide_kind import Relation, relate_matches

# the relation of two files of the same bytes, and of the same pixels in other bytes
_IDENTICAL = (IDENTICAL, 0, 0, 1, SAME, 0, SAME_PIXELS)
_SAME_PIXELS = (EXACT, 0, 0, 1, SAME, 0, SAME_PIXELS)


class _Strongest(NamedTuple):
    """The strongest match of each needle, or of each distinct needle.

    Attributes
    ----------
    partner : int64 (n,)
        Haystack row; -1 without a match.
    relation : Relation
    match_count : int64 (n,)
        Haystack rows that are copies; if none is, those that collide.
    """

    partner: NDArray[np.int64]
    relation: Relation
    match_count: NDArray[np.int64]

    def take(self, needles: NDArray[np.int64]) -> "_Strongest":
        """A copy of that of these needles."""
        return _Strongest(
            self.partner[needles], self.relation.take(needles), self.match_count[needles]
        )


class _Equals(NamedTuple):
    """Haystack rows with the bytes, or pixels, of each needle: the first, or -1, and how many."""

    first: NDArray[np.int64]
    match_count: NDArray[np.int64]

    def take(self, needles: NDArray[np.int64]) -> "_Equals":
        """That of these needles."""
        return _Equals(self.first[needles], self.match_count[needles])


def find_leaks(needles: HashTable, haystack: HashTable, criteria: CopyCriteria) -> pa.Table:
    """The strongest match of each needle that has one in the haystack: `LEAKS_SCHEMA`.

    Matches are copies, and collisions of equal hashes. The strongest has the first kind in KINDS,
    then the least distance, then the first orientation, then the first haystack row; rows must be
    in order of priority. `matches` counts the other haystack rows that are copies too, or that
    collide too if none is a copy.
    """
    distinct = _find_distinct(needles)
    strongest = _find_strongest(needles, distinct, haystack, criteria)
    same_bytes = _find_equals(needles.digests, haystack.digests)
    same_pixels = _find_equals(needles.evidence.pixel_digests, haystack.evidence.pixel_digests)
    found = (strongest.partner[distinct.of_row], same_pixels.first, same_bytes.first)
    leaked = np.flatnonzero(np.maximum.reduce(found) >= 0)
    strongest = strongest.take(distinct.of_row[leaked])
    _compare_pixels(strongest, needles.content, leaked, haystack.content)
    strongest = _prefer(same_pixels.take(leaked), _SAME_PIXELS, strongest)
    partner, relation, count = _prefer(same_bytes.take(leaked), _IDENTICAL, strongest)
    *needle_names, needle_bytes = row_names(needles, leaked)
    *haystack_names, haystack_bytes = row_names(haystack, partner)
    columns = [
        *needle_names,
        *haystack_names,
        *relation_columns(relation),
        pa.array(count - 1, pa.int64()),
        needle_bytes,
        haystack_bytes,
    ]
    return pa.table(columns, schema=LEAKS_SCHEMA)


def _find_distinct(rows: HashTable) -> DistinctRows:
    """Distinct rows by hashes, thumbnails and colours; their bytes may differ."""
    return find_distinct_rows(rows.phashes, *rows.content.appearance)


def _find_strongest(
    needles: HashTable, distinct: DistinctRows, haystack: HashTable, criteria: CopyCriteria
) -> _Strongest:
    """The strongest match of each distinct needle by appearance, whatever the bytes."""
    distinct_haystack = _find_distinct(haystack)
    left, left_content = _appearance(needles, distinct)
    right, right_content = _appearance(haystack, distinct_haystack)
    haystack_counts = np.bincount(distinct_haystack.of_row)
    size = distinct.first.size
    strongest = _Strongest(
        np.full(size, -1, np.int64), Relation.collisions(size), np.zeros(size, np.int64)
    )
    for block in find_matches(left, right, criteria.radius, options=criteria.options):
        relation = relate_matches(
            block,
            left_content,
            right_content,
            criteria.min_score,
            score_near=criteria.score_near,
        )
        counted = np.flatnonzero((relation.kind != COLLISION) | (block.distance == 0))
        _put_strongest(
            strongest,
            block.take(counted),
            relation.take(counted),
            distinct_haystack.first,
            haystack_counts,
        )
    return strongest


def _appearance(rows: HashTable, distinct: DistinctRows) -> tuple[Index, Content]:
    """Hashes and content of distinct rows, whose bytes and pixels mean nothing."""
    evidence = rows.evidence._replace(pixel_digests=np.zeros((len(rows), 2), np.uint64))
    content = rows.content._replace(digests=None, evidence=evidence)
    return Index(rows.phashes[distinct.first], rows.known), content.take(distinct.first)


def _put_strongest(
    strongest: _Strongest,
    block: Matches,
    relation: Relation,
    haystack_first: NDArray[np.int64],
    haystack_counts: NDArray[np.int64],
) -> None:
    """Write the strongest match of each needle in a block, which has all matches of a needle.

    Parameters
    ----------
    haystack_first, haystack_counts : int64 (d,)
        The first row that equals each distinct haystack row, and how many do.
    """
    if not block.left.size:
        return
    order = np.lexsort(
        (block.right, relation.orientation, relation.distance, relation.kind, block.left)
    )
    block, relation = block.take(order), relation.take(order)
    # the first match of each needle is its strongest
    firsts = np.flatnonzero(np.diff(block.left, prepend=-1))
    needles = block.left[firsts]
    strongest.partner[needles] = haystack_first[block.right[firsts]]
    strongest.relation.put(needles, relation.take(firsts))
    is_copy = relation.kind != COLLISION
    like_strongest = is_copy == np.repeat(is_copy[firsts], np.diff([*firsts, order.size]))
    counts = haystack_counts[block.right] * like_strongest
    strongest.match_count[needles] = np.add.reduceat(counts, firsts)


def _find_equals(
    needles: NDArray[np.uint64] | None, haystack: NDArray[np.uint64] | None
) -> _Equals:
    """Haystack rows of the same digest, (n, 2) and (m, 2); zeros are unknown."""
    if needles is None or haystack is None or not len(needles):
        size = 0 if needles is None else len(needles)
        return _Equals(np.full(size, -1, np.int64), np.zeros(size, np.int64))
    distinct = find_distinct_rows(np.concatenate([needles, haystack]))
    of_needle, of_haystack = np.split(distinct.of_row, [len(needles)])
    first_row = np.full(distinct.first.size, -1, np.int64)
    # written backwards, so that the first row is what remains
    first_row[of_haystack[::-1]] = np.arange(of_haystack.size)[::-1]
    row_count = np.bincount(of_haystack, minlength=distinct.first.size)
    known = needles.any(axis=1)
    return _Equals(np.where(known, first_row[of_needle], -1), row_count[of_needle] * known)


def _compare_pixels(
    strongest: _Strongest, needles: Content, rows: NDArray[np.int64], haystack: Content
) -> None:
    """Fill in whether these needles have the pixels of their strongest match."""
    matched = np.flatnonzero(strongest.partner >= 0)
    same = needles.same_pixels(rows[matched], haystack, strongest.partner[matched])
    strongest.relation.same_pixels[matched] = same


def _prefer(equals: _Equals, relation: tuple[float, ...], strongest: _Strongest) -> _Strongest:
    """Put haystack rows of the same bytes, or pixels, and their relation before all others."""
    partner, found, count = strongest
    equal = equals.first >= 0
    # where thumbnails agree, equal rows are among the copies counted already
    uncounted = equal & (found.kind >= NEAR)
    near = np.where(found.kind == NEAR, count, 0)
    count = np.where(uncounted, equals.match_count + near, count)
    found.put(equal, relation)
    return _Strongest(np.where(equal, equals.first, partner), found, count)

"""The strongest match of each image of one split in another split.

Of several matches the strongest has the first kind in KINDS, where a copy by decision comes after
the kinds that leave no doubt; then the least distance, the first orientation, and the first
haystack row in order of priority.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import EXACT, IDENTICAL, NEAR, SAME, SAME_PIXELS
from fastphash.joins.batches import find_matches
from fastphash.joins.distances import row_distances
from fastphash.joins.distinct import DistinctRows, find_distinct_rows
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches, concatenate_matches
from fastphash.results.counts import are_copies
from fastphash.results.decisions import DecidedPairs
from fastphash.store.content import Content
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import Relation, relate_matches
from fastphash.verification.findings import NO_FINDINGS, Findings

# the relation of two files of the same bytes, and of the same pixels in other bytes
_IDENTICAL = (IDENTICAL, 0, 0, 1, SAME, 0, SAME_PIXELS)
_SAME_PIXELS = (EXACT, 0, 0, 1, SAME, 0, SAME_PIXELS)

# rows are below 2**32: two of them are one number
_HALF = 32
_LOW = (1 << _HALF) - 1


class Strongest(NamedTuple):
    """The strongest match of each needle, or of each distinct needle.

    Attributes
    ----------
    partner : int64 (n,)
        Haystack row; -1 without a match.
    relation : Relation
    confirmed : bool (n,)
        Whether somebody decided that the two are copies.
    match_count : int64 (n,)
        Haystack rows that are copies; if none is, those that only share the hash.
    """

    partner: NDArray[np.int64]
    relation: Relation
    confirmed: NDArray[np.bool_]
    match_count: NDArray[np.int64]

    @classmethod
    def none(cls, size: int) -> "Strongest":
        """No match of any of so many needles, to be replaced."""
        return cls(
            np.full(size, -1, np.int64),
            Relation.collisions(size),
            np.zeros(size, np.bool_),
            np.zeros(size, np.int64),
        )

    def take(self, needles: NDArray[np.int64]) -> "Strongest":
        """A copy of that of these needles."""
        return Strongest(
            self.partner[needles],
            self.relation.take(needles),
            self.confirmed[needles],
            self.match_count[needles],
        )

    def put(self, needles: NDArray[np.int64], others: "Strongest") -> None:
        """Replace that of these needles."""
        self.partner[needles] = others.partner
        self.relation.put(needles, others.relation)
        self.confirmed[needles] = others.confirmed
        self.match_count[needles] = others.match_count


class _Found(NamedTuple):
    """All matches of some needles, which of them are copies by decision, and what they stand for.

    Attributes
    ----------
    pairs : Matches
    relation : Relation
    confirmed : bool (n,)
    row_count : int64 (n,)
        How many haystack rows each match stands for.
    """

    pairs: Matches
    relation: Relation
    confirmed: NDArray[np.bool_]
    row_count: NDArray[np.int64]

    def take(self, chosen: NDArray[np.int64]) -> "_Found":
        return _Found(
            self.pairs.take(chosen),
            self.relation.take(chosen),
            self.confirmed[chosen],
            self.row_count[chosen],
        )


class _Equals(NamedTuple):
    """Haystack rows with the bytes, or pixels, of each needle: the first, or -1, and how many."""

    first: NDArray[np.int64]
    match_count: NDArray[np.int64]


def find_strongest(
    needles: HashTable,
    haystack: HashTable,
    criteria: CopyCriteria,
    decided: DecidedPairs,
    findings: Findings = NO_FINDINGS,
) -> Strongest:
    """The strongest match of each needle in the haystack.

    Matches are copies, by kind or by decision, and pairs of equal hashes that are none. Rows must
    be in order of priority. Findings have a needle first, as `Findings.between` gives them.
    """
    distinct = _find_distinct(needles)
    strongest = _find_strongest_by_appearance(needles, distinct, haystack, criteria)
    strongest = strongest.take(distinct.of_row)
    _compare_pixels(strongest, needles.content, haystack.content)
    same_pixels = _find_equals(needles.evidence.pixel_digests, haystack.evidence.pixel_digests)
    strongest = _prefer(same_pixels, _SAME_PIXELS, strongest)
    strongest = _prefer(_find_equals(needles.digests, haystack.digests), _IDENTICAL, strongest)
    judged = np.unique(np.concatenate([*decided, findings.pairs])[:, 0])
    if judged.size:
        # of files of the same bytes the same was found: one of them stands for all
        alike = _find_alike(needles, judged, decided)
        first = judged[alike.first]
        found = _find_judged(needles, first, haystack, criteria, decided, findings)
        strongest.put(judged, found.take(alike.of_row))
    return strongest


def strength_keys(
    right: NDArray[np.int64], relation: Relation, confirmed: NDArray[np.bool_]
) -> list[NDArray[Any]]:
    """Keys of `numpy.lexsort` that put the strongest match first."""
    strength = 2 * relation.kind.astype(np.int64)
    strength[confirmed & (relation.kind >= NEAR)] = 2 * NEAR - 1
    other_pixels = relation.same_pixels != SAME_PIXELS
    return [right, relation.orientation, relation.distance, other_pixels, strength]


def _find_distinct(rows: HashTable) -> DistinctRows:
    """Distinct rows by hashes, thumbnails and colours; their bytes may differ."""
    return find_distinct_rows(rows.hashes, *rows.content.appearance)


def _find_strongest_by_appearance(
    needles: HashTable, distinct: DistinctRows, haystack: HashTable, criteria: CopyCriteria
) -> Strongest:
    """The strongest match of each distinct needle, whatever the bytes and decisions."""
    distinct_haystack = _find_distinct(haystack)
    left, left_content = _appearance(needles, distinct)
    right, right_content = _appearance(haystack, distinct_haystack)
    haystack_counts = np.bincount(distinct_haystack.of_row)
    strongest = Strongest.none(distinct.first.size)
    for block in find_matches(left, right, criteria.radius, options=criteria.options):
        relation = relate_matches(
            block,
            left_content,
            right_content,
            criteria.min_score,
            score_near=criteria.score_near,
        )
        unconfirmed = np.zeros(block.left.size, np.bool_)
        found = _Found(block, relation, unconfirmed, haystack_counts[block.right])
        _put_strongest(strongest, found)
    partner = strongest.partner
    matched = partner >= 0
    partner[matched] = distinct_haystack.first[partner[matched]]
    return strongest


def _appearance(rows: HashTable, distinct: DistinctRows) -> tuple[Index, Content]:
    """Hashes and content of distinct rows, whose bytes and pixels mean nothing."""
    evidence = rows.evidence._replace(pixel_digests=np.zeros((len(rows), 2), np.uint64))
    content = rows.content._replace(digests=None, evidence=evidence)
    return Index(rows.hashes[distinct.first], rows.known), content.take(distinct.first)


def _find_alike(
    needles: HashTable, judged: NDArray[np.int64], decided: DecidedPairs
) -> DistinctRows:
    """Judged needles that are distinct by their bytes, pixels and hashes, and by decisions."""
    own = np.where(np.isin(judged, np.concatenate(decided)[:, 0]), judged + 1, 0)[:, None]
    digests = own * 0 + judged[:, None] if needles.digests is None else needles.digests[judged]
    pixels = needles.evidence.pixel_digests[judged]
    return find_distinct_rows(own, digests, pixels, needles.hashes[judged])


def _find_judged(
    needles: HashTable,
    judged: NDArray[np.int64],
    haystack: HashTable,
    criteria: CopyCriteria,
    decided: DecidedPairs,
    findings: Findings,
) -> Strongest:
    """The strongest match of those needles that something is decided or found about.

    Each of their pairs is compared by itself.
    """
    left = Index(needles.hashes[judged], needles.known)
    right = Index(haystack.hashes, haystack.known)
    known = np.unique(
        np.concatenate([_keys(decided.copies), findings_keys := _keys(findings.pairs)])
    )
    known = np.setdiff1d(known, not_copies := _keys(decided.not_copies), assume_unique=True)
    known = known[np.isin(known >> _HALF, judged)]
    settled = np.concatenate([known, not_copies])
    unsettled = []
    for block in find_matches(left, right, criteria.radius, options=criteria.options):
        keys = judged[block.left] << _HALF | block.right
        unsettled.append(block.take(~np.isin(keys, settled)))
    place, partner = np.searchsorted(judged, known >> _HALF), known & _LOW
    pairs = concatenate_matches(
        [*unsettled, Matches(place, partner, *row_distances(left, place, right, partner))]
    )
    relation = relate_matches(
        pairs,
        needles.content.take(judged),
        haystack.content,
        criteria.min_score,
        score_near=criteria.score_near,
    )
    first_known = pairs.left.size - known.size
    found = first_known + np.flatnonzero(np.isin(known, findings_keys))
    of_found = findings.relation.take(np.flatnonzero(np.isin(findings_keys, known)))
    relation.put(found, of_found._replace(distance=relation.distance[found]))
    confirmed = np.zeros(pairs.left.size, np.bool_)
    confirmed[first_known:] = np.isin(known, _keys(decided.copies))
    strongest = Strongest.none(judged.size)
    _put_strongest(strongest, _Found(pairs, relation, confirmed, np.ones_like(pairs.left)))
    return strongest


def _keys(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each pair of a needle and a haystack row, int64 (n,), in the order of pairs."""
    return pairs[:, 0] << _HALF | pairs[:, 1]


def _put_strongest(strongest: Strongest, found: _Found) -> None:
    """Write the strongest match of each needle of which all matches were found."""
    copies = are_copies(found.relation.kind, found.confirmed)
    counted = np.flatnonzero(copies | (found.pairs.distance == 0))
    if not counted.size:
        return
    found = found.take(counted)
    keys = strength_keys(found.pairs.right, found.relation, found.confirmed)
    order = np.lexsort((*keys, found.pairs.left))
    found, copies = found.take(order), copies[counted[order]]
    # the first match of each needle is its strongest
    left = found.pairs.left
    firsts = np.flatnonzero(np.diff(left, prepend=-1))
    like_strongest = copies == np.repeat(copies[firsts], np.diff([*firsts, order.size]))
    strongest.put(
        left[firsts],
        Strongest(
            found.pairs.right[firsts],
            found.relation.take(firsts),
            found.confirmed[firsts],
            np.add.reduceat(found.row_count * like_strongest, firsts),
        ),
    )


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


def _compare_pixels(strongest: Strongest, needles: Content, haystack: Content) -> None:
    """Fill in whether needles have the pixels of their strongest match."""
    matched = np.flatnonzero(strongest.partner >= 0)
    same = needles.same_pixels(matched, haystack, strongest.partner[matched])
    strongest.relation.same_pixels[matched] = same


def _prefer(equals: _Equals, relation: tuple[float, ...], strongest: Strongest) -> Strongest:
    """Put haystack rows of the same bytes, or pixels, and their relation before all others."""
    partner, found, confirmed, count = strongest
    equal = equals.first >= 0
    # where thumbnails agree, equal rows are among the copies counted already
    uncounted = equal & (found.kind >= NEAR)
    near = np.where(found.kind == NEAR, count, 0)
    count = np.where(uncounted, equals.match_count + near, count)
    found.put(equal, relation)
    return Strongest(np.where(equal, equals.first, partner), found, confirmed, count)

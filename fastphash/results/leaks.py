"""Images of one split with a copy in another."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.vocabulary import COLLISION, IDENTICAL, NEAR, SAME
from fastphash.defaults import MIN_SCORE
from fastphash.joins.index import Classes, Index, collapse
from fastphash.joins.matching import matches
from fastphash.joins.options import JoinOptions
from fastphash.results.schemas import LEAKS_SCHEMA, relation_columns, row_names
from fastphash.store.rows import HashTable
from fastphash.verify.verdicts import Relation, relate_matches


def find_leaks(
    needles: HashTable,
    haystack: HashTable,
    radius: int,
    min_score: float | None = MIN_SCORE,
    options: JoinOptions | None = None,
) -> pa.Table:
    """For each needle with a copy (or a collision) in the haystack, the strongest; rows ranked.

    Collisions are those of equal hashes. `matches` counts the further haystack rows that are copies
    too (or collide, where none is one).
    """
    ours, theirs = _classes(needles), _classes(haystack)
    best = _strongest(needles, ours.first, haystack, theirs, radius, min_score, options)
    same, same_count = _same_bytes(needles, haystack)
    rows = np.flatnonzero((best.partner[ours.of_row] >= 0) | (same >= 0))
    of_class = ours.of_row[rows]
    identical = same[rows] >= 0
    strongest = best.relation.take(of_class)
    partner = np.where(identical, same[rows], best.partner[of_class])
    # where no thumbnail vouches for them, the same bytes were no copies so far
    unseen = identical & (strongest.kind >= NEAR)
    copies = np.where(strongest.kind == NEAR, best.counted[of_class], 0)
    further = np.where(unseen, same_count[rows] + copies, best.counted[of_class]) - 1
    strongest.put(identical, _IDENTICAL)
    a, b = row_names(needles, rows), row_names(haystack, partner)
    return pa.table(
        [
            *a[:2],
            *b[:2],
            *relation_columns(strongest),
            pa.array(further, pa.int64()),
            a[2],
            b[2],
        ],
        schema=LEAKS_SCHEMA,
    )


class _Strongest(NamedTuple):
    """Of each class of equal needles, the strongest match by thumbnails; partner is -1 without.

    `counted` are the haystack rows that are copies, or that collide where none is one.
    """

    partner: NDArray[np.int64]
    relation: Relation
    counted: NDArray[np.int64]


# the relation of two files of the same bytes
_IDENTICAL = (IDENTICAL, 0, 0, 1, SAME, 0)


def _strongest(
    needles: HashTable,
    first: NDArray[np.int64],
    haystack: HashTable,
    classes: Classes,
    radius: int,
    min_score: float | None,
    options: JoinOptions | None,
) -> _Strongest:
    best = _Strongest(
        np.full(first.size, -1, np.int64),
        Relation.collisions(first.size),
        np.zeros(first.size, np.int64),
    )
    size = np.bincount(classes.of_row, minlength=classes.first.size)
    left = Index(needles.phashes[first], needles.known)
    right = Index(haystack.phashes[classes.first], haystack.known)
    # equal bytes are another matter: rows of one class may differ in them
    ours = needles.content._replace(digests=None).take(first)
    theirs = haystack.content._replace(digests=None).take(classes.first)
    for found in matches(left, right, radius, options=options):
        every = relate_matches(found, ours, theirs, min_score, near=min_score is not None)
        told = np.flatnonzero((every.kind != COLLISION) | (found.distance == 0))
        if not told.size:
            continue
        block, own = found.take(told), every.take(told)
        kind = own.kind
        # of one needle: the strongest kind, the nearest, orientation order, haystack's priority
        order = np.lexsort((block.right, own.orientation, own.distance, kind, block.left))
        needle = block.left[order]
        starts = np.flatnonzero(np.concatenate(([True], needle[1:] != needle[:-1])))
        chosen, needle = order[starts], needle[starts]
        best.partner[needle] = classes.first[block.right[chosen]]
        best.relation.put(needle, own.take(chosen))
        copy = kind != COLLISION
        like_best = np.repeat(copy[chosen], np.diff([*starts, order.size])) == copy[order]
        best.counted[needle] = np.add.reduceat(size[block.right[order]] * like_best, starts)
    return best


def _classes(rows: HashTable) -> Classes:
    return collapse(rows.phashes, *rows.content.looks)


def _same_bytes(
    needles: HashTable, haystack: HashTable
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each needle the first haystack row of the same bytes, or -1, and how many there are."""
    first = np.full(len(needles), -1, np.int64)
    count = np.zeros(len(needles), np.int64)
    if needles.digests is None or haystack.digests is None or not len(needles):
        return first, count
    classes = collapse(np.concatenate([needles.digests, haystack.digests])).of_row
    ours, theirs = classes[: len(needles)], classes[len(needles) :]
    first_of = np.full(classes.max() + 1, -1, np.int64)
    first_of[theirs[::-1]] = np.arange(theirs.size)[::-1]
    count_of = np.bincount(theirs, minlength=first_of.size)
    return first_of[ours], count_of[ours]

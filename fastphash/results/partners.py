"""Rows that some result may name: a copy of theirs, or an equal hash, is among the others."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import COLLISION
from fastphash.errors import TooManyPairsError
from fastphash.groups.grouping import has_partner
from fastphash.joins.batches import find_matches
from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.index import Index
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import relate_matches

# pairs that are compared to find rows without any copy, by image: by chance there are fewer
_MOST_PER_IMAGE = 8


def find_partnered(
    rows: HashTable, criteria: CopyCriteria, near: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Which rows are a copy of another one by their thumbnails, or have its hash: bool (n,).

    In a wide radius most rows have others by chance. Where pairs are many, or nobody compares
    thumbnails, all rows with another one within the radius are partnered.

    Those are `near` (n,), if they are known.
    """
    if near is None:
        near = has_partner(Index(rows.hashes, rows.known), criteria.radius, criteria.options)
    if not (criteria.score_near and rows.has_thumbnails) or rows.digests is None:
        return near
    # files of the same bytes have one hash, so that each of them is partnered
    distinct = find_distinct_rows(rows.digests)
    partnered = np.bincount(distinct.of_row)[distinct.of_row] > 1
    chosen = distinct.first[near[distinct.first]]
    content = rows.content
    pairs = find_matches(
        Index(rows.hashes[chosen], rows.known),
        None,
        criteria.radius,
        max_pairs=_MOST_PER_IMAGE * rows.searched,
        options=criteria.options,
        whole_rows=False,
    )
    try:
        for batch in pairs:
            matches = batch._replace(left=chosen[batch.left], right=chosen[batch.right])
            kind = relate_matches(matches, content, content, criteria.min_score).kind
            related = np.flatnonzero((kind < COLLISION) | (matches.distance == 0))
            partnered[matches.left[related]] = partnered[matches.right[related]] = True
    except TooManyPairsError:
        return near
    # a file stands for all of its bytes
    return partnered[distinct.first][distinct.of_row]

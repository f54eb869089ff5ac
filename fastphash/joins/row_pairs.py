"""Matches of rows: pairs of distinct rows, expanded to the rows that equal them."""

import numpy as np

from fastphash.errors import TooManyPairsError
from fastphash.joins.distances import row_distances
from fastphash.joins.distinct import DistinctIndex, DistinctPairs
from fastphash.joins.index import Index
from fastphash.joins.matches import INVERSE_MASKS, Matches, concatenate_matches, sort_matches
from fastphash.joins.options import JoinOptions
from fastphash.joins.oriented import find_oriented_pairs
from fastphash.joins.row_lists import count_equal_pairs, count_row_pairs, expand, expand_equal
from fastphash.joins.upright import find_upright_pairs


def find_row_matches(
    left: Index, right: Index | None, radius: int, limit: int, options: JoinOptions
) -> Matches:
    """All matches at once; without `right`, those within `left`, with left < right.

    Raises
    ------
    TooManyPairsError
        More than `limit`.
    """
    upright = left.known == (0,) and (right is None or right.known == (0,))
    find_pairs = find_upright_pairs if upright else find_oriented_pairs
    distinct = find_pairs(left, right, radius, limit, options)
    matches = _expand_pairs(distinct, limit, within=right is None)
    if right is None:
        matches = concatenate_matches([_ascending(matches), _equal_rows(distinct.left)])
    return sort_matches(matches, len(left if right is None else right))


def _expand_pairs(distinct: DistinctPairs, limit: int, *, within: bool) -> Matches:
    """Matches of rows that are not equal, in any order; `limit` counts equal ones, too."""
    left, right, pairs = distinct
    size = count_row_pairs(pairs, left, right)
    total = size + (count_equal_pairs(left) if within else 0)
    if total > limit:
        raise TooManyPairsError(total, limit)
    distance, mask = row_distances(left.hashes, pairs.left, right.hashes, pairs.right)
    rows = expand(pairs, left, right, size)
    return Matches(rows.left, rows.right, distance[rows.origin], mask[rows.origin])


def _ascending(matches: Matches) -> Matches:
    """The same matches with left < right."""
    left, right, distance, mask = matches
    swapped = left > right
    return Matches(
        np.where(swapped, right, left),
        np.where(swapped, left, right),
        distance,
        np.where(swapped, INVERSE_MASKS[mask], mask),
    )


def _equal_rows(distinct: DistinctIndex) -> Matches:
    """Matches of two equal rows, in any order."""
    shared = np.flatnonzero(np.diff(distinct.starts) > 1)
    if not shared.size:
        return concatenate_matches([])
    distance, mask = np.zeros((2, len(distinct.hashes)), np.uint8)
    distance[shared], mask[shared] = row_distances(distinct.hashes, shared, distinct.hashes, shared)
    rows = expand_equal(distinct)
    return Matches(rows.left, rows.right, distance[rows.origin], mask[rows.origin])

"""The keeper of each row, by stars or by connected components."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from fastphash.base.pair_keys import NO_PAIRS, find_places
from fastphash.errors import UsageError
from fastphash.groups.components import component_keepers
from fastphash.groups.copies import IsCopy, RankedRows, copies_by_kind, filter_copies
from fastphash.groups.stars import star_keepers
from fastphash.joins.batches import find_matches
from fastphash.joins.distances import row_distances
from fastphash.joins.distinct import DistinctRows, find_distinct_rows
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches, concatenate_matches
from fastphash.joins.options import JoinOptions
from fastphash.store.content import Content
from fastphash.verification.comparison import Comparison, compare_images
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.flatness import flat_rows
from fastphash.verification.layers import unproven_rows

#: How pairs become groups.
Grouping = Literal["star", "components"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)


def check_grouping(grouping: str) -> None:
    """Raise UsageError for anything but a grouping."""
    if grouping not in GROUPINGS:
        raise UsageError(f"no grouping {grouping!r}: use one of {', '.join(GROUPINGS)}")


class KeeperComparison(NamedTuple):
    """Each row compared with its keeper, a keeper with itself.

    Attributes
    ----------
    keeper : int64 (n,)
    distance : uint8 (n,)
    comparison : Comparison
        The orientation turns the row into its keeper's frame.
    """

    keeper: NDArray[np.int64]
    distance: NDArray[np.uint8]
    comparison: Comparison


def find_copies(
    index: Index,
    content: Content,
    criteria: CopyCriteria,
    *,
    grouping: Grouping = "star",
    is_copy: IsCopy | None = None,
    searched: NDArray[np.bool_] | None = None,
    distinguish_by: Sequence[NDArray[Any]] = (),
    extra: NDArray[np.int64] = NO_PAIRS,
) -> KeeperComparison:
    """Group rows, and compare each with its keeper.

    Parameters
    ----------
    index : Index
        Rows in order of priority.
    content : Content
        Two rows are copies if their thumbnails agree, or are alike by `criteria.min_score`, and
        their colours are not different. Without thumbnails the radius decides.
    criteria : CopyCriteria
    grouping : {"star", "components"}
    is_copy : IsCopy, optional
        Decides instead which pairs within the radius are copies, by the numbers of their rows.
    searched : bool (n,), optional
        Rows whose copies `is_copy` is asked for; of the others only equal ones are copies. By
        default it is asked for all, and without `is_copy` for those whose thumbnails aren't flat.
    distinguish_by : sequence of arrays (n, ...)
        Rows of equal hashes and thumbnails are copies without further ado, unless they differ in
        one of these: then `is_copy` decides.
    extra : int64 (m, 2)
        Pairs of rows that are copies at any distance, whatever `is_copy` says. They must be
        searched, and told apart from the rows that they aren't copies of, by appearance or by
        `distinguish_by`.

    Raises
    ------
    UsageError
        Unknown grouping.
    """
    keeper = find_keepers(
        index,
        content,
        criteria,
        grouping=grouping,
        is_copy=is_copy,
        searched=searched,
        distinguish_by=distinguish_by,
        extra=extra,
    )
    return compare_keepers(index, content, criteria, keeper)


def compare_keepers(
    index: Index, content: Content, criteria: CopyCriteria, keeper: NDArray[np.int64]
) -> KeeperComparison:
    """Compare each row with its keeper, which `find_keepers` gives."""
    rows = np.arange(keeper.size)
    distance, mask = row_distances(index, rows, index, keeper)
    pairs = Matches(rows, keeper, distance, mask)
    comparison = compare_images(pairs, content, content, score_near=criteria.score_near)
    is_keeper = keeper == rows
    distance[is_keeper] = comparison.orientation[is_keeper] = 0
    return KeeperComparison(keeper, distance, comparison)


def find_keepers(
    index: Index,
    content: Content,
    criteria: CopyCriteria,
    *,
    grouping: Grouping = "star",
    is_copy: IsCopy | None = None,
    searched: NDArray[np.bool_] | None = None,
    distinguish_by: Sequence[NDArray[Any]] = (),
    extra: NDArray[np.int64] = NO_PAIRS,
) -> NDArray[np.int64]:
    """The keeper of each row, int64 (n,); parameters are those of `find_copies`."""
    check_grouping(grouping)
    if content.thumbnails is not None:
        flat = flat_rows(content)
        if is_copy is None:
            is_copy = copies_by_kind(criteria.min_score)
            searched = ~flat
        distinguish_by = [*distinguish_by, _identities(content, flat)]
    distinct = find_distinct_rows(index.hashes, *content.appearance, *distinguish_by)
    every_row = RankedRows(index, content, np.arange(len(index)), is_copy, criteria)
    first = distinct.first if searched is None else distinct.first[searched[distinct.first]]
    rows = every_row.take(first)
    extra = _pairs_of_distinct(extra, distinct, first)
    keeper_of_first = star_keepers(rows, extra)
    if grouping == "components":
        keeper_of_first = component_keepers(rows, keeper_of_first, extra)
    keeper = np.arange(len(index))
    keeper[first] = first[keeper_of_first]
    # equal rows join what the first of them joins
    return keeper[distinct.first[distinct.of_row]]


def filter_pairs(block: Matches, index: Index, content: Content, criteria: CopyCriteria) -> Matches:
    """The pairs of a block that are copies for `find_keepers`, in any order.

    `index` and `content` are those of some rows, with thumbnails; pairs are of these.
    """
    flat = flat_rows(content)
    equal = find_distinct_rows(index.hashes, *content.appearance, _identities(content, flat)).of_row
    are_equal = equal[block.left] == equal[block.right]
    searched = ~(are_equal | flat[block.left] | flat[block.right])
    is_copy = copies_by_kind(criteria.min_score)
    rows = RankedRows(index, content, np.arange(len(index)), is_copy, criteria)
    copies = filter_copies(block.take(np.flatnonzero(searched)), rows, rows)
    return concatenate_matches([block.take(np.flatnonzero(are_equal)), copies])


def borrows_pixels(content: Content) -> bool:
    """Whether a row without a digest of its pixels needs that of another row of its bytes."""
    if content.evidence is None or content.digests is None or content.thumbnails is None:
        return False
    doubtful = flat_rows(content) | unproven_rows(content.evidence)
    return bool((doubtful & ~content.evidence.pixels_known).any())


def _pairs_of_distinct(
    pairs: NDArray[np.int64], distinct: DistinctRows, first: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Pairs of rows as pairs of places in `first`, the lower first, each once, in order."""
    if not pairs.size:
        return pairs
    places = find_places(first, distinct.first[distinct.of_row[pairs.reshape(-1)]]).reshape(-1, 2)
    different = (places >= 0).all(axis=1) & (places[:, 0] != places[:, 1])
    return np.unique(np.sort(places[different], axis=1), axis=0)


def _identities(content: Content, flat: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """What tells rows apart whose equal appearance proves nothing, uint64 (n, 2); 0 for others.

    Those are flat ones, and images whose further frames are flat, too many or of an unknown number.
    They are told apart by their pixels, else by their bytes; where nothing is known, each is one of
    its own.
    """
    doubtful = flat.copy()
    identities = np.zeros((flat.size, 2), np.uint64)
    # a row number as a digest of which 64 bits are ones
    identities[:, 0], identities[:, 1] = np.arange(flat.size), ~np.uint64(0)
    if content.digests is not None:
        identities[:] = content.digests
    if content.evidence is not None:
        doubtful |= unproven_rows(content.evidence)
        known = content.evidence.pixels_known
        pixels = content.evidence.pixel_digests
        if content.digests is not None and (doubtful & ~known).any():
            # of two rows of the same bytes, an earlier version may have hashed one
            pixels = _shared(pixels, find_distinct_rows(content.digests))
            known = np.asarray(pixels.any(axis=1))
        identities[known] = pixels[known]
    identities[~doubtful] = 0
    return identities


def _shared(values: NDArray[np.uint64], equal: DistinctRows) -> NDArray[np.uint64]:
    """The values (n, 2) of rows, or where they are 0, those of an equal row that has any."""
    of_distinct = np.zeros((equal.first.size, 2), np.uint64)
    known = values.any(axis=1)
    of_distinct[equal.of_row[known]] = values[known]
    return of_distinct[equal.of_row]


def has_partner(index: Index, radius: int, options: JoinOptions | None = None) -> NDArray[np.bool_]:
    """Whether each row is within a radius of another, in some orientation: bool (n,)."""
    criteria = CopyCriteria(radius, None, options or JoinOptions())
    if criteria.options.disk is not None:
        found = criteria.options.disk.partnered(index, radius, criteria.options)
        if found is not None:
            return _without_strangers(index, found[0], criteria, exact=found[1])
    distinct = find_distinct_rows(index.hashes)
    hashes = index.choose(distinct.first)
    keeper = star_keepers(RankedRows(hashes, Content(), distinct.first, None, criteria))
    rows = np.arange(keeper.size)
    partnered = np.bincount(distinct.of_row, minlength=rows.size) > 1
    is_copy = keeper != rows
    partnered[is_copy] = True
    partnered[keeper[is_copy]] = True
    # no two keepers are within the radius: those without a partner can only be near a copy
    alone, copies = np.flatnonzero(~partnered), np.flatnonzero(is_copy)
    left, right = hashes.choose(alone), hashes.choose(copies)
    blocks = find_matches(left, right, radius, options=criteria.options, whole_rows=False)
    for block in blocks:
        partnered[alone[block.left]] = True
    return partnered[distinct.of_row]


def _without_strangers(
    index: Index, rows: NDArray[np.int64], criteria: CopyCriteria, *, exact: bool
) -> NDArray[np.bool_]:
    """Which rows are within the radius of another: those found on the disk, but for a few.

    A row that is near itself alone, turned, was found, too; and perhaps some others, if they are
    not `exact`.
    """
    in_memory = replace(criteria.options, disk=None)
    partnered = np.zeros(len(index), np.bool_)
    partnered[rows] = True
    some = index.take(rows)
    if not exact:
        partnered[rows] = has_partner(some, criteria.radius, in_memory)
        return partnered
    doubtful = np.zeros(rows.size, np.bool_)
    for turn in some.known[1:]:
        doubtful |= np.bitwise_count(some.column(turn) ^ some.column(0)) <= criteria.radius
    # those that equal another have a partner
    distinct = find_distinct_rows(some.hashes)
    doubtful &= np.bincount(distinct.of_row)[distinct.of_row] == 1
    alone = np.flatnonzero(doubtful)
    left, right = some.take(alone), some.take(distinct.first)
    partnered[rows[alone]] = False
    blocks = find_matches(left, right, criteria.radius, options=in_memory, whole_rows=False)
    for block in blocks:
        other = distinct.first[block.right] != alone[block.left]
        partnered[rows[alone[block.left[other]]]] = True
    return partnered

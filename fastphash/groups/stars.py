"""Stars: each row joins the first keeper that it is a copy of, or becomes a keeper."""

import math

import numpy as np
from numpy.typing import NDArray

from fastphash.base.pair_keys import NO_PAIRS, find_places
from fastphash.errors import TooManyPairsError
from fastphash.groups.copies import RankedRows, filter_copies
from fastphash.joins.batches import find_matches
from fastphash.joins.matches import Matches
from fastphash.kernels import union_find

# most pairs in memory while rows are grouped among themselves; with more, fewer rows are tried
_PAIRS_HELD = 1 << 21
# bytes that each takes meanwhile, and the part of the memory for them. Of many copies, a round of
# few rows finds the keepers, and the others are compared with these alone
_HELD_BYTES = 128
_HELD_SHARE = 1 / 4
# part of the pairs that a round is planned for: as many rows may have more than others had
_PLANNED = 0.8
# factor by which the number of rows then shrinks, and grows again afterwards
_GROWTH = 8


def star_keepers(rows: RankedRows, extra: NDArray[np.int64] = NO_PAIRS) -> NDArray[np.int64]:
    """The keeper of each row, int64 (n,); a keeper is its own.

    Each round groups the first ungrouped rows among themselves, as many as have few enough pairs.
    The new keepers then take their copies from all later rows. So few pairs are in memory at once.

    Parameters
    ----------
    rows : RankedRows
    extra : int64 (m, 2)
        Pairs of rows that are copies at any distance, the lower row first, in order.
    """
    keeper = np.arange(len(rows.hashes))
    ungrouped = keeper.copy()
    size = max(ungrouped.size, 1)
    while ungrouped.size:
        head, rest = ungrouped[:size], ungrouped[size:]
        first = rows.take(head)
        most = _most_pairs(rows)
        blocks = _pairs_within(first, most)
        if blocks is None:
            size = max(head.size // _GROWTH, 1)
            continue
        of_head, of_rest = _split_extra(extra, head, rest)
        keeper[head] = head[_stars_of_pairs(first, blocks, of_head)]
        new_keepers = head[keeper[head] == head]
        ungrouped = rest[~_assign(rows, new_keepers, rest, of_rest, keeper)]
        size = head.size * _GROWTH
        if pairs := sum(block.left.size for block in blocks):
            # they grow as the square of the rows
            size = max(min(size, int(head.size * math.sqrt(_PLANNED * most / pairs))), 1)
    return keeper


def _most_pairs(rows: RankedRows) -> int:
    share = int(rows.criteria.options.memory * _HELD_SHARE)
    return min(max(share // _HELD_BYTES, 1), _PAIRS_HELD)


def _pairs_within(rows: RankedRows, most: int) -> list[Matches] | None:
    """All pairs of these rows; None if there are too many to hold them."""
    radius, options = rows.criteria.radius, rows.criteria.options
    try:
        return list(find_matches(rows.hashes, None, radius, max_pairs=most, options=options))
    except TooManyPairsError:
        return None


def _split_extra(
    extra: NDArray[np.int64], head: NDArray[np.int64], rest: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of two rows of `head`, by their places in it; and of one of `head`, one of `rest`.

    Every row of `head` comes before those of `rest`, and both ascend.
    """
    if not extra.size:
        return extra, extra
    places = find_places(head, extra.reshape(-1)).reshape(-1, 2)
    in_rest = find_places(rest, extra[:, 1]) >= 0
    return places[(places >= 0).all(axis=1)], extra[(places[:, 0] >= 0) & in_rest]


def _stars_of_pairs(
    rows: RankedRows, blocks: list[Matches], extra: NDArray[np.int64]
) -> NDArray[np.int64]:
    keeper = np.arange(len(rows.hashes))
    start = 0
    for block in blocks:
        copies = filter_copies(block, rows, rows)
        if not copies.left.size:
            continue
        stop = int(np.searchsorted(extra[:, 0], copies.left[-1], "right"))
        left, right = _merge(copies, extra[start:stop])
        union_find.stars_of_pairs(left, right, keeper)
        start = stop
    left, right = np.ascontiguousarray(extra[start:].T)
    union_find.stars_of_pairs(left, right, keeper)
    return keeper


def _merge(
    copies: Matches, extra: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Left and right rows of both, ascending by left."""
    if not extra.size:
        return copies.left, copies.right
    left, right = np.concatenate([np.stack([copies.left, copies.right], axis=1), extra]).T
    order = np.argsort(left, kind="stable")
    return left[order], right[order]


def _assign(
    rows: RankedRows,
    keepers: NDArray[np.int64],
    rest: NDArray[np.int64],
    extra: NDArray[np.int64],
    keeper: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Give each row of `rest` the first of these keepers that the row is a copy of.

    `extra` are pairs of an earlier row and one of `rest`.

    Writes into `keeper`, and returns which rows of `rest` now have one: bool (r,).
    """
    if not rest.size:
        return np.zeros(0, np.bool_)
    no_keeper = keeper.size
    first_keeper = np.full(rest.size, no_keeper)
    left, right = rows.take(keepers), rows.take(rest)
    options, radius = rows.criteria.options, rows.criteria.radius
    blocks = find_matches(left.hashes, right.hashes, radius, options=options, whole_rows=False)
    for block in blocks:
        copies = filter_copies(block, left, right)
        np.minimum.at(first_keeper, copies.right, keepers[copies.left])
    of_keepers = extra[keeper[extra[:, 0]] == extra[:, 0]]
    np.minimum.at(first_keeper, np.searchsorted(rest, of_keepers[:, 1]), of_keepers[:, 0])
    assigned = first_keeper < no_keeper
    keeper[rest[assigned]] = first_keeper[assigned]
    return assigned

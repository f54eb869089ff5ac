"""Searches by views among sets of near copies, of which each has a representative."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.options import JoinOptions
from fastphash.joins.views import (
    KEPT,
    ViewedRows,
    ViewMatches,
    ascending_pairs,
    find_view_batches,
)

# bytes that the views of a row take, twice, while it is searched; the part of the memory for them;
# and rows that are searched at once, however little that is
_ROW_BYTES = 1_000
_SHARE = 1 / 4
_LEAST_ROWS = 1 << 15


def find_batches_of_sets(
    rows: ViewedRows,
    representative: NDArray[np.int64],
    radius: int,
    *,
    kept: int = KEPT,
    options: JoinOptions | None = None,
) -> Iterator[ViewMatches]:
    """The batches of `find_view_batches` within one table, less pairs that sets make redundant.

    Two sets of k rows have k * k pairs. Those without a representative are not searched, nor those
    of one set: fewer than 2 * k remain.

    Parameters
    ----------
    rows : ViewedRows
    representative : int64 (n,)
        The row that stands for each row's set; it stands for itself.
    radius : int
    kept : int
    options : JoinOptions, optional
    """
    stands = representative == np.arange(representative.size)
    standing, others = np.flatnonzero(stands), np.flatnonzero(~stands)
    chosen = rows.take(standing)
    for found in find_view_batches(chosen, None, radius, kept=kept, options=options):
        yield found._replace(left=standing[found.left], right=standing[found.right])
    if not others.size:
        return
    for some in _in_parts(rows, others, options or JoinOptions()):
        for found in find_view_batches(chosen, rows.take(some), radius, kept=kept, options=options):
            pairs = found._replace(left=standing[found.left], right=some[found.right])
            between = representative[pairs.right] != pairs.left
            ascending = ascending_pairs(pairs.take(between))
            order = np.lexsort((ascending.distance, ascending.right, ascending.left))
            yield ascending.take(order)


def _in_parts(
    rows: ViewedRows, chosen: NDArray[np.int64], options: JoinOptions
) -> Iterator[NDArray[np.int64]]:
    """The chosen rows, ascending, as many at a time as fit into a part of the memory.

    Rows of equal hashes are in one part: they may be equal in all hashes, which are searched once.
    """
    most = max(int(options.memory * _SHARE) // _ROW_BYTES, _LEAST_ROWS)
    if chosen.size <= most:
        yield chosen
        return
    number = find_distinct_rows(rows.frames.hashes[chosen]).of_row
    order = np.argsort(number, kind="stable")
    ordered = number[order]
    start = 0
    while start < chosen.size:
        last = min(start + most, chosen.size) - 1
        stop = int(np.searchsorted(ordered, ordered[last], "right"))
        yield np.sort(chosen[order[start:stop]])
        start = stop

"""Searches by views among sets of near copies, of which each has a representative."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.options import JoinOptions
from fastphash.joins.views import (
    KEPT,
    ViewedRows,
    ViewMatches,
    ascending_pairs,
    find_view_batches,
)


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
    for found in find_view_batches(chosen, rows.take(others), radius, kept=kept, options=options):
        pairs = found._replace(left=standing[found.left], right=others[found.right])
        between = representative[pairs.right] != pairs.left
        ascending = ascending_pairs(pairs.take(between))
        order = np.lexsort((ascending.distance, ascending.right, ascending.left))
        yield ascending.take(order)

"""Images whose hashes have too little quality to be compared: pictures that are flat."""

import numpy as np
from numpy.typing import NDArray

from fastphash.store.rows import HashTable


def poor_rows(rows: HashTable, least: int) -> NDArray[np.bool_]:
    """Rows with a hash of less quality, and with bytes that no other row has: bool (n,).

    Files of the same bytes are copies, whatever their hashes are worth.
    """
    poor = rows.below_quality(least)
    if rows.digests is None or not poor.any():
        return poor
    from fastphash.joins.distinct import find_distinct_rows  # imported late: numba takes 110 MB

    distinct = find_distinct_rows(rows.digests)
    times = np.bincount(distinct.of_row)
    alone: NDArray[np.bool_] = times[distinct.of_row] == 1
    return poor & alone

"""Rows and pairs of rows looked up by their numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: No pairs of rows.
NO_PAIRS = np.empty((0, 2), np.int64)


def pair_keys(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.uint64]:
    """One number for each pair of rows below 2**32, the same for (a, b) and (b, a): uint64 (n,)."""
    low, high = np.minimum(left, right), np.maximum(left, right)
    return low.astype(np.uint64) << np.uint64(32) | high.astype(np.uint64)


def find_places(values: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.int64]:
    """Where each wanted value is among `values`, in any order; -1 if it isn't: int64 (n,)."""
    if not (values.size and wanted.size):
        return np.full(wanted.size, -1)
    order = np.argsort(values, kind="stable")
    nearest = np.minimum(np.searchsorted(values, wanted, sorter=order), values.size - 1)
    return np.where(values[order[nearest]] == wanted, order[nearest], -1)

"""Hashes of windows: the same ones of all images, and those that some have for themselves."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class ComparedWindows(NamedTuple):
    """The same v windows of n images.

    Attributes
    ----------
    hashes : uint64 (n, v)
    edges : float32 (v, 4)
        As in `Window`.
    degrees : int8 (v,)
        By how many each is turned about its middle, clockwise.
    """

    hashes: NDArray[np.uint64]
    edges: NDArray[np.float32]
    degrees: NDArray[np.int8]


class OwnWindows(NamedTuple):
    """Windows that some of n images have for themselves.

    Attributes
    ----------
    rows : int64 (k,)
        The images, ascending; some several times.
    windows : float64 (k, 4)
        As in `Window`.
    hashes : uint64 (k,)
    """

    rows: NDArray[np.int64]
    windows: NDArray[np.float64]
    hashes: NDArray[np.uint64]

    @classmethod
    def none(cls) -> "OwnWindows":
        """None at all."""
        return cls(np.empty(0, np.int64), np.empty((0, 4)), np.empty(0, np.uint64))

    def among(self, rows: NDArray[np.int64]) -> "OwnWindows":
        """Those of these images, ascending, by their places in `rows`."""
        kept = np.isin(self.rows, rows)
        places = np.searchsorted(rows, self.rows[kept])
        return OwnWindows(places, self.windows[kept], self.hashes[kept])

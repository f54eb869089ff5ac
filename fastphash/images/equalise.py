"""Values of any range as grey levels by their ranks, so that no outlier hides the others."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Pixels along a side: a thumbnail needs no more.
RANKED_SIDE = 256
# share of pixels of one value from which it is set apart
_GROUND = 0.05


class Equalised(NamedTuple):
    """Values by their ranks, and how much of their order grey levels lose.

    Attributes
    ----------
    grey : uint8 (h', w')
        Ranks, 0 to 255, of at most 256 pixels a side. Values that aren't finite rank lowest; equal
        ones have the middle of their ranks, so that a constant becomes 127. A value that fills much
        of the picture, often the one for "no data", is 0, and the others are 32 to 255.
    lost : float
        Share of pairs of different values that have one grey level; the most frequent value doesn't
        count.
    """

    grey: NDArray[np.uint8]
    lost: float


def equalise(values: NDArray[Any], levels: NDArray[np.uint8] | None = None) -> Equalised:
    """Rank the values (h, w), whose grey levels are `levels` (h, w)."""
    rows, columns = (max(-(-side // RANKED_SIDE), 1) for side in values.shape)
    values = values[::rows, ::columns]
    if not np.issubdtype(values.dtype, np.integer):
        values = np.where(np.isfinite(values), values, -np.inf)
    _, first, place, counts = np.unique(
        values, return_index=True, return_inverse=True, return_counts=True
    )
    grey = np.ascontiguousarray(_levels_by_rank(counts)[place.reshape(values.shape)])
    lost = 0.0
    if levels is not None:
        lost = _lost_order(counts, levels[::rows, ::columns].reshape(-1)[first])
    return Equalised(grey, lost)


def _levels_by_rank(counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The grey level of each value, of values in ascending order that occur so often."""
    ground = counts.argmax()
    if counts.size == 1 or counts[ground] < _GROUND * counts.sum():
        ranks = np.cumsum(counts) - counts / 2
        return np.asarray(np.floor(255 * ranks / counts.sum()), np.uint8)
    others = counts.copy()
    others[ground] = 0
    ranks = np.cumsum(others) - others / 2
    levels: NDArray[np.uint8] = np.floor(32 + 223 * ranks / others.sum()).astype(np.uint8)
    levels[ground] = 0
    return levels


def _lost_order(counts: NDArray[np.int64], levels: NDArray[np.uint8]) -> float:
    """`Equalised.lost` of values that occur so often, given the grey level of each."""
    others = counts.astype(np.float64)
    others[counts.argmax()] = 0
    if not others.any():
        return 0.0
    others /= others.sum()
    one_value = (others**2).sum()
    one_level = (np.bincount(levels, others) ** 2).sum()
    return float((one_level - one_value) / (1 - one_value)) if one_value < 1 else 0.0

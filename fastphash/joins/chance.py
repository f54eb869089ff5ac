"""How many rows are near one another by chance, estimated from their hashes alone.

`chance_neighbours` estimates how many rows a row has at each distance by chance. `widest_radius`
says at which radius these are few enough. `choose_radius` does both.
"""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.machine import core_count
from fastphash.defaults import CANDIDATES
from fastphash.joins.distances import count_pairs_by_distance
from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.index import Index

#: The largest radius to choose for 64 bits: beyond it one pair in a few hundred is near by chance.
MAX_RADIUS = 16
#: For 256 bits, where chance leaves room, by how many rows are searched: in eight orientations,
#: each takes some 10 s on two cores. The usual radius of PDQ is 31.
_MAX_WIDE_RADII = {10_000: 80, 30_000: 64, 100_000: 48}
_MAX_WIDE_RADIUS = 30
# rows of a sample, all pairs of which are counted: 2 and 8 million pairs
_SAMPLE = 2048
_LARGE_SAMPLE = 4096
_LARGE = 50_000
# distances of hashes of 64 bits, in steps of two, at which hardly any pair is of copies; the counts
# at smaller distances are extrapolated from them. The tail is four times as long for 256 bits.
_TAIL_START, _TAIL_STOP = 14, 20
# a count of the tail weighs no more than this many, so that the last one does not decide alone
_MAX_WEIGHT = 400.0


def chance_neighbours(rows: Index) -> NDArray[np.float64]:
    """How many rows are at each distance of a row by chance, on average over all rows.

    Returns
    -------
    float64 (bits + 1,)
        Below 14 of 64 bits, or 56 of 256, at even distances only: each counts what is there and one
        bit below. Nearly all hashes are an even distance apart.

    Notes
    -----
    All pairs of a sample of rows, evenly spaced and distinct, are counted by distance.

    From 14 bits up all pairs count as chance. Below, some are copies. Two estimates are made there,
    and the larger is taken:

    - Counts go on to fall as they do from 20 to 14 of 64 bits, or from 80 to 56 of 256: by the same
      factor for each bit. This errs where hashes agree in many bits.
    - As many rows are near a row as near its negative. A negative is a copy of nothing, and its
      hash has all bits complemented, in some algorithms but the first. This errs where pictures
      look unlike any negative: dark print on white, for example.

    No more pairs are taken than were counted, plus an allowance for sampling error.
    """
    return neighbours_of_sample(rows.take(sample_rows(len(rows))), len(rows))


def sample_rows(rows: int) -> NDArray[np.int64]:
    """Those of so many rows that tell of all, evenly spaced: int64 (n,).

    >>> sample_rows(3)
    array([0, 1, 2])
    """
    size = _LARGE_SAMPLE if rows >= _LARGE else _SAMPLE
    return np.unique(np.linspace(0, rows - 1, size).astype(np.int64)) if rows else np.empty(0, int)


def neighbours_of_sample(sample: Index, rows: int) -> NDArray[np.float64]:
    """What `chance_neighbours` gives for so many rows, of which `sample_rows` are the sample."""
    if rows < 2:
        return np.zeros(sample.bits + 1)
    distinct = sample.take(find_distinct_rows(sample.hashes).first)
    least, greatest = count_pairs_by_distance(distinct, core_count())
    # neighbours that a row would have if all rows had the sample's share of distinct ones
    other_rows = rows * len(distinct) / len(sample) - 1
    return _chance_pairs(least, greatest) * (other_rows / max(int(least.sum()), 1))


def largest_radius(bits: int, rows: int) -> int:
    """The largest radius to choose for so many hashes.

    >>> largest_radius(64, 5_000_000), largest_radius(256, 8_000), largest_radius(256, 5_000_000)
    (16, 80, 30)
    """
    if bits == 64:
        return MAX_RADIUS
    fitting = (radius for most, radius in _MAX_WIDE_RADII.items() if rows <= most)
    return next(fitting, _MAX_WIDE_RADIUS)


def widest_radius(neighbours: NDArray[np.float64], rows: int, per_image: float = CANDIDATES) -> int:
    """The largest radius at which an image has at most `per_image` neighbours by chance.

    Even, since hardly any distance is odd; `largest_radius` at most.

    Parameters
    ----------
    neighbours : float64 (bits + 1,)
        By distance, from `chance_neighbours`.
    rows : int
        How many hashes are searched.
    per_image : float
    """
    most = largest_radius(neighbours.size - 1, rows)
    few_enough = np.cumsum(neighbours)[: most + 1 : 2] <= per_image
    return 2 * max(int(few_enough.sum()) - 1, 0)


def choose_radius(rows: Index, per_image: float = CANDIDATES) -> int:
    """The `widest_radius` for the `chance_neighbours` of these rows.

    Examples
    --------
    >>> import numpy as np
    >>> choose_radius(Index(np.array([7, 5], np.uint64)))
    16
    """
    return widest_radius(chance_neighbours(rows), len(rows), per_image)


def _chance_pairs(least: NDArray[np.int64], greatest: NDArray[np.int64]) -> NDArray[np.float64]:
    """How many pairs of a sample are at each distance by chance: float64 (bits + 1,).

    Parameters
    ----------
    least, greatest : int64 (bits + 1,)
        The sample's pairs, as `count_pairs_by_distance` counts them.
    """
    scale = least.size // 64
    tail = np.arange(_TAIL_START * scale, _TAIL_STOP * scale + 1, 2)
    even = np.arange(0, tail[0], 2)
    chance = least.astype(np.float64)
    chance[: tail[0]] = 0
    # where half of the bits are set, but the first is not complemented, the negative of a hash at
    # distance d is at the odd distance 63 - d: the mean of the counts on either side stands for an
    # even distance
    of_negatives = np.concatenate(([0], greatest[-2::-1])).astype(np.float64)
    of_negatives[1:] += of_negatives[:-1].copy()
    negatives = np.sqrt(of_negatives[even] * of_negatives[even + 2])
    counted = np.diff(np.cumsum(least)[even], prepend=0)
    # plus two standard errors, and three pairs where next to none were counted
    at_most = counted + 2 * np.sqrt(counted) + 3
    chance[even] = np.minimum(np.maximum(negatives, _extrapolate(least, tail, even)), at_most)
    return chance


def _extrapolate(
    least: NDArray[np.int64], tail: NDArray[np.int64], even: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Counts at even distances, from a line through the logarithms of those in the tail."""
    counts = (least[tail] + least[tail - 1]).astype(np.float64)
    counted = counts > 0
    if counted.sum() < 2:
        return np.zeros(even.size)
    weight = np.sqrt(np.minimum(counts[counted], _MAX_WEIGHT))
    slope, level = np.polyfit(tail[counted], np.log(counts[counted]), 1, w=weight)
    return np.asarray(np.exp(level + max(slope, 0.0) * even))

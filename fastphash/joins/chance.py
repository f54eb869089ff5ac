"""How many images are near one another by chance, told from their hashes alone."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.machine import core_count
from fastphash.joins.index import Index, collapse
from fastphash.joins.relation import count_pairs_by_distance

#: The largest radius that is proposed: beyond it one pair in a few hundred is near by chance.
MOST_RADIUS = 16
#: Chance candidates of an image that are worth a closer look.
PER_IMAGE = 10.0

# rows of a sample, of which every pair is compared: 2 and 8 million pairs
_SAMPLE = 2048
_LARGE_SAMPLE = 4096
_LARGE = 50_000
# distances at which hardly a pair is of copies, and which are near enough to say how it goes on
_TAIL = np.arange(14, 21, 2)
# a count of the tail weighs no more than this many, lest the last one decides alone
_WEIGHT = 400.0


def expected_pairs(rows: Index) -> NDArray[np.float64]:
    """How many rows are at each distance of a row by chance, in the mean over all rows.

    Parameters
    ----------
    rows : Index

    Returns
    -------
    float64 (65,)
        Below 14 bits at even distances only, which nearly all are.

    Notes
    -----
    All pairs within a sample of rows, evenly spaced and without equal ones, are counted by
    distance. From 14 bits up they are taken for chance, whatever they are. Below, copies may be
    among them, so that two guesses are made, and the larger taken: that counts go on to fall by
    the same factor for each bit as they do from 20 to 14, and as many as there are with
    negatives, whose hashes have all bits but the first complemented, and which are copies of
    nothing. The first errs where hashes go together much, the second where all pictures are of a
    kind that their negatives aren't, as dark print on white; so no more are taken than were
    counted, but for what that may have missed by luck.
    """
    if len(rows) < 2:
        return np.zeros(65)
    many = _LARGE_SAMPLE if len(rows) >= _LARGE else _SAMPLE
    sampled = rows.take(np.unique(np.linspace(0, len(rows) - 1, many).astype(np.int64)))
    sample = sampled.take(collapse(sampled.hashes).first)
    least, most = count_pairs_by_distance(sample, core_count())
    # what the rows would be if as many of all were equal
    others = len(rows) * len(sample) / len(sampled) - 1
    return chance_counts(least, most) * (others / max(int(least.sum()), 1))


def chance_counts(least: NDArray[np.int64], most: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of pairs counted as `count_distances` does, those by chance at each distance: (65,)."""
    even = np.arange(0, _TAIL[0], 2)
    chance = least.astype(np.float64)
    chance[: _TAIL[0]] = 0
    # hashes with 32 bits set are at odd distances of negatives: the mean of those on either side
    reversed_most = np.concatenate(([0], most[63::-1])).astype(np.float64)
    negatives = np.sqrt(reversed_most[even] * reversed_most[even + 2])
    counted = np.diff(np.cumsum(least)[even], prepend=0)
    at_most = counted + 2 * np.sqrt(counted) + 3
    chance[even] = np.minimum(np.maximum(negatives, _continued(least, even)), at_most)
    return chance


def _continued(least: NDArray[np.int64], even: NDArray[np.int64]) -> NDArray[np.float64]:
    """Counts at even distances, by a line through the logarithms of those in the tail."""
    counts = (least[_TAIL] + least[_TAIL - 1]).astype(np.float64)
    some = counts > 0
    if some.sum() < 2:
        return np.zeros(even.size)
    weight = np.sqrt(np.minimum(counts[some], _WEIGHT))
    slope, level = np.polyfit(_TAIL[some], np.log(counts[some]), 1, w=weight)
    return np.asarray(np.exp(level + max(slope, 0.0) * even))


def proposing_radius(rows: Index, per_image: float = PER_IMAGE) -> int:
    """The largest radius at which an image has at most so many candidates by chance.

    Even, since hardly any distance is odd, and `MOST_RADIUS` at most.

    Parameters
    ----------
    rows : Index
    per_image : float
        Candidates of an image, in the mean, by `expected_pairs`.

    Examples
    --------
    >>> import numpy as np
    >>> proposing_radius(Index(np.array([7, 5], np.uint64)))
    16
    """
    return radius_for(expected_pairs(rows), per_image)


def radius_for(expected: NDArray[np.float64], per_image: float = PER_IMAGE) -> int:
    """The radius that `proposing_radius` gives, from what `expected_pairs` gave."""
    within = np.cumsum(expected)[: MOST_RADIUS + 1 : 2] <= per_image
    return 2 * max(int(within.sum()) - 1, 0)

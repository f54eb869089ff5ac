"""The radius of each algorithm where the distance alone tells copies."""

from fastphash.defaults import RADIUS
from fastphash.hashing.algorithms import PDQ, Algorithm
from fastphash.joins.chance import largest_radius

#: PDQ's is that of its authors: different pictures are rarer there than by the others.
_PDQ_RADIUS = 31
#: The others': different pictures are as rare there as by phash. By the algorithms that are not
#: named more of them have equal hashes, or as many: see `benchmarks/accuracy/hashes.py`.
_RADII = {"phash": RADIUS, "phash_256": 54}


def usual_radius(algorithm: Algorithm, rows: int) -> int:
    """The radius within which plain edits of a picture lie, and next to no others.

    `benchmarks/accuracy/radius.py` prints the shares. No more than an audit of so many rows
    searches at all.

    Examples
    --------
    >>> from fastphash.hashing.algorithms import ALGORITHMS
    >>> [usual_radius(ALGORITHMS[name], 1000) for name in ("phash", "phash_256", "ahash", "pdq")]
    [4, 54, 0, 31]
    >>> usual_radius(ALGORITHMS["phash_256"], 10**6)
    30
    """
    if algorithm == PDQ:
        return _PDQ_RADIUS
    return min(_RADII.get(algorithm.name, 0), largest_radius(algorithm.bits, rows))

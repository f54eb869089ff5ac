"""The radius of each algorithm where the distance alone tells copies."""

from fastphash.defaults import RADIUS
from fastphash.hashing.algorithms import Algorithm

#: Usual radius by the bits of a hash, where the algorithm has none of its own.
_USUAL = {64: RADIUS, 256: 16}
#: PDQ's is that of its authors.
_OF_ALGORITHM = {"pdq": 31}


def usual_radius(algorithm: Algorithm) -> int:
    """The radius within which most plain edits of a picture lie, and next to no others.

    `benchmarks/accuracy/radius.py` prints the shares.
    """
    return _OF_ALGORITHM.get(algorithm.name, _USUAL[algorithm.bits])

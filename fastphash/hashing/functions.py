"""What computes the hashes of each algorithm: an image is reduced, and a batch of these hashed."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import PassOrder
from fastphash.hashing.algorithms import PDQ
from fastphash.hashing.image_hashes import ImageHash, image_hash
from fastphash.images.decode import Decoded
from fastphash.images.thumbnail import Pairs, Size

Reduce: TypeAlias = Callable[[Decoded, PassOrder, bool, Pairs | None], NDArray[Any]]


class HashFunction(NamedTuple):
    """An algorithm in two steps, so that the second works on many images at once.

    Attributes
    ----------
    reduce : callable
        An image, the pass order, whether all orientations are wanted, and what its thumbnails have
        in common, to the small array that its hashes are made from. Algorithms of the same array
        have the same function.
    hash : callable
        A batch of such arrays, (n, ...), to uint64 (n, 8, words), or (n, 1, words) of the upright
        orientation alone.
    quality : callable, optional
        A batch of such arrays to uint8 (n,): how much of a picture there is to hash, 0 to 100.
    takes_pixels : bool
        Whether `reduce` needs `Decoded.pixels`.
    """

    reduce: Reduce
    hash: Callable[[NDArray[Any]], NDArray[np.uint64]]
    quality: Callable[[NDArray[Any]], NDArray[np.uint8]] | None = None
    takes_pixels: bool = False


def hash_function(algorithm: str) -> HashFunction:
    """What computes the hashes of an algorithm."""
    if algorithm == PDQ.name:
        from fastphash.hashing import pdq_squares as pdq  # imported late: numba takes 110 MB

        return HashFunction(
            pdq.reduce_image, pdq.hash_squares, pdq.square_qualities, takes_pixels=True
        )
    made = image_hash(algorithm)
    return HashFunction(_reducer(made.reduced_as), made.hash)


@functools.cache
def _reducer(made: ImageHash) -> Reduce:
    def reduce(
        image: Decoded, pass_order: PassOrder, orientations: bool, pairs: Pairs | None
    ) -> NDArray[Any]:
        how = pass_order, image.extent, pairs
        return made.reduce(image.grey, *how, orientations=orientations)

    return reduce


def resized_sizes(algorithm: str, width: int, height: int) -> tuple[Size, ...]:
    """The sizes to which an algorithm has Pillow's filter resize an image of this one."""
    if algorithm == PDQ.name:  # it has a filter of its own
        return ()
    return (image_hash(algorithm).size(width, height),)

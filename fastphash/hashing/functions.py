"""What computes the hashes of each algorithm: an image is reduced, and a batch of these hashed."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import PassOrder
from fastphash.hashing.phash import hash_orientations, hash_thumbnails
from fastphash.images.decode import Decoded
from fastphash.images.thumbnail import both_thumbnails, thumbnail


class HashFunction(NamedTuple):
    """An algorithm in two steps, so that the second works on many images at once.

    Attributes
    ----------
    reduce : callable
        An image, the pass order, and whether all orientations are wanted, to the small array that
        its hashes are made from.
    hash : callable
        A batch of such arrays, (n, ...), to uint64 (n, 8, words), or (n, 1, words) of the upright
        orientation alone.
    """

    reduce: Callable[[Decoded, PassOrder, bool], NDArray[Any]]
    hash: Callable[[NDArray[Any]], NDArray[np.uint64]]


def hash_function(algorithm: str) -> HashFunction:
    """What computes the hashes of an algorithm."""
    return _FUNCTIONS[algorithm]


def _reduce_to_thumbnails(
    image: Decoded, pass_order: PassOrder, orientations: bool
) -> NDArray[np.uint8]:
    """The thumbnail, uint8 (1, 32, 32), or with orientations also the transposed image's."""
    if orientations:
        return both_thumbnails(image.grey, pass_order, image.extent)
    return thumbnail(image.grey, pass_order, image.extent)[None]


def _hash_reduced(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint64]:
    if thumbnails.shape[1] == 1:
        return hash_thumbnails(thumbnails)[..., None]
    return hash_orientations(thumbnails)[..., None]


_FUNCTIONS = {"phash": HashFunction(_reduce_to_thumbnails, _hash_reduced)}

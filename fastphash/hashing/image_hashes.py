"""ImageHash's hashes: from a grey image to a small array, and from many of these to words."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import PassOrder
from fastphash.errors import UsageError
from fastphash.hashing.algorithms import IMAGE_HASHES, WIDE
from fastphash.hashing.bits import above_median, pack, turn
from fastphash.hashing.phash import PIXELS_PER_BIT, phash_bits, simple_phash_bits
from fastphash.hashing.wavelet import wavelet_means, wavelet_scale
from fastphash.images.thumbnail import Pairs, Size, both_thumbnails, thumbnail


class ImageHash(NamedTuple):
    """One of ImageHash's hashes.

    Attributes
    ----------
    name : str
    side : int
        Bits of a row and of a column: ImageHash's ``hash_size``.
    """

    name: str
    side: int

    @property
    def reduced_as(self) -> "ImageHash":
        """The one among the hashes that `reduce` makes the same array for."""
        return self._replace(name="phash") if self.name == "phash_simple" else self

    def size(self, width: int, height: int) -> Size:
        """Width and height to which an image is resized."""
        if self.name == "whash":
            scale = wavelet_scale(width, height, self.side)
            return scale, scale
        return _SIZES[self.name](self.side)

    def reduce(
        self,
        grey: NDArray[np.uint8],
        pass_order: PassOrder = "pillow13",
        extent: tuple[float, float] | None = None,
        pairs: Pairs | None = None,
        *,
        orientations: bool = True,
    ) -> NDArray[Any]:
        """The small array that the hashes of an image are made from.

        Parameters
        ----------
        grey, pass_order, extent, pairs
            As for `fastphash.images.thumbnail.thumbnail`.
        orientations : bool
            For the hashes of all orientations, or of the upright image alone.

        Returns
        -------
        uint8 or, for whash, float64 (2 or 1, h, w)
            Made of the image, and with `orientations` also of the transposed image.
        """
        size = self.size(*grey.shape[::-1])
        if orientations:
            both = both_thumbnails(grey, pass_order, extent, size, pairs)
        else:
            both = thumbnail(grey, pass_order, extent, size, pairs)[None]
        if self.name != "whash":
            return both
        return np.stack([wavelet_means(one, self.side) for one in np.ascontiguousarray(both)])

    def hash(self, reduced: NDArray[Any]) -> NDArray[np.uint64]:
        """Hash what `reduce` returns: (..., 2 or 1, h, w) to uint64 (..., 8 or 1, words).

        Orientations are in canonical order. The first word has the first 64 bits, the highest
        first, as in ``int(str(imagehash.phash(image)), 16)``.
        """
        return pack(_BITS[self.name](reduced))


def image_hash(algorithm: str) -> ImageHash:
    """One of ImageHash's hashes by the name of its algorithm.

    >>> image_hash("dhash_256")
    ImageHash(name='dhash', side=16)
    """
    if algorithm not in _ALL:
        raise UsageError(f"no hash of ImageHash's {algorithm!r}: use one of {', '.join(_ALL)}")
    name = algorithm.removesuffix(WIDE)
    return ImageHash(name, 8 if name == algorithm else 16)


_ALL = [algorithm for name in IMAGE_HASHES for algorithm in (name, name + WIDE)]
_SIZES: dict[str, Callable[[int], Size]] = {
    "phash": lambda side: (PIXELS_PER_BIT * side, PIXELS_PER_BIT * side),
    "phash_simple": lambda side: (PIXELS_PER_BIT * side, PIXELS_PER_BIT * side),
    "ahash": lambda side: (side, side),
    "dhash": lambda side: (side + 1, side),
    "dhash_vertical": lambda side: (side, side + 1),
}


def _average_bits(both: NDArray[np.uint8]) -> NDArray[np.bool_]:
    bits: NDArray[np.bool_] = both > both.mean(axis=(-2, -1), keepdims=True)
    return turn(bits)


def _difference_bits(both: NDArray[np.uint8]) -> NDArray[np.bool_]:
    pixels = turn(both)
    bits: NDArray[np.bool_] = pixels[..., 1:] > pixels[..., :-1]
    return bits


def _vertical_difference_bits(both: NDArray[np.uint8]) -> NDArray[np.bool_]:
    pixels = turn(both)
    bits: NDArray[np.bool_] = pixels[..., 1:, :] > pixels[..., :-1, :]
    return bits


def _wavelet_bits(both: NDArray[np.float64]) -> NDArray[np.bool_]:
    # to turn an image turns its averages: each is rounded the same way from either side
    return turn(above_median(both))


_BITS: dict[str, Callable[[NDArray[Any]], NDArray[np.bool_]]] = {
    "phash": phash_bits,
    "phash_simple": simple_phash_bits,
    "ahash": _average_bits,
    "dhash": _difference_bits,
    "dhash_vertical": _vertical_difference_bits,
    "whash": _wavelet_bits,
}

"""PDQ hashes of one image."""

from typing import NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import UsageError
from fastphash.hashing.given import DecodeOptions, ImageLike, read_pixels
from fastphash.hashing.pdq_squares import hash_squares, pixel_squares, square_qualities

# parameters of the other hashes, and why it has none of them
_OF_OTHERS = {
    "pass_order": "it blurs images by a filter of its own, whatever the version of Pillow",
    "bits": "it always has 256",
}


class Pdq(NamedTuple):
    """A hash, or those of all orientations, and the quality.

    Attributes
    ----------
    hash : uint64 (4,) or (8, 4)
        256 bits, the first word the first of the digits that ThreatExchange writes; (8, 4) in the
        order of `ORIENTATIONS`.
    quality : int
        How much of a picture there is to hash, 0 to 100. Meta takes no hash of less than 50.
    """

    hash: NDArray[np.uint64]
    quality: int


def pdq(image: ImageLike, **options: Unpack[DecodeOptions]) -> Pdq:
    """PDQ of one image, bit for bit that of ``pdqhash.compute``.

    The 256-bit hash of Meta's ThreatExchange: luma is blurred and reduced to 64 x 64 pixels, and a
    bit says whether one of its 16 x 16 lowest frequencies is above their median.

    Parameters
    ----------
    image, **options
        As for `phash`, without `pass_order` and `bits`. Where there is no colour, grey levels are
        the luma.

    Returns
    -------
    Pdq
        Hash, uint64 (4,), and quality, 0 to 100. All bits and the quality are 0 for an image of
        less than 5 rows or columns.

    Raises
    ------
    ImageError, UsageError
        As for `phash`; and UsageError if `pass_order` or `bits` are named.

    See Also
    --------
    pdq_orientations : The hashes of all eight orientations.

    Examples
    --------
    >>> import numpy as np
    >>> from fastphash import to_hex
    >>> waves = np.indices((90, 120)).prod(axis=0).astype(np.uint8)
    >>> hash, quality = pdq(waves)
    >>> to_hex(hash, bits=256)
    '7f94721e761ed53ce27ef0b790b801fe08b42bf84feafbe86fa0df485c002400'
    >>> quality
    100
    """
    return _hashed(image, orientations=False, **options)


def pdq_orientations(image: ImageLike, **options: Unpack[DecodeOptions]) -> Pdq:
    """PDQ of one image in all eight orientations, bit for bit ``pdqhash.compute_dihedral``.

    They are made from the frequencies of the upright image, and are near the hashes of the turned
    images, not equal to them. The first is the hash that `pdq` returns: ``compute_dihedral`` blurs
    images of 64 x 64 pixels, which ``compute`` takes as they are.

    Parameters
    ----------
    image, **options
        As for `pdq`.

    Returns
    -------
    Pdq
        Hashes, uint64 (8, 4), in the order of `ORIENTATIONS`, and the quality of the upright image.

    Raises
    ------
    ImageError, UsageError
        As for `pdq`.

    Examples
    --------
    >>> import numpy as np
    >>> waves = np.indices((90, 120)).prod(axis=0).astype(np.uint8)
    >>> hashes = pdq_orientations(waves).hash
    >>> bool((hashes[0] == pdq(waves).hash).all()), bool((hashes[6] == pdq(waves.T).hash).all())
    (True, True)
    """
    return _hashed(image, orientations=True, **options)


def _hashed(image: ImageLike, *, orientations: bool, **options: Unpack[DecodeOptions]) -> Pdq:
    for name in filter(options.__contains__, _OF_OTHERS):
        raise UsageError(f"PDQ takes no `{name}`: {_OF_OTHERS[name]}")
    pixels = read_pixels(image, **options)
    squares = pixel_squares(pixels, orientations=orientations)[None]
    hashes = hash_squares(squares)[0]
    return Pdq(hashes if orientations else hashes[0], int(square_qualities(squares)[0]))

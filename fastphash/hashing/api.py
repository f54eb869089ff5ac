"""Hashes of one image, as ImageHash makes them."""

from typing import Literal, TypeAlias, Unpack, cast, overload

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import PassOrder
from fastphash.errors import UsageError
from fastphash.hashing.algorithms import algorithm_names
from fastphash.hashing.given import DecodeOptions, HashOptions, ImageLike, read_grey
from fastphash.hashing.image_hashes import image_hash

Bits: TypeAlias = Literal[64, 256]
Hash: TypeAlias = "np.uint64 | NDArray[np.uint64]"


@overload
def phash(
    image: ImageLike, *, bits: Literal[64] = 64, **options: Unpack[HashOptions]
) -> np.uint64: ...


@overload
def phash(
    image: ImageLike, *, bits: Literal[256], **options: Unpack[HashOptions]
) -> NDArray[np.uint64]: ...


def phash(image: ImageLike, *, bits: Bits = 64, **options: Unpack[HashOptions]) -> Hash:
    """The perceptual hash of one image, bit for bit that of ImageHash under Pillow 13.

    The image is converted to grey and resized to 32 x 32; its discrete cosine transform gives the
    8 x 8 lowest frequencies. A bit of the hash says whether one of them is above their median.
    Images that look alike have hashes at a small Hamming distance.

    Parameters
    ----------
    image : path, bytes, PIL image or uint8 array
        A file, the bytes of one, or pixels: (h, w) in grey, (h, w, 3) in RGB or (h, w, 4) in RGBA.
        Alpha is dropped, as ImageHash does.
    bits : {64, 256}, optional
        256 is ImageHash's ``hash_size=16``: 16 x 16 frequencies, of 64 x 64 pixels.
    **options
        - ``pass_order``: the version of Pillow whose resize is reproduced, "horizontal" up to 12.1,
          "pillow12.2" for 12.2 and 12.3, "pillow13" (default) for 13. They differ only for tall
          images.
        - ``exif=True`` turns the image of a path or of bytes by its EXIF orientation first.
          ImageHash doesn't.
        - ``strict_imagehash=True`` clips 16-bit and float pixels to 0..255, as Pillow does. By
          default they are stretched.
        - ``bands``, ``stretch``, ``nodata``: how to stretch them, as in `Definition`; `bands` also
          as a sequence, `nodata` as a number.

    Returns
    -------
    uint64, or uint64 (4,) of 256 bits
        Bit 63 (of the first word) is the lowest frequency; `to_hex` writes it as ImageHash does.

    Raises
    ------
    ImageError
        The file can't be read or decoded, or the array has another dtype or shape.
    UsageError
        There is no such pass order or number of bits, or `image` is something else.

    See Also
    --------
    phash_orientations : The hashes of all eight orientations.
    hash_images : The hashes of many files, in parallel.

    Examples
    --------
    >>> import numpy as np
    >>> f"{phash(np.arange(4096, dtype=np.uint8).reshape(64, 64)):016x}"
    'aa00000000000000'
    """
    return _hash_one(image, "phash", bits, **options)


def phash_simple(image: ImageLike, *, bits: Bits = 64, **options: Unpack[HashOptions]) -> Hash:
    """ImageHash's ``phash_simple``: frequencies of rows alone, against their mean.

    Each of the first 8 rows of the image at 32 x 32 pixels gives its 8 lowest frequencies but the
    mean (16 of 16 rows at 64 x 64 for 256 bits). Parameters, result and errors are those of
    `phash`.
    """
    return _hash_one(image, "phash_simple", bits, **options)


def ahash(image: ImageLike, *, bits: Bits = 64, **options: Unpack[HashOptions]) -> Hash:
    """The average hash, ImageHash's ``average_hash``: which pixels are above the mean.

    The image is resized to 8 x 8 pixels, or 16 x 16 for 256 bits. Parameters, result and errors are
    those of `phash`.

    Examples
    --------
    >>> import numpy as np
    >>> f"{ahash(np.arange(64, dtype=np.uint8).reshape(8, 8)):016x}"
    '00000000ffffffff'
    """
    return _hash_one(image, "ahash", bits, **options)


def dhash(image: ImageLike, *, bits: Bits = 64, **options: Unpack[HashOptions]) -> Hash:
    """The difference hash, ImageHash's ``dhash``: which pixels are brighter than those to the left.

    The image is resized to 9 x 8 pixels, or 17 x 16 for 256 bits. Parameters, result and errors are
    those of `phash`.
    """
    return _hash_one(image, "dhash", bits, **options)


def dhash_vertical(image: ImageLike, *, bits: Bits = 64, **options: Unpack[HashOptions]) -> Hash:
    """ImageHash's ``dhash_vertical``: which pixels are brighter than those above them.

    The image is resized to 8 x 9 pixels, or 16 x 17 for 256 bits. Parameters, result and errors are
    those of `phash`.
    """
    return _hash_one(image, "dhash_vertical", bits, **options)


def whash(image: ImageLike, *, bits: Bits = 64, **options: Unpack[HashOptions]) -> Hash:
    """The wavelet hash, ImageHash's ``whash``: which averages are above their median.

    The image is resized to the largest power of two that fits into it, and Haar wavelets give the
    averages of 8 x 8 blocks, or 16 x 16 for 256 bits. Parameters, result and errors are those of
    `phash`.
    """
    return _hash_one(image, "whash", bits, **options)


def phash_orientations(
    image: ImageLike, *, bits: Bits = 64, **options: Unpack[HashOptions]
) -> NDArray[np.uint64]:
    """The perceptual hashes of one image in all eight orientations.

    Each equals the hash that ImageHash gives the rotated or mirrored image under Pillow 13. The
    image is decoded once and resized at most twice.

    Parameters
    ----------
    image, bits, **options
        As for `phash`.

    Returns
    -------
    uint64 (8,), or uint64 (8, 4) of 256 bits
        In the order of `ORIENTATIONS`; the first is the hash that `phash` returns.

    Raises
    ------
    ImageError, UsageError
        As for `phash`.

    See Also
    --------
    oriented_hashes : The same for other algorithms.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(4096, dtype=np.uint8).reshape(64, 64)
    >>> hashes = phash_orientations(image)
    >>> bool(hashes[0] == phash(image)), bool(hashes[1] == phash(np.rot90(image)))
    (True, True)
    """
    return _hash_image(image, _algorithm("phash", bits), **options)


def oriented_hashes(
    image: ImageLike, algorithm: str, **options: Unpack[HashOptions]
) -> NDArray[np.uint64]:
    """The hashes of one image in all eight orientations, by any algorithm of ImageHash.

    Parameters
    ----------
    image
        As for `phash`.
    algorithm : str
        "phash", "phash_simple", "ahash", "dhash", "dhash_vertical" or "whash"; with "_256" behind
        it, such as "dhash_256", 256 bits.
    **options
        As for `phash`.

    Returns
    -------
    uint64 (8,), or uint64 (8, 4) of 256 bits
        In the order of `ORIENTATIONS`.

    Raises
    ------
    ImageError, UsageError
        As for `phash`, and if there is no such algorithm.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(4096, dtype=np.uint8).reshape(64, 64)
    >>> hashes = oriented_hashes(image, "dhash_256")
    >>> hashes.shape, bool((hashes[1] == dhash(np.rot90(image), bits=256)).all())
    ((8, 4), True)
    """
    return _hash_image(image, algorithm, **options)


def _algorithm(name: str, bits: int) -> str:
    if bits not in (64, 256):
        raise UsageError(f"a hash has 64 or 256 bits, not {bits!r}")
    return algorithm_names([name], bits)[0]


def _hash_one(image: ImageLike, name: str, bits: int, **options: Unpack[HashOptions]) -> Hash:
    hashes = _hash_image(image, _algorithm(name, bits), orientations=False, **options)
    return cast("Hash", hashes[0])


def _hash_image(
    image: ImageLike,
    algorithm: str,
    *,
    orientations: bool = True,
    pass_order: PassOrder = "pillow13",
    **options: Unpack[DecodeOptions],
) -> NDArray[np.uint64]:
    """uint64 (8 or 1,), or (8 or 1, 4) of 256 bits."""
    made = image_hash(algorithm)
    reduced = made.reduce(read_grey(image, **options), pass_order, orientations=orientations)
    hashes = made.hash(reduced)
    return hashes[:, 0] if hashes.shape[1] == 1 else hashes

"""The perceptual hash: a thumbnail's lowest DCT frequencies, as the bits of a `uint64`."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from fastphash.base.orientations import STEPS
from fastphash.base.vocabulary import ORIENTATIONS, PassOrder
from fastphash.errors import ImageError
from fastphash.hashing.definition import Definition
from fastphash.images.decode import Decoding, decode
from fastphash.images.pixels import array_grey, image_grey
from fastphash.images.thumbnail import both_thumbnails, thumbnail

if TYPE_CHECKING:
    from PIL.Image import Image

ImageLike: TypeAlias = "str | os.PathLike[str] | bytes | Image | NDArray[np.uint8]"

# the hash is made of the 8 x 8 lowest frequencies
_LOW = 8
# where each orientation is among transposed or not, upside down or not, mirrored or not
_FLIPS = [4 * transposed + 2 * rows + columns for transposed, rows, columns in STEPS]


def hash_thumbnails(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash thumbnails.

    Parameters
    ----------
    thumbnails : uint8 (..., 32, 32)

    Returns
    -------
    uint64 (...)
        Bit 63 is the lowest frequency, and the others follow row by row, as in
        ``int(str(imagehash.phash(image)), 16)``.

    Notes
    -----
    This calls ``scipy.fft.dct`` in the order of ImageHash, columns first and then rows, instead of
    a matrix product. On flat and symmetric images, coefficients tie with the median, and another
    order of operations turns their bits into noise. One-dimensional transforms are independent, so
    transforms that only high frequencies need are left out.
    """
    return _hash_lowest_rows(_lowest_rows(thumbnails))


def _lowest_rows(thumbnails: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The lowest frequencies of each column: (..., 32, 32) to (..., 8, 32)."""
    lowest: NDArray[np.float64]
    lowest = scipy.fft.dct(thumbnails.astype(np.float64), axis=-2)[..., :_LOW, :]
    return lowest


def _hash_lowest_rows(rows: NDArray[np.float64]) -> NDArray[np.uint64]:
    low = scipy.fft.dct(rows, axis=-1)[..., :_LOW]
    low = low.reshape(*low.shape[:-2], _LOW * _LOW)
    # np.median of 64 numbers, in a fifth of its time
    ordered = np.sort(low, axis=-1)
    bits = low > (ordered[..., 31:32] + ordered[..., 32:33]) / 2
    packed = np.packbits(bits, axis=-1).view(">u8")[..., 0]
    return packed.astype(np.uint64)


def hash_orientations(both: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash all eight orientations in canonical order: uint8 (..., 2, 32, 32) to uint64 (..., 8).

    `both` holds the thumbnails of an image and of the transposed image, as
    `fastphash.images.thumbnail.both_thumbnails` returns them.

    Each hash is that of the oriented thumbnail. To mirror an image left to right reverses the order
    of its columns, not what is in them: half of the transforms of columns serve two orientations.
    """
    upside_down = both[..., ::-1, :]
    rows = _lowest_rows(np.stack([both, upside_down], axis=-3))
    hashes = _hash_lowest_rows(np.stack([rows, rows[..., ::-1]], axis=-3))
    # a choice of columns alone would be a transposed array
    flipped = hashes.reshape(*both.shape[:-3], len(ORIENTATIONS))
    return np.ascontiguousarray(flipped[..., _FLIPS])


def phash(
    image: ImageLike,
    *,
    pass_order: PassOrder = "pillow13",
    exif: bool = False,
    strict_imagehash: bool = False,
    bands: str | Sequence[int] = "auto",
    stretch: str = "2,98",
    nodata: str | float = "auto",
) -> np.uint64:
    """The perceptual hash of one image, bit for bit that of ImageHash under Pillow 13.

    The image is converted to grey and resized to 32 x 32; its discrete cosine transform gives the
    8 x 8 lowest frequencies. A bit of the hash says whether one of them is above their median.
    Images that look alike have hashes at a small Hamming distance.

    Parameters
    ----------
    image : path, bytes, PIL image or uint8 array
        A file, the bytes of one, or pixels: (h, w) in grey, (h, w, 3) in RGB or (h, w, 4) in RGBA.
        Alpha is dropped, as ImageHash does.
    pass_order : {"horizontal", "pillow12.2", "pillow13"}, optional
        The version of Pillow whose resize is reproduced: "horizontal" up to 12.1, "pillow12.2" for
        12.2 and 12.3, "pillow13" for 13. They differ only for tall images.
    exif : bool, optional
        Turn the image of a path or of bytes by its EXIF orientation first. ImageHash doesn't.
    strict_imagehash : bool, optional
        Clip 16-bit and float pixels to 0..255, as Pillow does. By default they are stretched.
    bands, stretch, nodata : optional
        How to stretch them: as in `Definition`; `bands` also as a sequence, `nodata` as a number.

    Returns
    -------
    uint64
        Bit 63 is the lowest frequency; `to_hex` writes it as ImageHash does.

    Raises
    ------
    ImageError
        The file can't be read or decoded, or the array has another dtype or shape.
    UsageError
        There is no such pass order, or `image` is something else.

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
    rules = _rules(exif=exif, clip=strict_imagehash, bands=bands, stretch=stretch, nodata=nodata)
    grey = _grey(image, rules)
    return np.uint64(hash_thumbnails(thumbnail(grey, pass_order)))


def phash_orientations(
    image: ImageLike,
    *,
    pass_order: PassOrder = "pillow13",
    exif: bool = False,
    strict_imagehash: bool = False,
    bands: str | Sequence[int] = "auto",
    stretch: str = "2,98",
    nodata: str | float = "auto",
) -> NDArray[np.uint64]:
    """The perceptual hashes of one image in all eight orientations.

    Each equals the hash that ImageHash gives the rotated or mirrored image under Pillow 13. The
    image is decoded once and resized at most twice.

    Parameters
    ----------
    image, pass_order, exif, strict_imagehash, bands, stretch, nodata
        As for `phash`.

    Returns
    -------
    uint64 (8,)
        In the order of `ORIENTATIONS`; the first is the hash that `phash` returns.

    Raises
    ------
    ImageError, UsageError
        As for `phash`.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(4096, dtype=np.uint8).reshape(64, 64)
    >>> hashes = phash_orientations(image)
    >>> bool(hashes[0] == phash(image)), bool(hashes[1] == phash(np.rot90(image)))
    (True, True)
    """
    rules = _rules(exif=exif, clip=strict_imagehash, bands=bands, stretch=stretch, nodata=nodata)
    grey = _grey(image, rules)
    return hash_orientations(both_thumbnails(grey, pass_order))


def _rules(
    *, exif: bool, clip: bool, bands: str | Sequence[int], stretch: str, nodata: str | float
) -> Decoding:
    return Definition(
        exif=exif,
        sixteen_bit="clipped" if clip else "stretched",
        bands=bands if isinstance(bands, str) else ",".join(map(str, bands)),
        stretch=stretch,
        nodata=str(nodata),
    ).decoding()


def _grey(image: ImageLike, rules: Decoding) -> NDArray[np.uint8]:
    if isinstance(image, np.ndarray):
        return array_grey(image)
    if isinstance(image, (str, os.PathLike)):
        try:
            with open(image, "rb", buffering=0) as file:
                image = file.read()
        except OSError as error:
            raise ImageError("read", f"{error.strerror}: {os.fspath(image)!r}") from error
        except ValueError as error:  # a name with a NUL
            raise ImageError("read", f"{error}: {os.fspath(image)!r}") from error
    if isinstance(image, bytes):
        return decode(image, rules, chroma=False).grey
    return image_grey(image, strict_imagehash=rules.strict_imagehash, rendering=rules.rendering)

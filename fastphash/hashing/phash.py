"""Thumbnails to DCT to `uint64`: the perceptual hash."""

import os
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from fastphash.base.orientations import orient_thumbnails
from fastphash.base.vocabulary import PassOrder
from fastphash.errors import ImageError
from fastphash.images.decode import Decoding, decode
from fastphash.images.pixels import array_grey, image_grey
from fastphash.images.thumbnail import both_thumbnails, thumbnail

if TYPE_CHECKING:
    from PIL.Image import Image

ImageLike: TypeAlias = "str | os.PathLike[str] | bytes | Image | NDArray[np.uint8]"

_LOW = 8  # the hash is made of the 8 x 8 lowest frequencies


def hash_thumbnails(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash a batch of thumbnails.

    Parameters
    ----------
    thumbnails : uint8 (..., 32, 32)

    Returns
    -------
    uint64 (...)
        Bit 63 is the lowest frequency, row by row: ``int(str(imagehash.phash(image)), 16)``.

    Notes
    -----
    ``scipy.fft.dct`` along the rows and then the columns, as ImageHash calls it, and not a matrix
    product: on flat and symmetric images coefficients tie with the median, and any other order of
    operations turns those bits into noise. Each one-dimensional transform stands alone, so leaving
    out those that only feed high frequencies changes nothing.
    """
    down = scipy.fft.dct(thumbnails.astype(np.float64), axis=-2)[..., :_LOW, :]
    low = scipy.fft.dct(down, axis=-1)[..., :_LOW]
    low = low.reshape(*low.shape[:-2], _LOW * _LOW)
    bits = low > np.median(low, axis=-1, keepdims=True)
    packed = np.packbits(bits, axis=-1).view(">u8")[..., 0]
    return packed.astype(np.uint64)


def hash_orientations(both: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash all eight orientations, canonical order: uint8 (..., 2, 32, 32) to uint64 (..., 8).

    `both` is what `fastphash.images.thumbnail.both_thumbnails` returns.
    """
    return hash_thumbnails(orient_thumbnails(both))


def phash(
    image: ImageLike,
    *,
    pass_order: PassOrder = "pillow13",
    exif: bool = False,
    strict_imagehash: bool = False,
) -> np.uint64:
    """Perceptual hash of one image, equal to ImageHash's ``phash(image)`` under Pillow 13.

    Parameters
    ----------
    image : path, bytes, PIL image or uint8 array, (h, w) or RGB (h, w, 3)
    pass_order : {"horizontal", "pillow12.2", "pillow13"}
        Which Pillow's resize to reproduce: up to 12.1, 12.2 and 12.3, or 13.
    exif : bool
        Turn a path's or bytes' image as its EXIF orientation says first; ImageHash doesn't.
    strict_imagehash : bool
        Clip 16-bit and float pixels as Pillow does instead of scaling them.

    Raises
    ------
    ImageError
        The file can't be read, or isn't an image that can be decoded.

    Examples
    --------
    >>> import numpy as np
    >>> f"{phash(np.arange(4096, dtype=np.uint8).reshape(64, 64)):016x}"
    'aa00000000000000'
    """
    grey = _grey(image, exif=exif, strict_imagehash=strict_imagehash)
    return np.uint64(hash_thumbnails(thumbnail(grey, pass_order)))


def phash_orientations(
    image: ImageLike,
    *,
    pass_order: PassOrder = "pillow13",
    exif: bool = False,
    strict_imagehash: bool = False,
) -> NDArray[np.uint64]:
    """Hashes of the eight orientations of one image, in canonical order.

    Entry t equals ImageHash's ``phash(image.transpose(...))`` under Pillow 13. The canonical order
    is `fastphash.ORIENTATIONS`; parameters and errors are those of `phash`.

    Returns
    -------
    uint64 (8,)
    """
    grey = _grey(image, exif=exif, strict_imagehash=strict_imagehash)
    return hash_orientations(both_thumbnails(grey, pass_order))


def _grey(image: ImageLike, *, exif: bool, strict_imagehash: bool) -> NDArray[np.uint8]:
    if isinstance(image, np.ndarray):
        return array_grey(image)
    if isinstance(image, (str, os.PathLike)):
        try:
            with open(image, "rb") as file:
                image = file.read()
        except OSError as error:
            raise ImageError("read", f"{error.strerror}: {os.fspath(image)!r}") from error
    if isinstance(image, bytes):
        return decode(image, Decoding("full", exif, strict_imagehash)).grey
    return image_grey(image, strict_imagehash=strict_imagehash)

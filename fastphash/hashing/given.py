"""Pixels of images that callers of the library have: files, bytes, images of Pillow, arrays."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import PassOrder
from fastphash.errors import ImageError
from fastphash.hashing.definition import Definition
from fastphash.images.decode import Decoding, decode
from fastphash.images.pixels import array_grey, array_pixels, image_grey, image_pixels

if TYPE_CHECKING:
    from PIL.Image import Image

ImageLike: TypeAlias = "str | os.PathLike[str] | bytes | Image | NDArray[np.uint8]"


class DecodeOptions(TypedDict, total=False):
    """How an image becomes grey pixels; the parameters of `fastphash.phash`."""

    exif: bool
    strict_imagehash: bool
    bands: str | Sequence[int]
    stretch: str
    nodata: str | float


class HashOptions(DecodeOptions, total=False):
    """The same, and whose resize is reproduced."""

    pass_order: PassOrder


def read_grey(image: ImageLike, **options: Unpack[DecodeOptions]) -> NDArray[np.uint8]:
    """Grey pixels (h, w) of an image; parameters and errors are those of `fastphash.phash`."""
    return _read(image, options, array_grey, _bytes_grey, image_grey)


def read_pixels(image: ImageLike, **options: Unpack[DecodeOptions]) -> NDArray[np.uint8]:
    """As `read_grey`, but RGB (h, w, 3) where the image has colours."""
    return _read(image, options, array_pixels, _bytes_pixels, image_pixels)


def _read(
    image: ImageLike,
    options: DecodeOptions,
    of_array: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
    of_bytes: Callable[[bytes, Decoding], NDArray[np.uint8]],
    of_image: Callable[..., NDArray[np.uint8]],
) -> NDArray[np.uint8]:
    rules = _decoding(**options) if options else _AS_IMAGEHASH
    if isinstance(image, np.ndarray):
        return of_array(image)
    if isinstance(image, (str, os.PathLike)):
        image = read_image(image)
    if isinstance(image, bytes):
        return of_bytes(image, rules)
    return of_image(image, strict_imagehash=rules.strict_imagehash, rendering=rules.rendering)


def _bytes_grey(data: bytes, rules: Decoding) -> NDArray[np.uint8]:
    return decode(data, rules, chroma=False).grey


def _bytes_pixels(data: bytes, rules: Decoding) -> NDArray[np.uint8]:
    pixels = decode(data, rules, chroma=False, with_pixels=True).pixels
    assert pixels is not None
    return pixels


def _decoding(
    *,
    exif: bool = False,
    strict_imagehash: bool = False,
    bands: str | Sequence[int] = "auto",
    stretch: str = "2,98",
    nodata: str | float = "auto",
) -> Decoding:
    return Definition(
        exif=exif,
        sixteen_bit="clipped" if strict_imagehash else "stretched",
        bands=bands if isinstance(bands, str) else ",".join(map(str, bands)),
        stretch=stretch,
        nodata=str(nodata),
    ).decoding()


# made once: it takes as long as a hash does without its decode
_AS_IMAGEHASH = _decoding()


def read_image(path: "str | os.PathLike[str]") -> bytes:
    """The bytes of a file; an `ImageError` names one that can't be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError as error:
        raise ImageError("read", f"{error.strerror}: {os.fspath(path)!r}") from error
    except ValueError as error:  # a name with a NUL
        raise ImageError("read", f"{error}: {os.fspath(path)!r}") from error

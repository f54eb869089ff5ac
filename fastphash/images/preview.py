"""Previews: small pictures for people to look at."""

import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fastphash.base.orientations import orient_pixels
from fastphash.errors import ImageError
from fastphash.images.decode_jpeg import decode_reduced_jpeg, long_side_reduction
from fastphash.images.encode import encode
from fastphash.images.pillow import EXIF_TURNS, describe_error, exif_orientation, open_image
from fastphash.images.pixels import SCALED_MODES, scale_to_uint8
from fastphash.images.sniff import SNIFFED, sniff
from fastphash.images.tiff import fix_planar_tiff

_PREVIEW_QUALITY = 80
# What `decode_small` may leave of the longer side where whole pixels are averaged, and how many
# pixels a JPEG has to keep there until then: fewer show how its decoder reduces.
_LEAST_SHARE, _DECODED_SHARE = 0.78, 1.43


def make_preview(data: bytes, side: int, orientation: int = 0, *, exif: bool = False) -> bytes:
    """A small JPEG of an image, in colour and in an orientation.

    Parameters
    ----------
    data : bytes
        Bytes of an image file.
    side : int
        Pixels of the longer side; smaller images keep their size.
    orientation : int
        Index into `fastphash.ORIENTATIONS`, applied last.
    exif : bool
        Turn the image by its EXIF orientation first.

    Raises
    ------
    ImageError
        The bytes aren't an image of a supported format, or are damaged.
    """
    pixels = shrink_image(data, side, orientation, exif=exif)
    return encode(pixels, "JPEG", _PREVIEW_QUALITY)


def shrink_image(
    data: bytes, side: int, orientation: int = 0, *, exif: bool = False, quick: bool = False
) -> NDArray[np.uint8]:
    """The pixels of such a preview, uint8 (h, w, 3), or (h, w) if it is grey.

    Parameters and errors are those of `make_preview`; `quick` reduces as `decode_small` does.
    """
    name = sniff(data[:SNIFFED])
    if name is None:
        raise ImageError("identify", "not an image of a supported format")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = open_image(data, name)
        try:
            turn = exif_orientation(image, data) if exif and name != "TIFF" else 1
            # libjpeg then decodes no more than is needed
            image.draft(None, _decoded_size(image.size, side) if quick else (side, side))
            fix_planar_tiff(image)
            pixels = _shrink(image, side, quick=quick)
        except Exception as error:
            raise ImageError("decode", describe_error(error)) from error
    if turn in EXIF_TURNS:
        pixels = EXIF_TURNS[turn](pixels)
    return orient_pixels(pixels, orientation)


def decode_small(data: bytes, side: int, *, exif: bool = False) -> NDArray[np.uint8]:
    """The pixels of `shrink_image`, as quickly as can be.

    Where means over whole pixels leave 78 % of `side` or more, that will do.
    """
    jpeg = None if exif else decode_reduced_jpeg(data, round(_DECODED_SHARE * side))
    if jpeg is None:
        return shrink_image(data, side, exif=exif, quick=True)
    if max(jpeg.pixels.shape[:2]) <= side:
        return jpeg.pixels
    return np.asarray(_reduce(Image.fromarray(jpeg.pixels), side))


def resize_pixels(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Pixels (h, w) or (h, w, 3) in another size, by Pillow's bicubic filter."""
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def _decoded_size(size: tuple[int, int], side: int) -> tuple[int, int]:
    """The size at which a JPEG is decoded to be reduced."""
    factor = long_side_reduction(*size, round(_DECODED_SHARE * side))
    return size[0] // factor, size[1] // factor


def _reduce(image: Image.Image, side: int) -> Image.Image:
    """An image with at most `side` pixels on the longer side, by means over whole pixels."""
    longer = max(image.size)
    factor = -(-longer // side)
    if factor > 1 and longer >= factor * _LEAST_SHARE * side:
        return image.reduce(factor)
    image.thumbnail((side, side))
    return image


def _shrink(image: Image.Image, side: int, *, quick: bool) -> NDArray[np.uint8]:
    """RGB or grey pixels of an image made smaller, white where it is transparent."""
    if image.mode in SCALED_MODES or image.mode.startswith("I;16"):
        image = Image.fromarray(scale_to_uint8(np.asarray(image)))
    if "A" in image.getbands() or "transparency" in image.info:
        transparent = image.convert("RGBA")
        image = Image.new("RGB", transparent.size, "white")
        image.paste(transparent, mask=transparent)
    image = image.convert("L" if image.mode in ("L", "1") else "RGB")
    if quick:
        image = _reduce(image, side)
    else:
        image.thumbnail((side, side))
    return np.asarray(image)

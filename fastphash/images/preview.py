"""Previews: small pictures for people to look at."""

import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fastphash.base.orientations import orient_pixels
from fastphash.errors import ImageError
from fastphash.images.encode import encode
from fastphash.images.pillow import EXIF_TURNS, describe_error, exif_orientation, open_image
from fastphash.images.pixels import SCALED_MODES, scale_to_uint8
from fastphash.images.sniff import SNIFFED, sniff
from fastphash.images.tiff import fix_planar_tiff

_PREVIEW_QUALITY = 80


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
    data: bytes, side: int, orientation: int = 0, *, exif: bool = False
) -> NDArray[np.uint8]:
    """The pixels of such a preview, uint8 (h, w, 3), or (h, w) if it is grey.

    Parameters and errors are those of `make_preview`.
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
            image.draft(None, (side, side))
            fix_planar_tiff(image)
            pixels = _shrink(image, side)
        except Exception as error:
            raise ImageError("decode", describe_error(error)) from error
    if turn in EXIF_TURNS:
        pixels = EXIF_TURNS[turn](pixels)
    return orient_pixels(pixels, orientation)


def resize_pixels(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Pixels (h, w) or (h, w, 3) in another size, by Pillow's bicubic filter."""
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def _shrink(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """RGB or grey pixels of an image made smaller, white where it is transparent."""
    if image.mode in SCALED_MODES or image.mode.startswith("I;16"):
        image = Image.fromarray(scale_to_uint8(np.asarray(image)))
    if "A" in image.getbands() or "transparency" in image.info:
        transparent = image.convert("RGBA")
        image = Image.new("RGB", transparent.size, "white")
        image.paste(transparent, mask=transparent)
    image = image.convert("L" if image.mode in ("L", "1") else "RGB")
    image.thumbnail((side, side))
    return np.asarray(image)

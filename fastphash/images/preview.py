"""Previews: small pictures for people to look at."""

import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from fastphash.base.orientations import orient_pixels
from fastphash.errors import ImageError
from fastphash.images.decode_jpeg import decode_reduced_jpeg, long_side_reduction
from fastphash.images.deep import is_single_deep, open_for_rendering, render_deep
from fastphash.images.encode import encode
from fastphash.images.pillow import (
    EXIF_TURNS,
    TURNED_FORMATS,
    describe_error,
    exif_orientation,
)
from fastphash.images.pixels import scale_to_uint8
from fastphash.images.rendering import Rendering, render
from fastphash.images.sniff import SNIFFED, sniff
from fastphash.images.tiff import fix_planar_tiff
from fastphash.images.tiff_header import TiffFacts

_PREVIEW_QUALITY = 80
# What `decode_small` may leave of the longer side where whole pixels are averaged, and how many
# pixels a JPEG has to keep there until then: fewer show how its decoder reduces.
_LEAST_SHARE, _DECODED_SHARE = 0.78, 1.43


def make_preview(
    data: bytes,
    side: int,
    orientation: int = 0,
    *,
    exif: bool = False,
    rendering: Rendering | None = None,
) -> bytes:
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
    rendering : Rendering, optional
        That of the image's hash.

    Raises
    ------
    ImageError
        The bytes aren't an image of a supported format, or are damaged.
    """
    pixels = shrink_image(data, side, orientation, exif=exif, rendering=rendering)
    return encode(pixels, "JPEG", _PREVIEW_QUALITY)


def shrink_image(
    data: bytes,
    side: int,
    orientation: int = 0,
    *,
    exif: bool = False,
    quick: bool = False,
    rendering: Rendering | None = None,
) -> NDArray[np.uint8]:
    """The pixels of such a preview, uint8 (h, w, 3), or (h, w) if it is grey.

    Parameters and errors are those of `make_preview`; `quick` reduces as `decode_small` does.
    """
    name = sniff(data[:SNIFFED])
    if name is None:
        raise ImageError("identify", "not an image of a supported format")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image, raster, facts = open_for_rendering(data, name, rendering)
        turn = 1
        try:
            if image is None:
                assert raster is not None
                assert rendering is not None
                shown = Image.fromarray(render(raster.raster, rendering).pixels)
            else:
                if exif and name not in TURNED_FORMATS:
                    turn = exif_orientation(image, data)
                if name == "JPEG":
                    # libjpeg then decodes no more than is needed
                    image.draft(None, _decoded_size(image.size, side) if quick else (side, side))
                shown = _rendered(image, data, rendering, facts)
            pixels = _shrink(shown, side, quick=quick)
        except ImageError:
            raise
        except Exception as error:
            raise ImageError("decode", describe_error(error)) from error
    if turn in EXIF_TURNS:
        pixels = EXIF_TURNS[turn](pixels)
    return orient_pixels(pixels, orientation)


def decode_small(
    data: bytes, side: int, *, exif: bool = False, rendering: Rendering | None = None
) -> NDArray[np.uint8]:
    """The pixels of `shrink_image`, as quickly as can be.

    Where means over whole pixels leave 78 % of `side` or more, that will do.
    """
    jpeg = None if exif else decode_reduced_jpeg(data, round(_DECODED_SHARE * side))
    if jpeg is None:
        return shrink_image(data, side, exif=exif, quick=True, rendering=rendering)
    if max(jpeg.pixels.shape[:2]) <= side:
        return jpeg.pixels
    return np.asarray(_reduce(Image.fromarray(jpeg.pixels), side))


def resize_pixels(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Pixels (h, w) or (h, w, 3) in another size, by Pillow's bicubic filter."""
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def _rendered(
    image: ImageFile.ImageFile, data: bytes, rendering: Rendering | None, facts: TiffFacts | None
) -> Image.Image:
    """An opened image, or its 8-bit pixels as they were hashed; alpha is left alone."""
    rendered = render_deep(image, data, rendering, facts)
    if rendered is None:
        fix_planar_tiff(image)
        return image
    shown = Image.fromarray(rendered.pixels)
    if image.mode in ("LA", "RGBA"):
        shown.putalpha(image.getchannel("A"))
    return shown


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
    if is_single_deep(image):
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

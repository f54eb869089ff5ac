"""Small pictures for people to look at."""

import io
import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fastphash.base.orientations import orient_pixels
from fastphash.errors import ImageError
from fastphash.images.pillow import EXIF_TURNS, exif_orientation, mend_single_plane, open_image, why
from fastphash.images.pixels import SCALED_MODES, scale_to_uint8
from fastphash.images.sniff import SNIFFED, sniff

_PREVIEW_QUALITY = 80


def make_preview(data: bytes, side: int, orientation: int = 0, *, exif: bool = False) -> bytes:
    """A JPEG for people to look at: in colour, small, and turned.

    Parameters
    ----------
    data : bytes
        Of an image file.
    side : int
        The longer side is made this many pixels; smaller images stay as they are.
    orientation : int
        Index into `fastphash.ORIENTATIONS`, applied last.
    exif : bool
        Turn the image as its EXIF orientation says, before that.

    Raises
    ------
    ImageError
        The bytes are no image of a supported format, or a damaged one.
    """
    name = sniff(data[:SNIFFED])
    if name is None:
        raise ImageError("identify", "not an image of a supported format")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = open_image(data, name)
        try:
            turn = exif_orientation(image) if exif and name != "TIFF" else 1
            # libjpeg leaves out what isn't looked at
            image.draft(None, (side, side))
            mend_single_plane(image)
            pixels = _shrunk(image, side)
        except Exception as error:
            raise ImageError("decode", why(error)) from error
    if turn in EXIF_TURNS:
        pixels = EXIF_TURNS[turn](pixels)
    return encode(orient_pixels(pixels, orientation), "JPEG", _PREVIEW_QUALITY)


def _shrunk(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """RGB or grey pixels of an image, on white where it is transparent."""
    if image.mode in SCALED_MODES or image.mode.startswith("I;16"):
        image = Image.fromarray(scale_to_uint8(np.asarray(image)))
    if "A" in image.getbands() or "transparency" in image.info:
        seen = image.convert("RGBA")
        image = Image.new("RGB", seen.size, "white")
        image.paste(seen, mask=seen)
    image = image.convert("L" if image.mode in ("L", "1") else "RGB")
    image.thumbnail((side, side))
    return np.asarray(image)


def encode(pixels: NDArray[np.uint8], name: Literal["JPEG", "PNG"], quality: int = 90) -> bytes:
    """Encode uint8 pixels (h, w) or, RGB, (h, w, 3)."""
    buffer = io.BytesIO()
    options: dict[str, int] = {"quality": quality} if name == "JPEG" else {"compress_level": 1}
    Image.fromarray(pixels).save(buffer, name, **options)
    return buffer.getvalue()

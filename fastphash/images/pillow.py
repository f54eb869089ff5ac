"""Images opened by Pillow with care: known formats only, limits, EXIF, and a fix for TIFFs."""

import io
import math

from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from fastphash.base.orientations import PIXEL_TURNS
from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.errors import ImageError

_TIFF_BITS, _TIFF_PLANES, _TIFF_SAMPLE_FORMAT = 258, 284, 339
_EXIF_ORIENTATION = 0x0112
#: What brings pixels into the orientation that an EXIF value asks for; none for value 1.
EXIF_TURNS = {
    value: PIXEL_TURNS[ORIENTATIONS.index(name) - 1]
    for value, name in {
        2: "flip_left_right",
        3: "rotate_180",
        4: "flip_top_bottom",
        5: "transpose",
        6: "rotate_270",
        7: "transverse",
        8: "rotate_90",
    }.items()
}


def limit_pixels(most: int) -> None:
    """Let this process refuse images of more pixels, judged by their headers."""
    # Pillow refuses images of more than twice this
    Image.MAX_IMAGE_PIXELS = most / 2  # type: ignore[assignment]


def allowed_pixels(most: int | None = None) -> float:
    """Pixels of the largest image that this process decodes: `most`, or fewer as Pillow says."""
    limit = math.inf if Image.MAX_IMAGE_PIXELS is None else 2 * Image.MAX_IMAGE_PIXELS
    return limit if most is None else min(limit, most)


def describe_bomb(most: float) -> str:
    """Why an image of more pixels is refused."""
    return f"more than {int(most):,} pixels (--max-pixels), a decompression bomb perhaps"


def open_image(data: bytes, name: str) -> Image.Image:
    """Open an image of a known format; ImageError if its header is damaged."""
    try:
        return Image.open(io.BytesIO(data), formats=[name])
    except UnidentifiedImageError as error:
        raise ImageError("identify", f"a damaged or unsupported {name} header") from error
    except Exception as error:  # plugins raise all kinds of errors
        raise ImageError("identify", describe_error(error)) from error


def exif_orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 if there is none."""
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # an image with a damaged EXIF block is still an image
        return 1


def fix_planar_tiff(image: Image.Image) -> None:
    """Let Pillow 13 read 16-bit TIFFs whose only band is stored as a separate plane.

    Pillow takes one letter of the raw mode for each plane; of "I;16" it takes "I", which is not a
    raw mode. Satellite images are often stored like this.
    """
    tiles = getattr(image, "tile", None)
    if not isinstance(image, TiffImageFile) or not tiles or tiles[0].codec_name != "raw":
        return
    tags = image.tag_v2
    if tags.get(_TIFF_BITS) != (16,) or tags.get(_TIFF_PLANES) != 2 or tiles[0].args[0] != "I":
        return
    big_endian = "B" if tags.prefix == b"MM" else ""
    signed = "S" if tags.get(_TIFF_SAMPLE_FORMAT) == (2,) else ""
    raw_mode = f"I;16{big_endian}{signed}"
    image.tile = [tile._replace(args=(raw_mode, *tile.args[1:])) for tile in tiles]


def describe_error(error: Exception) -> str:
    """What went wrong, in one line."""
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, Image.DecompressionBombError):
        return describe_bomb(allowed_pixels())
    text = " ".join(str(error).split()) or "no further detail"
    return f"{type(error).__name__}: {text}"[:300]

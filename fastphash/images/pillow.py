"""Images opened by Pillow with care: known formats only, limits, EXIF."""

import io
import math

from PIL import Image, ImageFile, UnidentifiedImageError

from fastphash.base.orientations import PIXEL_TURNS
from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.errors import ImageError
from fastphash.images import plugins, png, tiff
from fastphash.images.unsupported import describe_unsupported

#: Formats whose images are turned always, by what reads them.
TURNED_FORMATS = frozenset(("HEIF", "JXL", "TIFF"))
_EXIF_ORIENTATION = 0x0112
_EXIF_ORIENTATIONS = {
    2: "flip_left_right",
    3: "rotate_180",
    4: "flip_top_bottom",
    5: "transpose",
    6: "rotate_270",
    7: "transverse",
    8: "rotate_90",
}
#: What brings pixels into the orientation that an EXIF value asks for; none for value 1.
EXIF_TURNS = {
    value: PIXEL_TURNS[ORIENTATIONS.index(name) - 1] for value, name in _EXIF_ORIENTATIONS.items()
}


def limit_pixels(most: int) -> None:
    """Let this process refuse images of more pixels, judged by their headers."""
    # Pillow refuses images of more than twice this
    Image.MAX_IMAGE_PIXELS = most / 2  # type: ignore[assignment]  # a float does too


def allowed_pixels(most: int | None = None) -> float:
    """Pixels of the largest image that this process decodes: `most`, or fewer as Pillow says."""
    limit = math.inf if Image.MAX_IMAGE_PIXELS is None else 2 * Image.MAX_IMAGE_PIXELS
    return limit if most is None else min(limit, most)


def describe_bomb(most: float) -> str:
    """Why an image of more pixels is refused."""
    return f"more than {int(most):,} pixels (--max-pixels), a decompression bomb perhaps"


def open_image(data: bytes, name: str) -> ImageFile.ImageFile:
    """Open an image of a known format, a PNG without its metadata.

    Raises
    ------
    ImageError
        Its header is damaged, its bands or their type aren't supported, or what reads its format
        isn't installed.
    """
    if name == "PNG":
        data = png.without_metadata(data)
    size = plugins.prepare_format(data, name)
    most = allowed_pixels()
    if size and size[0] * size[1] > most:
        raise ImageError("identify", describe_bomb(most))
    try:
        image = Image.open(io.BytesIO(data), formats=[name])
    except UnidentifiedImageError as error:
        reason = describe_unsupported(data, name) or f"a damaged or unsupported {name} header"
        raise ImageError("identify", reason) from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise ImageError("identify", describe_error(error)) from error
    except Exception as error:  # plugins raise all kinds of errors
        reason = describe_unsupported(data, name) or describe_error(error)
        raise ImageError("identify", reason) from error
    tiff.check_sample_type(image)
    return image


def exif_orientation(image: Image.Image, data: bytes) -> int:
    """The EXIF orientation, 1 to 8, of an opened image and its bytes; 1 if there is none."""
    try:
        if image.format == "PNG" and png.without_metadata(data) is not data:
            image = Image.open(io.BytesIO(png.with_sound_metadata(data)), formats=["PNG"])
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # an image with a damaged EXIF block is still an image
        return 1


def turn_image(image: Image.Image, value: int) -> Image.Image:
    """An image in the orientation that an EXIF value asks for."""
    name = _EXIF_ORIENTATIONS.get(value)
    return image.transpose(Image.Transpose[name.upper()]) if name else image


def describe_error(error: Exception) -> str:
    """What went wrong, in one line."""
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, Image.DecompressionBombError):
        return describe_bomb(allowed_pixels())
    text = " ".join(str(error).split()) or "no further detail"
    return f"{type(error).__name__}: {text}"[:300]

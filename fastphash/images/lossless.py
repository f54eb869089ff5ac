"""Pixels to bytes that decode to the same pixels."""

import io
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fastphash.errors import ImageError

Pixels: TypeAlias = Image.Image | NDArray[np.generic]

# modes that PNG holds as they are; 32-bit and float ones, CMYK and so on go into a TIFF
_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
_SHAPES = "(h, w), (h, w, 3) or (h, w, 4)"


def is_pixels(item: object) -> TypeGuard[Pixels]:
    """Whether something is a PIL image, or an array."""
    return isinstance(item, Image.Image | np.ndarray)


def encode_lossless(item: Pixels) -> bytes:
    """The bytes of a PNG, or a TIFF, with the pixels of a PIL image or an array.

    Parameters
    ----------
    item : PIL image or array
        uint8 (h, w), RGB (h, w, 3) or RGBA (h, w, 4); bool, uint16 or float (h, w), floats of 64
        bits as 32.

    Raises
    ------
    ImageError
        It has no pixels, no such shape or type, or a mode that neither format has.
    """
    image = item if isinstance(item, Image.Image) else _image_of(item)
    if 0 in image.size:
        raise ImageError("read", f"the image has no pixels: {image.width} x {image.height}")
    is_png = image.mode in _PNG_MODES
    file = io.BytesIO()
    try:
        image.save(file, "PNG" if is_png else "TIFF", **({"compress_level": 1} if is_png else {}))
    except Exception as error:  # files behind images are read now
        said = " ".join(str(error).split())[:300]
        raise ImageError("read", f"an image of mode {image.mode}: {said}") from error
    return file.getvalue()


def _image_of(array: np.ndarray[Any, Any]) -> Image.Image:
    is_grey = array.ndim == 2
    if array.dtype == np.bool_ and is_grey:
        array = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype == np.float64 and is_grey:
        array = array.astype(np.float32)
    is_colour = array.ndim == 3 and array.shape[2] in (3, 4) and array.dtype == np.uint8
    if not is_colour and not (is_grey and array.dtype in (np.uint8, np.uint16, np.float32)):
        raise ImageError(
            "read",
            f"an array of {array.dtype}, {array.shape}, is no image: it is to be uint8 {_SHAPES}, "
            "or bool, uint16 or float (h, w)",
        )
    return Image.fromarray(np.ascontiguousarray(array))

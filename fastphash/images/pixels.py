"""Convert pixels of arrays and Pillow images to grey, RGB and chroma."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fastphash.base.vocabulary import CHROMA_SIDE
from fastphash.errors import ImageError, UsageError
from fastphash.images.deep import is_single_deep, render_image
from fastphash.images.pillow import describe_error
from fastphash.images.rendering import Rendered, Rendering
from fastphash.images.tiff import check_values, fix_planar_tiff

# pixels converted per strip
_STRIP = 1 << 20


def pillow_grey(image: Image.Image, *, strict_imagehash: bool = False) -> NDArray[np.uint8]:
    """Grey pixels (h, w) of a Pillow image.

    Same as ``convert("L")``, but 16-bit and float pixels are scaled unless `strict_imagehash` is
    set.
    """
    fix_planar_tiff(image)
    if strict_imagehash or not is_single_deep(image):
        return np.ascontiguousarray(image.convert("L"))
    check_values(image)
    return scale_to_uint8(np.asarray(image))


def image_grey(
    image: Image.Image, *, strict_imagehash: bool = False, rendering: Rendering | None = None
) -> NDArray[np.uint8]:
    """As `pillow_grey`, without warnings; one deep band as `rendering` says, if it says how.

    Raises
    ------
    ImageError
        Pillow can't load or convert the image.
    UsageError
        It is no image of Pillow's.
    """
    grey, _ = _converted(image, rendering, strict_imagehash=strict_imagehash)
    return grey


def image_pixels(
    image: Image.Image, *, strict_imagehash: bool = False, rendering: Rendering | None = None
) -> NDArray[np.uint8]:
    """As `image_grey`, but RGB (h, w, 3) where the image has colours."""
    grey, rendered = _converted(image, rendering, strict_imagehash=strict_imagehash)
    return pillow_pixels(image, grey) if rendered is None else rendered.pixels


def _converted(
    image: Image.Image, rendering: Rendering | None, *, strict_imagehash: bool
) -> tuple[NDArray[np.uint8], Rendered | None]:
    """An image in grey, and as it was rendered, if it was."""
    if not isinstance(image, Image.Image):
        raise UsageError(
            f"an image must be a path, bytes, a PIL image or a uint8 array, not {image!r:.100}"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            rendered = render_image(image, rendering)
            if rendered is not None:
                return array_grey(rendered.pixels), rendered
            return pillow_grey(image, strict_imagehash=strict_imagehash), None
        except ImageError:
            raise
        except Exception as error:
            raise ImageError("decode", describe_error(error)) from error


def array_grey(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey pixels (h, w) of a uint8 array: grey (h, w), RGB (h, w, 3) or RGBA (h, w, 4).

    Alpha is dropped, as Pillow does.

    Raises
    ------
    ImageError
        The array has another dtype or shape, or no pixels.
    """
    pixels = array_pixels(pixels)
    return pixels if pixels.ndim == 2 else _rgb_grey(pixels)


def array_pixels(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """C-contiguous pixels, grey (h, w) or RGB (h, w, 3), of a uint8 array as of `array_grey`.

    Raises
    ------
    ImageError
        As of `array_grey`.
    """
    known = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not known or pixels.size == 0:
        raise ImageError(
            "decode",
            "need uint8 pixels (h, w) in grey, (h, w, 3) in RGB or (h, w, 4) in RGBA, "
            f"not {pixels.dtype} {pixels.shape}",
        )
    return np.ascontiguousarray(pixels[..., :3] if pixels.ndim == 3 else pixels)


def array_chroma(pixels: NDArray[Any]) -> NDArray[np.int8]:
    """`Decoded.chroma`, int8 (2, 8, 8), of pixels: grey (h, w) or RGB (h, w, 3)."""
    if pixels.ndim == 2:
        return _no_colour()
    height, width = pixels.shape[:2]
    return _chroma_of(width, height, lambda top, bottom: pixels[top:bottom])


def pillow_chroma(image: Image.Image) -> NDArray[np.int8]:
    """`Decoded.chroma`, int8 (2, 8, 8), of a Pillow image."""
    if Image.getmodebase(image.mode) == "L":
        return _no_colour()
    return _chroma_of(*image.size, lambda top, bottom: _rgb_rows(image, top, bottom))


def pillow_pixels(image: Image.Image, grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB pixels (h, w, 3) of a Pillow image, without alpha; `grey` (h, w) of one without colour.

    Same as ``convert("RGB")``.
    """
    if Image.getmodebase(image.mode) == "L":
        return grey
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    step = max(_STRIP // image.width, 1)
    for top in range(0, image.height, step):
        bottom = min(top + step, image.height)
        pixels[top:bottom] = _rgb_rows(image, top, bottom)
    return pixels


def _rgb_rows(image: Image.Image, top: int, bottom: int) -> NDArray[np.uint8]:
    strip = image.crop((0, top, image.width, bottom))
    # alpha is dropped; without this, Pillow would look up a transparent palette entry
    strip.info.pop("transparency", None)
    return np.asarray(strip.convert("RGB"))


def _no_colour() -> NDArray[np.int8]:
    return np.zeros((2, CHROMA_SIDE, CHROMA_SIDE), np.int8)


def _chroma_of(
    width: int, height: int, rows: Callable[[int, int], NDArray[np.uint8]]
) -> NDArray[np.int8]:
    """Chroma of the image whose RGB pixels ``rows(top, bottom)`` returns, strip by strip."""
    from fastphash.kernels import chroma  # imported late, as in _rgb_grey

    totals = np.zeros((CHROMA_SIDE, CHROMA_SIDE, 3), np.int64)
    columns = np.empty((CHROMA_SIDE, 3 * width), np.uint32)
    step = max(_STRIP // width, 1)
    for top in range(0, height, step):
        strip = np.ascontiguousarray(rows(top, min(top + step, height)))
        chroma.add_strip(strip.reshape(-1, 3 * width), top, height, columns, totals)
    out = np.empty((2, CHROMA_SIDE, CHROMA_SIDE), np.int8)
    chroma.totals_to_chroma(totals, width * height, out)
    return out


def scale_to_uint8(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale the finite values of an array to 0..255; others, and a constant array, become 0."""
    out = np.zeros(values.shape, np.uint8)
    # strip by strip: in double precision an image takes eight times its memory
    step = max(_STRIP // max(values[:1].size, 1), 1)
    ranges = []
    for start in range(0, len(values), step):
        rows = values[start : start + step]
        finite = rows[np.isfinite(rows)]
        if finite.size:
            ranges.append((float(finite.min()), float(finite.max())))
    low = min((low for low, _ in ranges), default=0.0)
    high = max((high for _, high in ranges), default=0.0)
    if low == high:
        return out
    for start in range(0, len(values), step):
        rows = values[start : start + step].astype(np.float64)
        rows[~np.isfinite(rows)] = low
        out[start : start + step] = np.floor(255 * (rows - low) / (high - low) + 0.5)
    return out


def _rgb_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # imported late: numba takes 110 MB, and previews do without it
    from fastphash.kernels.grey import rgb_to_grey

    grey = np.empty(pixels.shape[:2], np.uint8)
    rgb_to_grey(pixels.reshape(-1), grey.reshape(-1))
    return grey

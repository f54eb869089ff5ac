"""Decode ordinary JPEGs with libjpeg-turbo itself: faster than Pillow, and equal in every pixel."""

from typing import Literal, NamedTuple

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from fastphash.images.jpeg_header import JPEG_END, jpeg_header

#: A reduced JPEG keeps at least this many pixels on its shorter side, as measured by
#: benchmarks/accuracy/reduced.py.
REDUCED_SIDE = 128

_Colours = Literal["RGB", "GRAY"]


class JpegPixels(NamedTuple):
    """A decoded JPEG.

    Attributes
    ----------
    pixels : uint8 (h, w) or (h, w, 3)
        Grey or RGB.
    width, height : int
        Pixels before the reduction.
    factor : int
        The scale denominator of the reduction: 1, 2, 4 or 8.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    factor: int


def reduction(width: int, height: int, side: int = REDUCED_SIDE) -> int:
    """The largest scale denominator of libjpeg that leaves `side` pixels on the shorter side."""
    for factor in (8, 4, 2):
        if min(width, height) >= factor * side:
            return factor
    return 1


def long_side_reduction(width: int, height: int, side: int) -> int:
    """The largest scale denominator of libjpeg that leaves `side` pixels on the longer side."""
    longer = max(width, height)
    return reduction(longer, longer, side)


def decode_jpeg(
    data: bytes, *, reduced: bool = False, max_pixels: int | None = None
) -> JpegPixels | None:
    """Decode an ordinary JPEG; None for a JPEG that is left to Pillow, to decode or refuse.

    With `reduced`, the pixels are grey, at the scale that `reduction` returns. `max_pixels` is that
    of `fastphash.images.decode.Decoding`.
    """
    header = jpeg_header(data, max_pixels)
    # without the end marker, Pillow may refuse a JPEG that libjpeg accepts
    if header is None or not data.endswith(JPEG_END):
        return None
    width, height, components = header
    colours: _Colours = "RGB" if components == 3 and not reduced else "GRAY"
    return _decode(data, (width, height), reduction(width, height) if reduced else 1, colours)


def decode_reduced_jpeg(
    data: bytes, side: int, max_pixels: int | None = None, *, grey: bool = False
) -> JpegPixels | None:
    """Decode an ordinary JPEG at a scale that leaves `side` pixels if it has them.

    They are those of the longer side. With `grey`, its colours are left out. Else as `decode_jpeg`.
    """
    header = jpeg_header(data, max_pixels)
    if header is None or not data.endswith(JPEG_END):
        return None
    width, height, components = header
    factor = long_side_reduction(width, height, side)
    colours: _Colours = "RGB" if components == 3 and not grey else "GRAY"
    return _decode(data, (width, height), factor, colours)


def _decode(
    data: bytes, size: tuple[int, int], factor: int, colours: _Colours
) -> JpegPixels | None:
    width, height = size
    shape = (-(-height // factor), -(-width // factor))
    try:
        # `strict` raises where libjpeg warns of damage; the scale is the least that leaves this
        # height and width
        pixels = simplejpeg.decode_jpeg(
            data, colours, min_height=shape[0], min_width=shape[1], strict=True
        )
    except (ValueError, MemoryError):
        return None
    if pixels.shape[:2] != shape:
        return None
    return JpegPixels(pixels if colours == "RGB" else pixels[..., 0], width, height, factor)

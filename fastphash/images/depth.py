"""Colour of 16 bits: Pillow keeps the high byte of each sample; the low bytes are read apart."""

import sys
from collections.abc import Callable
from typing import Any, Literal

from PIL import Image, ImageFile

from fastphash.images.jxl_header import jxl_header
from fastphash.images.tiff import fix_planar_tiff
from fastphash.images.unsupported import jpeg2000_depths

# where AVIF says how its pixels are coded; the third byte after the name has a flag for 10 bits
_AVIF_CONFIGURATION = b"av1C"
_AVIF_HIGH_DEPTH = 0x40
_AVIF_HEAD = 1 << 12

# what Pillow tells a decoder of a tile
Args = tuple[Any, ...] | str | None

#: Whether Pillow gives all of an image's colour, drops low bytes that can be read, or others.
Depth = Literal["whole", "high bytes", "lost"]


def colour_depth(image: Image.Image, data: bytes) -> Depth:
    """What Pillow will give of the colours of an image that isn't loaded yet."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return "whole"
    if image.format in _LOSES:
        return "lost" if _LOSES[image.format](image, data) else "whole"
    raw_mode = _raw_mode(image)
    if ";16" not in raw_mode:
        return "whole"
    # what is multiplied by alpha while it is read can't be put together again, and the frames of
    # a PNG are put together by their high bytes
    is_mixed = "a" in raw_mode or (image.format == "PNG" and getattr(image, "is_animated", False))
    return "lost" if is_mixed else "high bytes"


def read_low_bytes(image: ImageFile.ImageFile) -> None:
    """Have an image that isn't loaded yet, of depth "high bytes", give the low bytes instead.

    Of PNGs in grey and alpha, which Pillow gives as RGBA, it then gives both bytes of both bands.
    """
    fix_planar_tiff(image)
    if _raw_mode(image) == "LA;16B":
        raw_modes = {"LA;16B": "RGBA"}
    else:
        other = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}
        raw_modes = {
            raw_mode: raw_mode[:-1] + other[raw_mode[-1]]
            for raw_mode in (_of_tile(tile.args) for tile in image.tile)
        }
    image.tile = [tile._replace(args=_with_raw_mode(tile.args, raw_modes)) for tile in image.tile]


def is_grey_with_alpha(image: Image.Image) -> bool:
    """Whether an image that isn't loaded yet is a PNG of 16 bits in grey and alpha."""
    return _raw_mode(image) == "LA;16B"


def _raw_mode(image: Image.Image) -> str:
    tiles = getattr(image, "tile", None)
    return _of_tile(tiles[0].args) if tiles else ""


def _of_tile(args: Args) -> str:
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""


def _with_raw_mode(args: Args, raw_modes: dict[str, str]) -> Args:
    if isinstance(args, tuple):
        return (raw_modes[_of_tile(args)], *args[1:])
    return raw_modes[_of_tile(args)]


def _has_deep_av1(_: Image.Image, data: bytes) -> bool:
    at = data.find(_AVIF_CONFIGURATION, 0, _AVIF_HEAD)
    return at >= 0 and bool(data[at + 6 : at + 7]) and bool(data[at + 6] & _AVIF_HIGH_DEPTH)


def _has_deep_maximum(image: Image.Image, _: bytes) -> bool:
    """Whether the largest value of a sample in a PPM needs more than a byte."""
    tiles = getattr(image, "tile", None)
    args = tiles[0].args if tiles else ()
    return isinstance(args, tuple) and isinstance(args[-1], int) and args[-1] > 255


# formats of which Pillow gives 8 bits of a colour, and whether an image has more
_LOSES: dict[str, Callable[[Image.Image, bytes], bool]] = {
    "AVIF": _has_deep_av1,
    "HEIF": lambda image, _: image.info.get("bit_depth", 8) > 8,
    "JPEG2000": lambda _, data: max(jpeg2000_depths(data), default=8) > 8,
    "JXL": lambda _, data: jxl_header(data).bits != 8,
    "PPM": _has_deep_maximum,
}

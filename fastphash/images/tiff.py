"""What Pillow 13 reads wrongly, or without a word, in TIFFs."""

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from fastphash.errors import ImageError

_BITS, _PLANES, _SAMPLE_FORMAT, _SUBFILE = 258, 284, 339, 254
_SIGNED = (2,)
_UNSIGNED = (1,)
# raw modes that are one letter a band, each followed by the byte order in 16 bits
_SEPARATE_BANDS = ("RGB", "RGBX", "RGBA")


def fix_planar_tiff(image: Image.Image) -> None:
    """Let Pillow read 16-bit TIFFs whose bands are stored one after the other.

    Pillow takes one letter of the raw mode for each band. Of "I;16" that is "I", which is no raw
    mode, and of "RGB;16L" it is "R", which reads 8 bits. Satellite images are often stored so.

    Raises
    ------
    ImageError
        Pillow has no raw mode for such a band.
    """
    tiles = getattr(image, "tile", None)
    if not isinstance(image, TiffImageFile) or not tiles or tiles[0].codec_name != "raw":
        return
    tags = image.tag_v2
    bits = tags.get(_BITS, (1,))
    if tags.get(_PLANES) != 2 or max(bits) != 16 or ";" in tiles[0].args[0]:
        return
    byte_order = "B" if tags.prefix == b"MM" else ""
    if bits == (16,) and tiles[0].args[0] == "I":
        signed = "S" if tags.get(_SAMPLE_FORMAT) == _SIGNED else ""
        raw_mode = f"I;16{byte_order}{signed}"
        image.tile = [tile._replace(args=(raw_mode, *tile.args[1:])) for tile in tiles]
        return
    # Pillow goes on to the letters after the bands for extra ones, which it means to leave out
    bands = "".join(dict.fromkeys(tile.args[0] for tile in tiles)).partition(";")[0]
    if bands not in _SEPARATE_BANDS:
        raise ImageError(
            "identify", f"a TIFF with {len(bits)} separate bands of uint16: not supported"
        )
    image.tile = [
        tile._replace(args=(f"{tile.args[0]};16{byte_order or 'L'}", *tile.args[1:]))
        for tile in tiles
        if tile.args[0] in bands.replace("X", "")
    ]


def check_sample_type(image: Image.Image) -> None:
    """Raise ImageError for signed bytes, which Pillow reads as unsigned ones."""
    if isinstance(image, TiffImageFile) and image.mode in ("L", "1"):
        formats = image.tag_v2.get(_SAMPLE_FORMAT, _UNSIGNED)
        if 2 in formats:
            raise ImageError("identify", "a TIFF with 1 band of int8: not supported")


def check_values(image: Image.Image) -> None:
    """Raise ImageError for loaded values that Pillow's signed 32 bits can't hold."""
    if not isinstance(image, TiffImageFile) or image.mode != "I":
        return
    tags = image.tag_v2
    unsigned = tags.get(_BITS) == (32,) and tags.get(_SAMPLE_FORMAT, _UNSIGNED) == _UNSIGNED
    if unsigned and int(np.asarray(image).min()) < 0:
        raise ImageError(
            "decode", "a TIFF with 1 band of uint32 and values above 2,147,483,647: not supported"
        )


def is_reduced_copy(image: Image.Image) -> bool:
    """Whether a page of a TIFF repeats another at a lower resolution, as overviews do."""
    if not isinstance(image, TiffImageFile):
        return False
    kind = image.tag_v2.get(_SUBFILE, 0)
    return isinstance(kind, int) and bool(kind & 1)

"""Image bytes to grey pixels and chroma, by OpenCV or Pillow."""

import os
import tempfile
import warnings
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from fastphash.errors import ImageError
from fastphash.images.jpeg import JPEG_END, jpeg_header, reduction, scan_start
from fastphash.images.pillow import EXIF_TURNS, exif_orientation, open_image, why
from fastphash.images.pixels import array_chroma, array_grey, pillow_chroma, pillow_grey
from fastphash.images.sniff import SNIFFED, sniff

DecodeMode = Literal["full", "reduced"]
_PNG_END = b"IEND\xaeB`\x82"
_REDUCED_FLAGS = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


@dataclass(frozen=True, slots=True)
class Decoding:
    """How bytes become grey pixels.

    Attributes
    ----------
    mode : {"full", "reduced"}
        Pillow's pixels, or JPEG decoded straight to grey at a reduced scale.
    exif : bool
        Turn the image as its EXIF orientation says; ImageHash doesn't.
    strict_imagehash : bool
        Let Pillow clip 16-bit and float pixels to 0..255 instead of scaling them.
    """

    mode: DecodeMode = "full"
    exif: bool = False
    strict_imagehash: bool = False


@dataclass(frozen=True, slots=True)
class Decoded:
    """One image in grey, and what colours it has.

    Attributes
    ----------
    grey : uint8 (h, w)
    extent : (float, float)
        How many columns and rows of `grey` the image covers: all of them, or, where a reduction
        left a part of a pixel at the right or lower edge, a little less.
    format : str
        Pillow's name of it.
    width, height : int
        Pixels before any reduction.
    multiframe : bool
        Whether this is the first of several frames or pages.
    chroma : int8 (2, 8, 8) or None
        Means of Cb - 128 and Cr - 128 (ITU-R 601 in full range, as JPEG) over equal cells of what
        `grey` shows, -127 to 127; zeros for images without colour. None where it isn't known: a
        reduced JPEG is decoded to grey alone.
    """

    grey: NDArray[np.uint8]
    extent: tuple[float, float]
    format: str
    width: int
    height: int
    multiframe: bool = False
    chroma: NDArray[np.int8] | None = None


class CaughtStderr:
    """Takes file descriptor 2 of this process for good, to see whether a C library wrote to it.

    libjpeg reports damaged data nowhere else. Python's own ``sys.stderr`` must have been moved to
    a copy of the descriptor, or be expendable: this is for worker processes.
    """

    def __init__(self) -> None:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        os.dup2(file.fileno(), 2)
        self._file = file

    def take(self) -> bool:
        """Whether anything was written since the last call."""
        fd = self._file.fileno()
        if os.lseek(fd, 0, os.SEEK_CUR) == 0:
            return False
        os.lseek(fd, 0, os.SEEK_SET)
        os.ftruncate(fd, 0)
        return True


def decode(data: bytes, rules: Decoding, caught: CaughtStderr | None = None) -> Decoded:
    """Decode the first frame of an image to grey, and see its colours.

    With `caught`, ordinary JPEGs go to OpenCV, which is faster than Pillow and equal to it in
    every pixel; whatever it doesn't decode without a murmur, Pillow decodes or refuses.

    Raises
    ------
    ImageError
        The bytes are no image of a supported format, or a damaged one.
    """
    if not data:
        raise ImageError("identify", "the file is empty")
    name = sniff(data[:SNIFFED])
    if name is None:
        raise ImageError("identify", "not an image of a supported format")
    if name == "JPEG" and caught and not rules.exif:
        decoded = _decode_opencv(data, rules.mode, caught)
        if decoded:
            return decoded
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _decode_pillow(data, name, rules)


def _decode_pillow(data: bytes, name: str, rules: Decoding) -> Decoded:
    image = open_image(data, name)
    width, height = image.size
    factor = 1
    try:
        multiframe = bool(getattr(image, "is_animated", False))
        # Pillow turns TIFFs itself, always
        turn = exif_orientation(image) if rules.exif and name != "TIFF" else 1
        if rules.mode == "reduced" and name == "JPEG" and image.mode in ("RGB", "L"):
            factor = reduction(width, height) if turn == 1 else 1
            image.draft("L", (width // factor, height // factor))
        grey = pillow_grey(image, strict_imagehash=rules.strict_imagehash)
        unknown = rules.mode == "reduced" and name == "JPEG"
        chroma = None if unknown else pillow_chroma(image)
    except Exception as error:
        raise ImageError("decode", why(error)) from error
    if not _has_end(data, name):
        raise ImageError("decode", f"the file is cut short: the end of a {name} is missing")
    if turn in EXIF_TURNS:
        grey = np.ascontiguousarray(EXIF_TURNS[turn](grey))
        if chroma is not None:
            chroma = np.stack([EXIF_TURNS[turn](plane) for plane in chroma])
        if turn >= 5:
            width, height = height, width
    extent = (width / factor, height / factor)
    return Decoded(grey, extent, name, width, height, multiframe, chroma)


def _has_end(data: bytes, name: str) -> bool:
    """Whether the last marker of a JPEG or PNG is there: Pillow doesn't always miss it."""
    if name == "JPEG":
        return data.find(JPEG_END, scan_start(data)) >= 0
    return name != "PNG" or _PNG_END in data


def _decode_opencv(data: bytes, mode: DecodeMode, caught: CaughtStderr) -> Decoded | None:
    """An ordinary JPEG, or None where OpenCV isn't to be trusted with it."""
    header = jpeg_header(data)
    # without its last marker Pillow may refuse what OpenCV takes in silence
    if header is None or not data.endswith(JPEG_END):
        return None
    width, height, colours = header
    if mode == "reduced":
        factor = reduction(width, height)
        flags = _REDUCED_FLAGS[factor]
    else:
        factor = 1
        flags = cv2.IMREAD_COLOR_RGB if colours == 3 else cv2.IMREAD_GRAYSCALE
    caught.take()
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    if caught.take() or pixels is None or pixels.dtype != np.uint8:
        return None
    if pixels.shape[:2] != (-(-height // factor), -(-width // factor)):
        return None
    grey = array_grey(pixels)
    chroma = None if mode == "reduced" else array_chroma(pixels)
    return Decoded(grey, (width / factor, height / factor), "JPEG", width, height, chroma=chroma)

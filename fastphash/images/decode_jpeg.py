"""Decode ordinary JPEGs with OpenCV: faster than Pillow, and equal in every pixel."""

import os
import tempfile
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fastphash.images.jpeg_header import JPEG_END, jpeg_header

#: A reduced JPEG keeps at least this many pixels on its shorter side, as measured by
#: benchmarks/accuracy/reduced.py.
REDUCED_SIDE = 128
_REDUCED_FLAGS = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


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


class CaughtStderr:
    """Takes over file descriptor 2 of this process, to notice when a C library writes to it.

    libjpeg reports damaged data nowhere else. The descriptor is never restored, so this is only
    for worker processes: there, ``sys.stderr`` is a copy of the descriptor or isn't needed.
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


def reduction(width: int, height: int, side: int = REDUCED_SIDE) -> int:
    """The largest scale denominator of libjpeg that leaves `side` pixels on the shorter side."""
    for factor in (8, 4, 2):
        if min(width, height) >= factor * side:
            return factor
    return 1


def decode_jpeg(data: bytes, caught: CaughtStderr, *, reduced: bool) -> JpegPixels | None:
    """Decode an ordinary JPEG; None for a JPEG that is left to Pillow, to decode or refuse.

    With `reduced`, the pixels are grey, at the scale that `reduction` returns.
    """
    header = jpeg_header(data)
    # without the end marker, Pillow may refuse a JPEG that OpenCV accepts silently
    if header is None or not data.endswith(JPEG_END):
        return None
    width, height, components = header
    if reduced:
        factor = reduction(width, height)
        flags = _REDUCED_FLAGS[factor]
    else:
        factor = 1
        flags = cv2.IMREAD_COLOR_RGB if components == 3 else cv2.IMREAD_GRAYSCALE
    caught.take()
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    if caught.take() or pixels is None or pixels.dtype != np.uint8:
        return None
    if pixels.shape[:2] != (-(-height // factor), -(-width // factor)):
        return None
    return JpegPixels(pixels, width, height, factor)  # type: ignore[arg-type]

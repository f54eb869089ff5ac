"""Whether a file is small enough to be a mask of a picture, by its bytes and its header."""

import os
import stat
import struct
from typing import NamedTuple

from fastphash.base.system import open_to_read
from fastphash.images.jpeg_header import jpeg_header
from fastphash.images.sniff import sniff

# most bytes of a mask for each byte of its picture, in all and for each of its pixels
_SMALL = 0.25
# first bytes that are read: headers of JPEGs end with their metadata
_HEAD = 1 << 16
_LOSSY = frozenset(
    b".jpg .jpeg .jpe .jfif .mpo .webp .avif .avifs .heic .heif .jp2 .j2k .jpf .jpx .j2c .jpc "
    b".jxl".split()
)


class _Measured(NamedTuple):
    """Bytes of a file, and its pixels by its header; None if that isn't read."""

    size: int
    pixels: int | None


def is_small(mask: bytes, picture: bytes) -> bool:
    """Whether a file has few bytes beside a picture, as a mask has, and photos haven't.

    It has at most a quarter of the bytes, and of the bytes a pixel if both are JPEG or PNG: a photo
    of fewer pixels is no mask. A file that is stored with losses, beside a picture that isn't,
    tells nothing by its bytes, and counts as large.

    Parameters
    ----------
    mask, picture : bytes
        Names of files. One that can't be read makes the mask large.
    """
    if _is_lossy(mask) and not _is_lossy(picture):
        return False
    try:
        one, other = _measure(mask), _measure(picture)
    except OSError:
        return False
    if one.size > _SMALL * other.size:
        return False
    if not one.pixels or not other.pixels:
        return True
    return one.size * other.pixels <= _SMALL * other.size * one.pixels


def _is_lossy(name: bytes) -> bool:
    return os.path.splitext(name)[1].lower() in _LOSSY


def _measure(name: bytes) -> _Measured:
    with open(open_to_read(name), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError("not a regular file")
        return _Measured(status.st_size, _pixels(file.read(_HEAD)))


def _pixels(head: bytes) -> int | None:
    match sniff(head):
        case "PNG" if len(head) >= 24:
            width, height = struct.unpack_from(">II", head, 16)
        case "JPEG" if header := jpeg_header(head):
            width, height, _ = header
        case _:
            return None
    return int(width * height)

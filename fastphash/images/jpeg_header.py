"""The header of a JPEG, read without a decoder."""

import struct

from fastphash.images.pillow import allowed_pixels

JPEG_END = b"\xff\xd9"
# markers of baseline, extended and progressive frames; with tables, restarts, application data and
# comments they are all that an ordinary JPEG has before its scan
_FRAMES = frozenset((0xC0, 0xC1, 0xC2))
_USUAL_MARKERS = frozenset((*_FRAMES, 0xC4, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE))
_SCAN = 0xDA
# application data that says that further pictures follow
_MULTI_PICTURE = (0xE2, b"MPF\0")


def scan_start(data: bytes) -> int:
    """Where the first scan of a JPEG begins; before it, an embedded thumbnail may end."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _SCAN:
        padding = data[at + 1] == 0xFF
        at += 1 if padding else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return at


def jpeg_header(data: bytes, max_pixels: int | None = None) -> tuple[int, int, int] | None:
    """Width, height and components of an ordinary grey or colour JPEG; None for any other.

    Ordinary ones have 8 bits, Huffman codes, a single picture and no more pixels than allowed.
    Pillow takes 30 us to read a header, as long as the resize of 300 x 300 pixels.
    """
    frame = None
    at = 2
    try:
        while True:
            prefix, marker, length = struct.unpack_from(">BBH", data, at)
            if marker == _SCAN:
                break
            if prefix != 0xFF or marker not in _USUAL_MARKERS:
                return None
            several = (marker, data[at + 4 : at + 8]) == _MULTI_PICTURE
            if several or (marker in _FRAMES and frame):
                return None
            if marker in _FRAMES:
                frame = struct.unpack_from(">BHHB", data, at + 4)
            at += 2 + length
    except struct.error:
        return None
    if frame is None:
        return None
    bits, height, width, components = frame
    usual = bits == 8 and components in (1, 3) and width > 0 and height > 0
    if not usual or width * height > allowed_pixels(max_pixels):
        return None
    return width, height, components

"""The header of a JPEG XL image: its size, before the decoder takes all of it."""

import struct
from typing import NamedTuple

from fastphash.errors import ImageError

_CODESTREAM = b"\xff\x0a"
_BOX = 8
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SIDE_BITS = (9, 13, 18, 30)
_DEPTHS = (8, 10, 12)


class JxlHeader(NamedTuple):
    """Width and height in pixels before it is turned; bits of a sample, 0 if unknown."""

    width: int
    height: int
    bits: int
    is_animated: bool


class _Bits:
    """Reads bits, the least significant one of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        value = self._left & ((1 << count) - 1)
        self._left >>= count
        return value


def jxl_header(data: bytes) -> JxlHeader:
    """Read the header of a JPEG XL image; ImageError if it has none."""
    bits = _Bits(_codestream(data)[2:40])
    width, height = _read_size(bits)
    if bits.take(1):  # everything else is as usual
        return JxlHeader(width, height, 8, is_animated=False)
    if bits.take(1):
        bits.take(3)  # orientation
        if bits.take(1):
            _read_size(bits)  # at which it is meant to be shown
        has_preview, is_animated = bits.take(1), bool(bits.take(1))
        if has_preview or is_animated:
            return JxlHeader(width, height, 0, is_animated)
    if bits.take(1):
        return JxlHeader(width, height, 0, is_animated=False)  # float
    kind = bits.take(2)
    depth = _DEPTHS[kind] if kind < len(_DEPTHS) else 1 + bits.take(6)
    return JxlHeader(width, height, depth, is_animated=False)


def _read_size(bits: _Bits) -> tuple[int, int]:
    """ISO/IEC 18181-1, SizeHeader."""
    is_small = bits.take(1)
    height = _read_side(bits, is_small)
    ratio = bits.take(3)
    if not ratio:
        return _read_side(bits, is_small), height
    across, down = _RATIOS[ratio]
    return height * across // down, height


def _read_side(bits: _Bits, is_small: int) -> int:
    if is_small:
        return 8 * (1 + bits.take(5))
    return 1 + bits.take(_SIDE_BITS[bits.take(2)])


def _codestream(data: bytes) -> bytes:
    """The beginning of the codestream, which may lie in a box of a container."""
    at = 0
    while not data.startswith(_CODESTREAM, at):
        try:
            size, kind = struct.unpack_from(">I4s", data, at)
            head = _BOX
            if size == 1:
                (size,) = struct.unpack_from(">Q", data, at + _BOX)
                head += 8
        except struct.error:
            size, head, kind = 0, 0, b""
        if kind in (b"jxlc", b"jxlp"):
            at += head + (4 if kind == b"jxlp" else 0)
            if data.startswith(_CODESTREAM, at):
                break
            size = 0
        if size < _BOX:
            raise ImageError("identify", "a damaged or unsupported JXL header")
        at += size
    return data[at : at + 64]

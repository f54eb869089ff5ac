"""Why a sound image can't be read: its bands, their type, its compression."""

from PIL.TiffImagePlugin import COMPRESSION_INFO

from fastphash.base.text import count
from fastphash.images.tiff_header import tiff_facts

# markers of frames in a JPEG: all of 0xC0 to 0xCF but tables and the extension
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

_JPEG2000_SIZE = b"\xff\x4f\xff\x51"


def describe_unsupported(data: bytes, name: str) -> str | None:
    """What of an image that Pillow can't open isn't supported; None if its header is damaged."""
    describe = {"TIFF": _describe_tiff, "JPEG": _describe_jpeg, "JPEG2000": _describe_jpeg2000}
    if name not in describe:
        return None
    try:
        found = describe[name](data)
    except Exception:  # a header that can't be read is damaged
        return None
    return None if found is None else f"a {name} with {found}: not supported"


def _describe_tiff(data: bytes) -> str | None:
    facts = tiff_facts(data)
    if facts is None:
        return None
    if facts.compression not in COMPRESSION_INFO:
        return f"compression {facts.compression}"
    return facts.describe()


def _describe_jpeg(data: bytes) -> str | None:
    at = 2
    while data[at + 1] not in _JPEG_FRAMES:
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    bits, bands = data[at + 4], data[at + 9]
    return None if bits == 8 and bands in (1, 3, 4) else f"{count(bands, 'band')} of uint{bits}"


def _describe_jpeg2000(data: bytes) -> str | None:
    depths = jpeg2000_depths(data)
    if len(depths) in range(1, 5) and max(depths) <= 16:
        return None
    return f"{count(len(depths), 'band')} of uint{max(depths)}" if depths else None


def jpeg2000_depths(data: bytes) -> list[int]:
    """Bits of each band of a JPEG 2000 image; empty if its header can't be found."""
    at = data.find(_JPEG2000_SIZE)
    # the marker, its length, capabilities, and eight numbers of size and tiles
    bands_at = at + 4 + 2 + 2 + 8 * 4
    if at < 0 or bands_at + 2 > len(data):
        return []
    bands = int.from_bytes(data[bands_at : bands_at + 2], "big")
    described = data[bands_at + 2 : bands_at + 2 + 3 * bands : 3]
    return [(depth & 0x7F) + 1 for depth in described]

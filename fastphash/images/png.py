"""The chunks of a PNG: its pixels without the metadata beside them."""

import zlib
from collections.abc import Callable

_SIGNATURE = 8
_HEAD = 8
_CHECKSUM = 4
# ancillary chunks that change pixels: transparency, and the frames of an animation
_PIXEL_CHUNKS = frozenset((b"tRNS", b"acTL", b"fcTL", b"fdAT"))


def without_metadata(data: bytes) -> bytes:
    """The same PNG without texts, profiles, EXIF and all else that changes no pixel.

    Pillow refuses a PNG for a wrong checksum, or too much text, in chunks that only describe it.
    """
    return _only_chunks(data, lambda kind, _: _has_pixels(kind))


def with_sound_metadata(data: bytes) -> bytes:
    """The same PNG without those of its metadata whose checksum is wrong."""
    return _only_chunks(data, lambda kind, is_sound: _has_pixels(kind) or is_sound())


def _has_pixels(kind: bytes) -> bool:
    is_critical = not kind[0] & 0x20
    return is_critical or kind in _PIXEL_CHUNKS


def _only_chunks(data: bytes, keep: Callable[[bytes, Callable[[], bool]], bool]) -> bytes:
    """The chunks that ``keep(kind, is_sound)`` wants, and whatever follows the last whole chunk."""
    view = memoryview(data)
    pieces = []
    start = at = _SIGNATURE
    while at + _HEAD <= len(data):
        kind = data[at + 4 : at + _HEAD]
        end = at + _HEAD + int.from_bytes(data[at : at + 4], "big") + _CHECKSUM
        if end > len(data) or not kind.isalpha():
            break
        chunk = view[at:end]
        if not keep(kind, lambda chunk=chunk: _is_sound(chunk)):  # type: ignore[misc]  # untyped
            pieces.append(view[start:at])
            start = end
        at = end
    if not pieces:
        return data
    return b"".join((view[:_SIGNATURE], *pieces, view[start:]))


def _is_sound(chunk: memoryview) -> bool:
    """Whether the checksum of a chunk, over its name and content, is right."""
    return zlib.crc32(chunk[4:-_CHECKSUM]) == int.from_bytes(chunk[-_CHECKSUM:], "big")

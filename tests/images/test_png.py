"""PNGs whose metadata is damaged or huge have the pixels of those without."""

import struct
import zlib

import numpy as np
import pytest

from fastphash.errors import ImageError
from fastphash.images.decode import Decoding, decode
from fastphash.images.png import with_sound_metadata, without_metadata
from fastphash.images.preview import make_preview
from tests.support.encoded_samples import png_chunk, png_of

EXIF_TURNED = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
DAMAGED = {
    "text": [png_chunk(b"tEXt", b"Title\0x", sound=False)],
    "compressed text": [png_chunk(b"zTXt", b"a\0\0not deflated")],
    "long text": [png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2 << 20)))],
    "much text": [png_chunk(b"tEXt", b"a\0" + bytes([65]) * 900_000)] * 90,
    "long international text": [png_chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(3 << 20)))],
    "profile": [png_chunk(b"iCCP", b"p\0\0" + b"nonsense", sound=False)],
    "EXIF": [png_chunk(b"eXIf", b"MM", sound=False)],
    "time": [png_chunk(b"tIME", b"1")],
    "unknown": [png_chunk(b"teSt", b"?", sound=False)],
    "dots": [png_chunk(b"pHYs", b"", sound=False)],
}


def grey(data, **rules):
    return decode(data, Decoding(**rules)).grey


@pytest.mark.parametrize("exif", [False, True])
@pytest.mark.parametrize("kind", DAMAGED)
def test_metadata_is_not_looked_at(kind, exif, photo):
    pixels = photo(30, 40, 1)
    data = png_of(pixels, *DAMAGED[kind])
    end = len(data) - 12
    late = png_of(pixels)
    late = late[: len(late) - 12] + b"".join(DAMAGED[kind]) + data[end:]
    for damaged in (data, late):
        assert np.array_equal(grey(damaged, exif=exif), grey(png_of(pixels)))
        assert make_preview(damaged, 20) == make_preview(png_of(pixels), 20)


def test_chunks_that_change_pixels_stay(photo):
    transparent = png_chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3))
    data = png_of(photo(30, 40, 1), transparent)
    assert without_metadata(data) is data
    text = png_chunk(b"tEXt", b"a\0b")
    assert without_metadata(png_of(photo(30, 40, 1), transparent, text)) == data
    assert with_sound_metadata(png_of(photo(30, 40, 1), transparent, text)) != data


def test_exif_beside_damaged_metadata_is_applied_when_asked_for(photo):
    pixels = photo(30, 40, 1)
    chunks = [png_chunk(b"eXIf", EXIF_TURNED), png_chunk(b"tEXt", b"a\0b", sound=False)]
    data = png_of(pixels, *chunks)
    assert np.array_equal(grey(data, exif=True), np.rot90(grey(png_of(pixels)), 3))
    assert np.array_equal(grey(data), grey(png_of(pixels)))


@pytest.mark.parametrize("place", [28, 29, 60, -17])
def test_damaged_pixels_are_rejected(place, photo):
    # the end of the header and its checksum, the pixels and the checksum in them
    data = bytearray(png_of(photo(30, 40, 1), png_chunk(b"tEXt", b"a\0b")))
    data[place] ^= 1
    with pytest.raises(ImageError):
        grey(bytes(data))


def test_bytes_that_are_no_chunks_are_left_as_they_are(photo):
    data = png_of(photo(30, 40, 1), png_chunk(b"tEXt", b"a\0b"))
    for cut in range(8, len(data), 7):
        assert without_metadata(data[:cut]) in (data[:cut], data[:33] + data[48:cut])

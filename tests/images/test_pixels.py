import struct

import cv2
import numpy as np
import pytest

from fastphash.hashing.api import phash
from fastphash.images.decode import Decoding, decode
from fastphash.images.pixels import scale_to_uint8
from tests.support import naive
from tests.support.references import FULL, reference

# the rule of older stores
SCALED = Decoding(rendering=None)


def planar_tiff(values, order, signed=False):
    """A TIFF of one 16-bit band stored as a separate plane, in two strips."""
    height, width = values.shape
    top = -(-height // 2)
    pixels = values.astype(values.dtype.newbyteorder(order)).tobytes()
    size = top * width * 2
    tags = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, 1, 16),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 2, None),
        (277, 3, 1, 1),
        (278, 3, 1, top),
        (279, 4, 2, None),
        (284, 3, 1, 2),
        (339, 3, 1, 2 if signed else 1),
    ]
    after = 8 + 2 + 12 * len(tags) + 4
    start = after + 16
    body = struct.pack(f"{order}2sHIH", b"MM" if order == ">" else b"II", 42, 8, len(tags))
    for tag, kind, count, value in tags:
        body += struct.pack(f"{order}HHI", tag, kind, count)
        if tag == 273:
            body += struct.pack(f"{order}I", after)
        elif tag == 279:
            body += struct.pack(f"{order}I", after + 8)
        else:
            body += struct.pack(f"{order}HH", value, 0)
    body += struct.pack(f"{order}I", 0)
    body += struct.pack(f"{order}IIII", start, start + size, size, len(pixels) - size)
    return body + pixels


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [np.uint16, np.int16])
def test_single_plane_16_bit_tiffs_decode(order, kind):
    rng = np.random.default_rng(0)
    bounds = np.iinfo(kind)
    values = rng.integers(bounds.min, bounds.max, (41, 30)).astype(kind)
    data = planar_tiff(values, order, signed=kind is np.int16)
    for rules, wanted in ((FULL, naive.rendered(values)), (SCALED, naive.scaled(values))):
        decoded = decode(data, rules)
        assert (decoded.format, decoded.width, decoded.height) == ("TIFF", 30, 41)
        assert np.array_equal(decoded.grey, wanted)


def test_shared_16_bit_tiles_decode(shared):
    for path in sorted((shared / "tiles16").iterdir())[::4]:
        values = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert values.dtype == np.uint16
        assert np.array_equal(decode(path.read_bytes(), SCALED).grey, naive.scaled(values))
        grey = decode(path.read_bytes(), FULL).grey
        assert np.array_equal(grey, naive.rendered(values)), path.name
        assert phash(path) == phash(grey)


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_16_bit_files_are_stretched_unless_imagehash_is_followed(name, encoded):
    values = (np.add.outer(np.arange(60), np.arange(80)) * 300 + 1000).astype(np.uint16)
    data = encoded(values, name)
    assert np.array_equal(decode(data, FULL).grey, naive.rendered(values))
    assert np.array_equal(decode(data, SCALED).grey, naive.scaled(values))
    strict = decode(data, Decoding(strict_imagehash=True)).grey
    assert np.array_equal(strict, reference(data))
    assert not np.array_equal(strict, naive.scaled(values))


def test_scaling_takes_any_dtype_and_layout():
    values = np.arange(24).reshape(4, 6)
    for kind in (">u2", "<i4", ">f4", "f8"):
        typed = values.astype(kind)
        typed.flags.writeable = False
        assert np.array_equal(scale_to_uint8(typed[::-1, ::2]), naive.scaled(typed[::-1, ::2]))
        assert np.array_equal(typed, values)

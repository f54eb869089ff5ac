"""TIFFs that Pillow reads wrongly or not at all, and reasons that name what isn't supported."""

import numpy as np
import pytest
from PIL import Image

from fastphash.errors import ImageError
from fastphash.images.decode import Decoding, decode
from tests.support.encoded_samples import tiff_of


def deep(bands, seed=0):
    return np.random.default_rng(seed).integers(0, 65536, (20, 30, bands), np.uint16)


def grey(data):
    """By the rule of older stores, which leaves all to Pillow."""
    return decode(data, Decoding(rendering=None)).grey


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bands", [3, 4])
def test_bands_stored_one_after_the_other_are_those_stored_by_pixel(order, bands):
    samples = deep(bands)
    by_band, by_pixel = (tiff_of(samples, planar=planar, order=order) for planar in (True, False))
    assert np.array_equal(grey(by_band), grey(by_pixel))
    high = Image.fromarray((samples[..., :3] >> 8).astype(np.uint8))
    assert np.array_equal(grey(by_band), np.asarray(high.convert("L")))


def test_an_extra_band_stored_apart_is_left_out():
    samples = deep(4)
    data = tiff_of(samples, planar=True, tags={338: ("H", [0])})
    assert np.array_equal(grey(data), grey(tiff_of(samples[..., :3])))


UNSUPPORTED = {
    "RGB pixels in 4 bands of float32": tiff_of(np.zeros((8, 8, 4), np.float32)),
    "RGB pixels in 3 bands of float32": tiff_of(np.zeros((8, 8, 3), np.float32)),
    "RGB pixels in 3 bands of int16": tiff_of(np.zeros((8, 8, 3), np.int16)),
    "grey pixels in 4 bands of uint16": tiff_of(deep(4), photometric=1),
    "grey pixels in 5 bands of uint8": tiff_of(np.zeros((8, 8, 5), np.uint8)),
    "grey pixels in 13 bands of uint16": tiff_of(deep(13)),
    "grey pixels in 1 band of float64": tiff_of(np.zeros((8, 8))),
    "grey pixels in 1 band of uint64": tiff_of(np.zeros((8, 8), np.uint64)),
    "1 band of int8": tiff_of(np.zeros((8, 8), np.int8)),
    "1 band of uint32 and values above 2,147,483,647": tiff_of(np.full((8, 8), 2**31, np.uint32)),
    "4 separate bands of uint16": tiff_of(deep(4), planar=True, photometric=5),
    "RGB pixels in 4 bands of uint8": tiff_of(
        np.zeros((8, 8, 4), np.uint8), planar=True, tags={338: ("H", [0])}
    ),
    "3 separate bands of uint16": tiff_of(
        deep(3), planar=True, photometric=1, tags={338: ("H", [0, 0])}
    ),
    "compression 34887": tiff_of(np.zeros((8, 8), np.uint8), tags={259: ("H", [34887])}),
}


@pytest.mark.parametrize("reason", UNSUPPORTED)
def test_reasons_name_bands_and_their_type(reason):
    with pytest.raises(ImageError, match=f"a TIFF with {reason}: not supported$"):
        grey(UNSUPPORTED[reason])


def test_unsigned_values_of_32_bits_that_fit_are_hashed():
    assert grey(tiff_of(np.arange(64, dtype=np.uint32).reshape(8, 8) * 1000)).max() == 255


def test_a_damaged_header_is_called_damaged():
    data = tiff_of(np.zeros((8, 8), np.uint8))
    for damaged in (data[:30], data[:4] + b"\xff\xff\xff\x7f" + data[8:]):
        with pytest.raises(ImageError, match="a damaged or unsupported TIFF header"):
            grey(damaged)


def test_jpegs_of_other_bands_and_depths_are_named(photo, encoded):
    jpeg = bytearray(encoded(photo(20, 30), "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    for place, value, reason in ((4, 12, "3 bands of uint12"), (9, 2, "2 bands of uint8")):
        other = bytearray(jpeg)
        other[frame + place] = value
        with pytest.raises(ImageError, match=f"a JPEG with {reason}: not supported"):
            grey(bytes(other))

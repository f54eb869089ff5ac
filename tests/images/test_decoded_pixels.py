"""What `decode` keeps of an image where colours are asked for."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from fastphash.images.decode import Decoding, decode
from fastphash.images.encode import encode
from tests.support.references import FULL

COLOURS = ("RGB", "RGBA", "P", "CMYK", "YCbCr")
MODES = {
    "TIFF": (*COLOURS, "L", "LA", "1"),
    "PNG": ("RGB", "RGBA", "P", "L", "LA", "1"),
    "JPEG": ("RGB", "CMYK", "YCbCr", "L"),
}


def with_pixels(data, rules=FULL):
    decoded = decode(data, rules, with_pixels=True)
    assert decoded.pixels.flags.c_contiguous
    plain = decode(data, rules)
    assert np.array_equal(decoded.grey, plain.grey)
    assert plain.pixels is None
    return decoded.pixels


@pytest.mark.parametrize(("name", "mode"), [(name, mode) for name in MODES for mode in MODES[name]])
def test_pixels_are_those_of_pillow(name, mode, photo, encoded):
    image = Image.fromarray(photo(70, 50))
    image = image.quantize(40) if mode == "P" else image.convert(mode)
    data = encoded(image, name)
    opened = Image.open(io.BytesIO(data))
    wanted = np.asarray(opened.convert("RGB" if mode in COLOURS else "L"))
    assert np.array_equal(with_pixels(data), wanted)


def test_transparent_entries_of_a_palette_keep_their_colour(photo, encoded):
    image = Image.fromarray(photo(40, 60)).quantize(40)
    data = encoded(image, "PNG", transparency=bytes(range(0, 256, 7)))
    assert np.array_equal(with_pixels(data), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("name", ["JPEG", "PNG"])
@pytest.mark.parametrize("colour", [True, False])
def test_pixels_are_turned_by_exif_only_when_asked_for(name, colour, photo, encoded):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(photo(50, 70, channels=3 if colour else 1), name, exif=exif)
    image = Image.open(io.BytesIO(data))
    assert np.array_equal(with_pixels(data), np.asarray(image))
    turned = with_pixels(data, Decoding(exif=True))
    assert np.array_equal(turned, np.asarray(ImageOps.exif_transpose(image)))


@pytest.mark.parametrize("exif", [False, True])
def test_a_reduced_jpeg_has_grey_pixels(exif, photo, encoded):
    data = encoded(photo(600, 600), "JPEG")
    assert with_pixels(data, Decoding("reduced", exif)).shape == (150, 150)


def test_pixels_of_more_than_8_bits_are_rendered(encoded):
    values = np.arange(40 * 30, dtype=np.uint16).reshape(40, 30) * 50
    data = encoded(Image.fromarray(values), "TIFF")
    pixels = with_pixels(data)
    assert pixels.shape == (40, 30)
    assert (pixels.min(), pixels.max()) == (0, 255)
    clipped = with_pixels(data, Decoding(strict_imagehash=True))
    assert np.array_equal(clipped, np.minimum(values, 255))


def test_bands_that_pillow_has_no_mode_for_are_rendered(photo):
    bands = np.concatenate([photo(40, 50), photo(40, 50, 1)], axis=-1)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, bands, photometric="minisblack", planarconfig="contig")
    assert with_pixels(buffer.getvalue()).shape == (40, 50, 3)


def test_what_is_encoded_keeps_its_pixels(picture):
    assert np.array_equal(with_pixels(encode(picture, "PNG")), picture)

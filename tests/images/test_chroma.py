import io

import numpy as np
import pytest
from PIL import Image

from fastphash.images import pixels
from fastphash.images.decode import Decoding, decode
from fastphash.images.encode import encode
from fastphash.images.pixels import array_chroma
from tests.support import naive
from tests.support.references import FULL, reference

REDUCED = Decoding("reduced")


def test_chroma_is_its_twin_and_close_to_pillows(picture):
    decoded = decode(encode(picture, "PNG"), FULL).chroma
    assert (decoded.dtype, decoded.shape) == (np.int8, (2, 8, 8))
    if picture.ndim == 2:
        assert not decoded.any()
        return
    assert np.array_equal(decoded, naive.chroma(picture))
    height, width = picture.shape[:2]
    if not (height % 8 or width % 8):
        pillow = np.asarray(Image.fromarray(picture).convert("YCbCr"))[..., 1:] - 128.0
        cells = pillow.reshape(8, height // 8, 8, width // 8, 2).mean(axis=(1, 3))
        assert np.abs(decoded - np.moveaxis(cells, -1, 0)).max() < 1.5


@pytest.mark.parametrize("suffix", ["PNG", "JPEG"])
def test_cells_lie_as_pixels_do(suffix, encoded):
    pixels = np.full((64, 128, 3), 128, np.uint8)
    pixels[:8, -16:] = (255, 0, 0)
    pixels[-8:, :16] = (0, 0, 255)
    options = {"subsampling": 0, "quality": 100} if suffix == "JPEG" else {}
    cb, cr = decode(encoded(pixels, suffix, **options), FULL).chroma
    assert cb[7, 0] >= 126
    assert cr[0, 7] >= 126
    grey = np.ones((8, 8), bool)
    grey[7, 0] = grey[0, 7] = False
    assert not cb[grey].any()
    assert not cr[grey].any()


@pytest.mark.parametrize(
    ("mode", "name", "options"),
    [
        ("RGBA", "PNG", {}),
        ("RGBA", "TIFF", {}),
        ("P", "PNG", {}),
        ("P", "PNG", {"transparency": 3}),
        ("P", "PNG", {"transparency": bytes(range(256))}),
        ("P", "GIF", {"transparency": 3}),
        ("CMYK", "JPEG", {}),
        ("CMYK", "TIFF", {}),
        ("YCbCr", "TIFF", {}),
    ],
)
@pytest.mark.filterwarnings("ignore:Palette images with Transparency:UserWarning")
def test_chroma_is_that_of_pillows_rgb(mode, name, options, photo, encoded):
    image = Image.fromarray(photo(41, 59)).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(photo(41, 59, 1, channels=1)))
    data = encoded(image, name, **options)
    read = Image.open(io.BytesIO(data))
    decoded = decode(data, FULL)
    assert np.array_equal(decoded.grey, reference(data))
    assert decoded.chroma.any()
    assert np.array_equal(decoded.chroma, naive.chroma(np.asarray(read.convert("RGB"))))


@pytest.mark.parametrize(
    ("mode", "name"),
    [("1", "PNG"), ("L", "PNG"), ("L", "JPEG"), ("LA", "PNG"), ("I;16", "PNG"), ("F", "TIFF")],
)
def test_images_of_one_band_have_no_colour(mode, name, photo, encoded):
    image = Image.fromarray(photo(30, 40, channels=1)).convert(mode)
    for rules in (FULL, Decoding(strict_imagehash=True)):
        decoded = decode(encoded(image, name), rules).chroma
        assert (decoded.dtype, decoded.shape) == (np.int8, (2, 8, 8))
        assert not decoded.any()


def test_grey_pixels_in_colour_have_no_colour(photo, encoded):
    pixels = np.repeat(photo(30, 41, channels=1)[..., None], 3, axis=2)
    assert not decode(encoded(pixels, "PNG"), FULL).chroma.any()


def test_only_reduced_jpegs_have_unknown_colour(photo, encoded):
    pixels = photo(300, 300)
    for image in (pixels, pixels[..., 0], Image.fromarray(pixels).convert("CMYK")):
        assert decode(encoded(image, "JPEG"), REDUCED).chroma is None
    data = encoded(pixels, "PNG")
    assert np.array_equal(decode(data, REDUCED).chroma, decode(data, FULL).chroma)


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK"])
def test_large_images_are_looked_at_in_strips(mode, photo, encoded, monkeypatch):
    data = encoded(Image.fromarray(photo(75, 50)).convert(mode), "TIFF")
    whole = decode(data, FULL).chroma
    for at_once in (1, 50 * 7, 50 * 74):
        monkeypatch.setattr(pixels, "_STRIP", at_once)
        assert np.array_equal(decode(data, FULL).chroma, whole)


def test_chroma_of_the_tallest_images_is_right():
    # more rows than a sum of 32 bits holds
    pixels = np.broadcast_to(np.array([0, 0, 255], np.uint8), (20_000_000, 1, 3))
    cb, cr = array_chroma(pixels)
    assert (cb == 127).all()
    assert (cr == -21).all()

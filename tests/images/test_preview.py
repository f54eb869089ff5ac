import io

import numpy as np
import pytest
from PIL import Image

from fastphash.errors import ImageError
from fastphash.images.encode import encode
from fastphash.images.preview import decode_small, make_preview
from tests.support.scenes import TRANSPOSES, scene


def test_a_preview_is_turned_as_pillow_turns():
    pixels = scene(1)
    plain = make_preview(encode(pixels, "PNG"), 64)
    for orientation, turn in enumerate(TRANSPOSES, 1):
        turned = Image.open(io.BytesIO(make_preview(encode(pixels, "PNG"), 64, orientation)))
        expected = Image.open(io.BytesIO(plain)).transpose(turn)
        assert turned.size == expected.size
        assert np.abs(np.asarray(turned, int) - np.asarray(expected, int)).mean() < 3


def test_a_preview_is_no_larger_than_asked():
    small = Image.open(io.BytesIO(make_preview(encode(scene(1), "PNG"), 32)))
    assert small.size == (32, 24)


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\nbroken"])
def test_a_preview_of_bad_bytes_is_an_image_error(data):
    with pytest.raises(ImageError):
        make_preview(data, 64)


@pytest.mark.parametrize("shape", [(90, 140, 3), (90, 140), (1100, 431, 3), (200, 1500, 3)])
def test_small_pictures_are_the_same_by_either_decoder(photo, shape):
    pixels = np.resize(photo(90, 140, 3), shape)
    data = encode(pixels, "JPEG", 90)
    small = decode_small(data, 256)
    # with EXIF orientations Pillow decodes
    np.testing.assert_array_equal(small, decode_small(data, 256, exif=True))
    assert 0.78 * 256 <= max(small.shape) <= 256 or small.shape == shape
    assert small.ndim == len(shape)


def test_small_pictures_are_means_over_whole_pixels(photo):
    pixels = photo(1000, 600, 3)
    small = decode_small(encode(pixels, "PNG"), 256)
    means = pixels.reshape(250, 4, 150, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(small, means, atol=0.51)


def test_damaged_pictures_are_no_small_ones(photo):
    data = encode(photo(90, 140, 3), "JPEG", 90)
    for damaged in (b"", b"text", data[: len(data) // 2]):
        with pytest.raises(ImageError):
            decode_small(damaged, 64)

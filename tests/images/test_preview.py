import io

import numpy as np
import pytest
from PIL import Image

from fastphash.errors import ImageError
from fastphash.images.encode import encode
from fastphash.images.preview import make_preview
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

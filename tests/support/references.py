"""What other libraries make of the same file."""

import io

import imagehash
import numpy as np
import pytest
from PIL import Image

from fastphash.errors import ImageError
from fastphash.images.decode import Decoding, decode
from tests.support.scenes import TRANSPOSES

FULL = Decoding()


def stage_of(data, rules=FULL):
    with pytest.raises(ImageError) as caught:
        decode(data, rules)
    assert caught.value.reason
    assert "\n" not in str(caught.value)
    return caught.value.stage


def reference(data):
    """What Pillow makes of it."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def imagehashes(path):
    with Image.open(path) as image:
        turned = [image.copy(), *(image.transpose(how) for how in TRANSPOSES)]
    return [int(str(imagehash.phash(one)), 16) for one in turned]

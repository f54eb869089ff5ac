"""Pixels to image bytes."""

import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encode(pixels: NDArray[np.uint8], name: Literal["JPEG", "PNG"], quality: int = 90) -> bytes:
    """Encode uint8 pixels, (h, w) or RGB (h, w, 3); `quality` is for JPEG."""
    buffer = io.BytesIO()
    options: dict[str, int] = {"quality": quality} if name == "JPEG" else {"compress_level": 1}
    Image.fromarray(pixels).save(buffer, name, **options)
    return buffer.getvalue()

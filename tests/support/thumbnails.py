"""Thumbnails that agree, and thumbnails that nearly do."""

import io

import numpy as np
from PIL import Image

from fastphash.images.thumbnail import thumbnail
from tests.support import naive


def pool():
    """Thumbnails of which some agree: three pictures turned, edited and saved again, two flats."""
    rng = np.random.default_rng(0)
    images = [np.full((32, 32), 90, np.uint8), np.full((32, 32), 93, np.uint8)]
    for _ in range(3):
        picture = np.kron(rng.integers(60, 190, (8, 8)), np.ones((4, 4)))
        for turn in (naive.TURNS[0], naive.TURNS[1], naive.TURNS[4]):
            for noise in (0, 3, 7):
                noisy = turn(picture) * rng.choice([1, 1.2]) + rng.normal(0, noise, (32, 32))
                images.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return np.array(images).reshape(-1, 1024)


POOL = pool()


def related(seed):
    """Two thumbnails that may be the same picture: turned, saved again, edited, or neither."""
    rng = np.random.default_rng(seed)
    grain = int(rng.choice([1, 2, 8, 32]))
    contrast = rng.choice([0, 0.5, 3, 40, 120])
    cells = rng.normal(0, contrast, (32 // grain, 32 // grain))
    a = np.kron(cells, np.ones((grain, grain))) + rng.uniform(0, 255)
    if rng.random() < 0.2:
        a[:] = 255
        a[3:5, 3:6] = rng.integers(0, 256, (2, 3))
    elif rng.random() < 0.4:
        # another thing of the same outline on the same ground
        shown = a[4:20, 6:20].copy()
        a[:] = rng.choice([0, 255])
        b = a.copy()
        a[4:20, 6:20] = shown
        b[4:20, 6:20] = (shown, shown[::-1], shown.mean())[rng.integers(0, 3)]
        return [np.clip(image, 0, 255).round().astype(np.uint8).reshape(-1) for image in (a, b)]
    b = naive.TURNS[rng.integers(0, 8)](a)
    b = b * rng.choice([1, 1, 0.7, 1.3]) + rng.choice([0, 0, 1, 5, 30])
    b = b + rng.normal(0, rng.choice([0, 0, 1, 3, 6, 20]), a.shape)
    return [np.clip(image, 0, 255).round().astype(np.uint8).reshape(-1) for image in (a, b)]


def small(image):
    grey = image if isinstance(image, np.ndarray) else np.asarray(image.convert("L"))
    return thumbnail(np.ascontiguousarray(grey)).reshape(-1)


def saved_again(image, quality):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)

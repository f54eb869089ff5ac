"""The middle of images, turned by a small angle."""

import math

import numpy as np
import pytest
from PIL import Image

from fastphash.demo import scene
from fastphash.hashing import turned as turned_module
from fastphash.hashing.api import phash
from fastphash.hashing.turned import cut_turned, hash_turned
from fastphash.hashing.windows import MIDDLE, TURNS
from fastphash.images.thumbnail import thumbnail
from tests.support.examples import slow_but


def photo(seed, side=320):
    """Grey pixels of a scene, wider than high."""
    grey = Image.fromarray(scene(np.random.default_rng(seed), side=side)).convert("L")
    return grey.resize((side, side * 3 // 4), Image.Resampling.BICUBIC)


def small(picture):
    return thumbnail(np.asarray(picture)).reshape(-1)


def middle_of(picture):
    edges = zip(MIDDLE, (*picture.size, *picture.size), strict=True)
    return picture.crop([round(share * length) for share, length in edges])


def bits_apart(ours, theirs):
    return (int(ours) ^ int(theirs)).bit_count()


@pytest.mark.parametrize("degrees", slow_but([8], [5, 8, 10]))
@pytest.mark.parametrize("way", [-1, 1])
def test_a_turned_middle_is_near_the_middle_of_what_was_turned(degrees, way):
    for seed in range(3):
        picture = photo(seed)
        # counter-clockwise, as Pillow has it
        turned = small(picture.rotate(way * degrees, Image.Resampling.BICUBIC))[None]
        wanted = int(phash(middle_of(picture)))
        apart = [bits_apart(one, wanted) for one in hash_turned(turned, TURNS)[0]]
        assert apart[TURNS.index(-8 * way)] <= 12
        assert apart[TURNS.index(8 * way)] > 12


def test_thumbnails_are_hashed_alike_however_many_they_are(monkeypatch):
    monkeypatch.setattr("fastphash.hashing.turned._AT_ONCE", 2)
    thumbnails = np.stack([small(photo(seed)) for seed in range(5)])
    together = hash_turned(thumbnails, TURNS)
    assert together.shape == (5, 2)
    alone = [hash_turned(one[None], TURNS)[0] for one in thumbnails]
    np.testing.assert_array_equal(together, alone)
    assert hash_turned(thumbnails[:0], TURNS).shape == (0, 2)
    assert hash_turned(thumbnails, ()).shape == (5, 0)


def test_cut_pixels_are_those_of_a_turned_plane():
    # a plane of light, which a cubic reproduces
    y, x = np.mgrid[:32, :32]
    plane = (40 + 2 * x + 3 * y).astype(np.uint8)
    flat = np.full((32, 32), 77, np.uint8)
    thumbnails = np.stack([flat, plane]).reshape(2, -1)
    cut = cut_turned(thumbnails, np.array([1, 0, 1]), np.array([8, 8, -8], np.int8))
    assert (cut[1] == 77).all()
    for pixels, degrees in ((cut[0], 8), (cut[2], -8)):
        angle = math.radians(degrees)
        for row, column in ((4, 4), (16, 20), (27, 9)):
            down, across = (0.8 * ((place + 0.5) / 32 - 0.5) for place in (row, column))
            there = math.cos(angle) * across - math.sin(angle) * down
            below = math.sin(angle) * across + math.cos(angle) * down
            expected = 40 + 2 * (32 * (there + 0.5) - 0.5) + 3 * (32 * (below + 0.5) - 0.5)
            assert abs(int(pixels.reshape(32, 32)[row, column]) - expected) <= 1


def test_cut_pixels_are_those_of_sums_of_whole_arrays():
    thumbnails = np.random.default_rng(0).integers(0, 256, (3, 1024), np.uint8)
    places, weights = turned_module._taps(8)
    planes = thumbnails.astype(np.float32)
    sums = np.zeros_like(planes)
    for place, weight in zip(places, weights, strict=True):
        sums += planes[:, place] * weight
    expected = np.clip(np.rint(sums), 0, 255)
    cut = cut_turned(thumbnails, np.array([2, 0, 1]), np.full(3, 8, np.int8))
    np.testing.assert_array_equal(cut, expected[[2, 0, 1]])

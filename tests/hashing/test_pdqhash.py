"""PDQ bit for bit that of pdqhash, where it is installed: on Linux it takes a C++ compiler."""

import contextlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.errors import ImageError
from fastphash.hashing.hexadecimal import to_hex
from fastphash.hashing.pdq import pdq, pdq_orientations
from fastphash.images.decode import decode
from tests.hashing.make_golden_pdq import pdqhash_of
from tests.support.examples import slow_but
from tests.support.hash_strategies import seeds
from tests.support.references import FULL

pytest.importorskip("pdqhash", reason="pip install 'fastphash[pdq]'")


def check(pixels):
    hashes, quality = pdq_orientations(pixels)
    assert (to_hex(hashes, bits=256), quality) == pdqhash_of(pixels)
    upright = pdq(pixels)
    assert (upright.hash.tolist(), upright.quality) == (hashes[0].tolist(), quality)


def test_pictures_hash_as_pdqhash_does(picture):
    check(picture)


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from([(), (3,)]), seeds)
@example(64, 64, (3,), 0)
@example(64, 64, (), 1)
@example(4, 5, (3,), 0)
def test_noise_hashes_as_pdqhash_does(height, width, channels, seed):
    check(np.random.default_rng(seed).integers(0, 256, (height, width, *channels), np.uint8))


@given(st.integers(5, 200), st.integers(5, 200), st.sampled_from([(), (3,)]), seeds)
def test_flat_and_two_tone_images_hash_as_pdqhash_does(height, width, channels, seed):
    rng = np.random.default_rng(seed)
    pixels = np.empty((height, width, *channels), np.uint8)
    pixels[:] = rng.integers(0, 256, channels)
    check(pixels)
    pixels[rng.integers(0, height) :, rng.integers(0, width) :] = rng.integers(0, 256, channels)
    check(pixels)


@pytest.mark.parametrize("folder", ["kodak", "aerial300", "eurosat", "edits", "exif", "odd"])
@pytest.mark.parametrize("part", slow_but([20], [1, 20]))
def test_shared_images_hash_as_pdqhash_does(folder, part, shared):
    checked = 0
    for path in sorted(path for path in (shared / folder).rglob("*") if path.is_file())[::part]:
        with contextlib.suppress(ImageError):
            check(decode(path.read_bytes(), FULL, with_pixels=True).pixels)
            checked += 1
    assert checked

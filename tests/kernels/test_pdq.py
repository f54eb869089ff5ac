import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash.kernels import pdq
from tests.support import naive
from tests.support.hash_strategies import seeds


def shrunk(pixels):
    pixels = pixels.copy()
    pixels.flags.writeable = False
    out = np.full((64, 64), np.nan, np.float32)
    pdq.shrink(pixels.reshape(len(pixels), -1), pixels.shape[1], out)
    return out


@given(st.integers(5, 200), st.integers(5, 200), st.booleans(), seeds)
@example(5, 5, True, 0)
@example(16, 8, True, 0)
@example(17, 9, False, 0)
@example(64, 64, True, 0)
@example(128, 129, True, 0)
@example(129, 128, True, 0)
@example(5, 700, True, 0)
@example(700, 5, False, 0)
def test_shrinking_is_its_twin(height, width, colour, seed):
    shape = (height, width, 3) if colour else (height, width)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    assert np.array_equal(shrunk(pixels), naive.pdq_square(pixels))


@pytest.mark.parametrize("shape", [(300, 300, 3), (768, 1024, 3), (1500, 257), (33, 3000, 3)])
def test_shrinking_large_images_is_its_twin(shape, photo):
    pixels = photo(*shape[:2], channels=3) if len(shape) == 3 else photo(*shape, channels=1)
    assert np.array_equal(shrunk(pixels), naive.pdq_square(pixels))


def test_luma_is_its_twin():
    levels = np.arange(256, dtype=np.uint8)
    green, blue = np.meshgrid(levels, levels, indexing="ij")
    for red in range(0, 256, 3):
        rgb = np.stack([np.full_like(green, red), green, blue], axis=-1).reshape(-1, 3)
        luma = np.empty(len(rgb), np.float32)
        pdq.fill_luma(rgb.reshape(-1), luma)
        assert np.array_equal(luma, naive.pdq_luma(rgb[None])[0])


squares = hnp.arrays(np.float32, (3, 64, 64), elements=st.floats(0, 255, width=32))


@given(squares, st.booleans())
@example(np.zeros((3, 64, 64), np.float32), False)
@example(np.tile(np.float32([0, 255]), (3, 64, 32)), False)
def test_frequencies_and_qualities_are_their_twins(squares, whole):
    squares = np.floor(squares) if whole else squares
    frequencies = np.full((3, 16, 16), np.nan, np.float32)
    qualities = np.full(3, 255, np.uint8)
    cosines = naive.PDQ_COSINES
    pdq.low_frequencies(squares, cosines, np.ascontiguousarray(cosines.T), frequencies)
    pdq.qualities(squares, qualities)
    for square, low, quality in zip(squares, frequencies, qualities, strict=True):
        assert np.array_equal(low, naive.pdq_frequencies(square))
        assert quality == naive.pdq_quality(square)

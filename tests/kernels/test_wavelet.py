import numpy as np
import pywt
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.kernels import wavelet
from tests.support import naive
from tests.support.hash_strategies import seeds

halves = st.integers(1, 20)


def unit_pixels(height, width, seed):
    """Pixels from 0 to 1, of few tones for every other seed, so that many are equal."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256 if seed % 2 else 3, (2 * height, 2 * width)) / 255.0


@given(st.sampled_from([1, 2, 8, 16]), st.integers(1, 9), seeds)
@example(16, 300, 1)
def test_sums_of_blocks_are_their_twin(side, size, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (side * size,) * 2, np.uint8)
    if seed == 1:
        pixels[:] = 255
    pixels.flags.writeable = False
    sums = np.full((side, side), -1)
    wavelet.sum_blocks(pixels, sums)
    assert np.array_equal(sums, naive.sum_blocks(pixels, side))


@given(halves, halves, seeds)
def test_low_pass_is_its_twin_and_pywts(height, width, seed):
    fine = unit_pixels(height, width, seed)
    fine.flags.writeable = False
    coarse = np.empty((height, width))
    wavelet.low_pass(fine, coarse)
    assert np.array_equal(coarse, naive.low_pass(fine))
    assert np.array_equal(coarse, pywt.dwt2(fine, "haar")[0])


@given(halves, halves, seeds)
def test_restoring_is_its_twin_and_pywts(height, width, seed):
    fine = unit_pixels(height, width, seed)
    coarse = np.random.default_rng(seed).normal(size=(height, width))
    coarse *= seed % 3
    expected = pywt.idwt2((coarse, pywt.dwt2(fine, "haar")[1]), "haar")
    assert np.array_equal(naive.restore(coarse, fine), expected)
    wavelet.restore(coarse, fine)
    assert np.array_equal(fine, expected)

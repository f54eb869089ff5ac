import numpy as np
import pytest
import pywt

from fastphash.hashing.wavelet import rounded_means, wavelet_means, wavelet_scale
from tests.support.examples import slow_but

CASES = [(scale, side) for side in (8, 16) for scale in (8, 16, 32, 64, 128, 1024) if scale >= side]


def reference(pixels, side):
    """What ImageHash's whash compares with its median."""
    depth = len(pixels).bit_length() - 1
    coefficients = pywt.wavedec2(pixels / 255.0, "haar", level=depth)
    coefficients[0] *= 0
    restored = pywt.waverec2(coefficients, "haar")
    return pywt.wavedec2(restored, "haar", level=depth - (side.bit_length() - 1))[0]


def squares(scale):
    """Squares in which many averages are equal, and noise."""
    rng = np.random.default_rng(scale)
    noise = rng.integers(0, 256, (scale, scale), np.uint8)
    yield noise
    yield np.maximum(noise, noise[::-1])
    yield np.maximum(noise, noise.T)
    yield noise // 128 * 200 + 3
    yield np.tile(noise[:1], (scale, 1))
    yield np.kron(rng.integers(0, 5, (8, 8), np.uint8) * 50, np.ones((scale // 8,) * 2, np.uint8))
    half = np.zeros((scale, scale), np.uint8)
    half[:, scale // 2 :] = 200
    yield half
    for level in (0, 1, 77, 128, 255):
        yield np.full((scale, scale), level, np.uint8)


@pytest.mark.parametrize("case", slow_but([c for c in CASES if c[0] < 200], CASES), ids=str)
def test_means_are_those_of_pywavelets(case):
    scale, side = case
    by_sums = 0
    for pixels in squares(scale):
        expected = reference(pixels, side)
        rounded = rounded_means(pixels, side)
        assert np.array_equal(rounded, expected)
        means = wavelet_means(pixels, side)
        assert np.array_equal(means > np.median(means), expected > np.median(expected))
        by_sums += not np.array_equal(means, rounded)
    assert by_sums


@pytest.mark.slow
def test_large_images_are_taken_in_strips():
    pixels = np.full((2048, 2048), 200, np.uint8)
    pixels[1000:, 7] = 0
    assert np.array_equal(rounded_means(pixels, 8), reference(pixels, 8))


@pytest.mark.parametrize(
    ("width", "height", "side", "scale"),
    [
        (1, 1, 8, 8), (8, 8, 8, 8), (15, 900, 8, 8), (15, 900, 16, 16), (16, 16, 8, 16),
        (300, 400, 8, 256), (511, 512, 16, 256), (512, 600, 16, 512), (4096, 4095, 8, 2048),
    ],
)  # fmt: skip
def test_scale_is_the_largest_power_of_two_that_fits(width, height, side, scale):
    assert wavelet_scale(width, height, side) == scale
    assert wavelet_scale(height, width, side) == scale

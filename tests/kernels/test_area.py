"""Pictures are made smaller as OpenCV does."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.looks.keypoints import reduce_to


@given(st.integers(0, 2**32), st.integers(1, 90), st.integers(1, 90), st.integers(1, 90))
def test_means_are_those_of_opencv(seed, height, width, side):
    grey = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    factor = min(side / max(grey.shape), 1)
    size = tuple(max(round(length * factor), 1) for length in grey.shape[::-1])
    expected = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    reduced = reduce_to(grey, side)
    assert reduced.shape == expected.shape
    difference = np.abs(reduced.astype(int) - expected)
    # the last bits of sums differ, and ties are rounded either way
    assert difference.max() <= 1
    assert difference.mean() <= 0.02 or reduced.size < 100


@pytest.mark.parametrize("side", [256, 160])
def test_hardly_any_pixel_of_a_photo_differs(side, photo):
    grey = photo(427, 640, 1, channels=1)
    height = round(427 * side / 640)
    expected = cv2.resize(grey, (side, height), interpolation=cv2.INTER_AREA)
    assert (reduce_to(grey, side) != expected).mean() < 1e-3


def test_one_level_stays():
    assert (reduce_to(np.full((100, 333), 255, np.uint8), 64) == 255).all()

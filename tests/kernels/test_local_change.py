"""Kernels of the second look against numpy."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.kernels import local_change
from tests.support.naive import local_change as naive

SHAPES = st.tuples(st.integers(2, 40), st.integers(2, 40))
SEEDS = st.integers(0, 2**32 - 1)


def plane(seed, shape):
    return np.random.default_rng(seed).uniform(-130, 255, shape).astype(np.float32)


@given(SEEDS, SHAPES)
@example(0, (2, 2))
@example(1, (3, 5))
def test_planes_of_grey_and_chroma_are_those_of_numpy(seed, shape):
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (*shape, 3), np.uint8)
    grey = np.empty(shape, np.float32)
    chroma = np.empty((2, shape[0] // 2, shape[1] // 2), np.float32)
    local_change.split_planes(rgb, grey, chroma)
    expected = naive.split_planes(rgb)
    np.testing.assert_allclose(grey, expected[0], atol=1e-3)
    np.testing.assert_allclose(chroma, expected[1], atol=1e-3)
    # multiples of a 256th: no sum is rounded
    mix = (rng.integers(-256, 384, (3, 4)) / 256).astype(np.float32)
    curves = rng.uniform(0, 255, (3, 256)).astype(np.float32)
    local_change.split_toned_planes(rgb, mix, curves, grey, chroma)
    expected = naive.split_planes(rgb, mix, curves)
    np.testing.assert_allclose(grey, expected[0], atol=1e-3)
    np.testing.assert_allclose(chroma, expected[1], atol=1e-3)


@given(SEEDS, st.tuples(st.integers(1, 40), st.integers(1, 40)))
@example(0, (1, 1))
@example(1, (1, 7))
@example(2, (7, 1))
def test_smoothing_and_unexplained_means_are_those_of_numpy(seed, shape):
    left, right = plane(seed, shape), plane(seed + 1, shape)
    smoothed = left.copy()
    local_change.smooth(smoothed)
    np.testing.assert_allclose(smoothed, naive.smooth(left), atol=1e-3)
    mean = np.empty_like(left)
    local_change.unexplained_means(left, right, mean)
    expected = naive.box_mean(naive.unexplained(left, right), 1)
    np.testing.assert_allclose(mean, expected, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (5, 33), (16, 16), (40, 17)])
def test_largest_values_of_cells_are_those_of_numpy(shape):
    values = np.maximum(plane(3, shape), 0)
    starts = [np.arange(17) * side // 16 for side in shape]
    row_cell = np.searchsorted(starts[0], np.arange(shape[0]), "right") - 1
    cells = np.empty((16, 16), np.float32)
    local_change.cell_maxima(values, row_cell, starts[1], cells)
    assert (cells == naive.cell_maxima(values, *starts).astype(np.float32)).all()
    local_change.contrast_maxima(values, row_cell, starts[1], cells)
    low, high = naive.half_way_range(values)
    np.testing.assert_allclose(cells, naive.cell_maxima(high - low, *starts), atol=1e-3)

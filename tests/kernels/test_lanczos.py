import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash.kernels import lanczos
from tests.support import naive
from tests.support.examples import slow_but
from tests.support.hash_strategies import seeds


@given(st.integers(1, 2000), st.data())
@example(1, None)
@example(31, None)
@example(32, None)
@example(33, None)
def test_taps_are_their_twins(size, data):
    extent = float(size)
    if data is not None:
        extent = data.draw(st.floats(max(size - 1, 0.5), size))
    width = max(len(weights) for _, weights in naive.taps(size, extent))
    start, count = np.empty(32, np.int32), np.empty(32, np.int32)
    weight = np.zeros((32, width), np.int32)
    lanczos.lanczos_taps(size, extent, start, count, weight)
    for i, (low, weights) in enumerate(naive.taps(size, extent)):
        assert start[i] == low
        assert weight[i, : count[i]].tolist() == weights


@pytest.mark.parametrize("size", [1, 2, 31, 32, 33, 300, 4001])
def test_weights_sum_to_one(size):
    width = max(len(weights) for _, weights in naive.taps(size, size))
    start, count = np.empty(32, np.int32), np.empty(32, np.int32)
    weight = np.zeros((32, width), np.int32)
    lanczos.lanczos_taps(size, size, start, count, weight)
    assert np.abs(weight.sum(axis=1) - 2**22).max() <= width


@pytest.mark.parametrize("target", [8, 9, 16, 17, 32, 64, 256, 2048])
@pytest.mark.parametrize("step", slow_but([97], [97, 1]))
def test_taps_of_a_mirrored_line_are_the_mirrored_taps(target, step):
    # so that the thumbnail of a mirrored image is the mirrored thumbnail
    least = 1 if target < 256 else target
    for size in range(least, least + 4000, step):
        width = math.ceil(3 * max(size / target, 1)) * 2 + 1
        start, count = np.empty(target, np.int32), np.empty(target, np.int32)
        weight = np.zeros((target, width), np.int32)
        lanczos.lanczos_taps(size, float(size), start, count, weight)
        # places of zero weight at the ends count as none
        place = start[:, None] + np.arange(width)
        keys = place * 2**32 + weight
        mirrored = (size - 1 - place) * 2**32 + weight
        for i in range((target + 1) // 2):
            other = target - 1 - i
            one = keys[i][weight[i] != 0]
            assert np.array_equal(one, mirrored[other][weight[other] != 0][::-1]), (size, i)


@given(st.integers(1, 70), st.integers(1, 70), seeds, st.booleans())
@example(1, 1, 0, False)
@example(32, 1, 0, True)
def test_shrinking_columns_is_its_twin(height, width, seed, harsh):
    rng = np.random.default_rng(seed)
    # black and white overshoot, which must be clipped
    image = rng.integers(0, 2, (height, width), np.uint8) * 255 if harsh else None
    image = rng.integers(0, 256, (height, width), np.uint8) if image is None else image
    pairs = naive.taps(height, height)
    start = np.array([low for low, _ in pairs], np.int32)
    count = np.array([len(weights) for _, weights in pairs], np.int32)
    weight = np.zeros((32, count.max()), np.int32)
    for i, (_, weights) in enumerate(pairs):
        weight[i, : len(weights)] = weights
    out = np.empty((32, width), np.uint8)
    lanczos.shrink_columns(image, start, count, weight, np.empty(width, np.int32), out)
    assert np.array_equal(out, naive.shrink(image, height))


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)))
@example(np.arange(8 * 16, dtype=np.uint8).reshape(8, 16))
@example(np.arange(16 * 8, dtype=np.uint8).reshape(16, 8))
@example(np.arange(17 * 33, dtype=np.uint16).astype(np.uint8).reshape(17, 33))
def test_transpose_is_numpys(image):
    image.flags.writeable = False
    out = np.empty(image.shape[::-1], np.uint8)
    lanczos.transpose(image, out)
    assert np.array_equal(out, image.T)

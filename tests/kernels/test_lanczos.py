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
        row, tap = np.nonzero(weight)
        place, share = start[row] + tap, weight[row, tap]
        mirrored = [target - 1 - row[::-1], size - 1 - place[::-1], share[::-1]]
        assert np.array_equal([row, place, share], mirrored), size


@given(st.integers(1, 300), st.sampled_from([8, 9, 32]))
@example(4001, 8)
@example(1, 32)
def test_parts_of_taps_are_their_weights(size, target):
    expected = naive.taps(size, size, target)
    first, last, parts = pair_taps(expected)
    weights = parts[..., :2].astype(np.int64) * 2048 + parts[..., 2:]
    for i, (low, shares) in enumerate(expected):
        assert first[i] == low // 2
        assert last[i] == (low + len(shares) + 1) // 2
        line = weights[i].reshape(-1)
        assert line[low % 2 :][: len(shares)].tolist() == shares
        assert np.count_nonzero(line) == np.count_nonzero(shares)


def pair_taps(taps):
    """Taps of `naive.taps` in pairs."""
    start = np.array([low for low, _ in taps], np.int32)
    count = np.array([len(weights) for _, weights in taps], np.int32)
    weight = np.zeros((len(taps), count.max()), np.int32)
    for i, (_, weights) in enumerate(taps):
        weight[i, : len(weights)] = weights
    first, last = np.empty((2, len(taps)), np.int64)
    parts = np.zeros((len(taps), count.max() // 2 + 1, 4), np.int16)
    lanczos.pair_taps(start, count, weight, first, last, parts)
    return first, last, parts


@given(st.integers(1, 70), st.integers(32, 100), st.sampled_from([8, 32, 65]), seeds)
@example(1, 32, 32, 0)
@example(2000, 40, 8, 0)
@example(64, 64, 64, 1)
def test_shrinking_pairs_is_its_twin(height, width, rows, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width), np.uint8)
    # black and white overshoot, which must be clipped
    image = image if seed % 2 else image // 128 * 255
    pairs = np.empty((-(-height // 2), 2 * width), np.uint8)
    lanczos.pair_rows(image, pairs)
    first, last, parts = pair_taps(naive.taps(height, height, rows))
    out = np.empty((rows, width), np.uint8)
    lanczos.shrink_pairs(pairs, first, last, parts.view(np.int32), out)
    assert np.array_equal(out, naive.shrink(image, height, rows))


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)), st.booleans())
@example(np.arange(8 * 16, dtype=np.uint8).reshape(8, 16), False)
@example(np.arange(16 * 8, dtype=np.uint8).reshape(16, 8), True)
@example(np.arange(17 * 33, dtype=np.uint16).astype(np.uint8).reshape(17, 33), False)
@example(np.arange(24 * 47, dtype=np.uint16).astype(np.uint8).reshape(24, 47), True)
def test_rows_and_columns_are_paired(image, wider):
    image.flags.writeable = False
    for kernel, lines in ((lanczos.pair_rows, image), (lanczos.pair_columns, image.T)):
        height, width = lines.shape
        shown = width + 5 if wider else width
        even = np.zeros((height + height % 2, shown), np.uint8)
        even[:height, :width] = lines
        pairs = np.full((len(even) // 2, 2 * shown), 99, np.uint8)
        kernel(image, pairs)
        assert np.array_equal(pairs[:, ::2], even[::2])
        assert np.array_equal(pairs[:, 1::2], even[1::2])

"""Marks of keypoints that look alike, against all distances in numpy."""

import numpy as np
import pytest

from fastphash.kernels.keypoints import WORDS, find_nearest


@pytest.mark.parametrize(("ours", "theirs"), [(0, 3), (1, 1), (40, 60), (60, 40)])
def test_the_nearest_mark_is_the_first_of_the_least_distance(ours, theirs):
    rng = np.random.default_rng(ours)
    # few marks: many are equally far
    left, right = (rng.integers(0, 3, (count, WORDS * 8), np.uint8) for count in (ours, theirs))
    bits = [np.unpackbits(marks, axis=1).astype(int) for marks in (left, right)]
    apart = np.abs(bits[0][:, None] - bits[1]).sum(axis=2)
    nearest, distance = np.empty(ours, np.int64), np.empty(ours, np.int64)
    find_nearest(left.view(np.uint64), right.view(np.uint64), nearest, distance)
    np.testing.assert_array_equal(nearest, apart.argmin(axis=1))
    np.testing.assert_array_equal(distance, apart.min(axis=1))

"""Rectangles in thumbnails: the likeliest are found, and where their sides lie."""

import numpy as np
import pytest

from fastphash.kernels.rectangles import APART, find_rectangles
from tests.support.naive.rectangles import likeliest_rectangle


def find(*planes, most=2):
    thumbnails = np.array(planes, np.uint8).reshape(-1, 1024)
    edges, evidence = np.empty((len(planes), most, 4)), np.empty((len(planes), most))
    find_rectangles(thumbnails, edges, evidence)
    return edges, evidence


def noise(seed, low=0, high=256):
    return np.random.default_rng(seed).integers(low, high, (32, 32))


def pasted(seed):
    """Noise of little contrast with a lighter rectangle, whose sides are not all straight."""
    rng = np.random.default_rng(seed)
    left, top = rng.integers(2, 10, 2)
    right, bottom = rng.integers(left + 11, 31), rng.integers(top + 11, 31)
    plane = noise(seed, 95, 106)
    plane[top:bottom, left:right] += rng.integers(10, 90, (bottom - top, right - left))
    return plane


@pytest.mark.parametrize("seed", range(2))
def test_the_likeliest_rectangle_is_that_of_its_twin(seed):
    plane = pasted(seed)
    expected = likeliest_rectangle(plane)
    assert expected is not None
    edges, evidence = find(plane, most=1)
    assert evidence[0, 0] == pytest.approx(expected[0])
    # sides are refined by less than a pixel
    np.testing.assert_allclose(edges[0, 0], expected[1:], atol=1)


def test_the_sides_of_a_picture_in_a_picture():
    plane = np.full((32, 32), 240)
    plane[5:28, 8:32] = noise(0, 0, 180)[5:28, 8:32]
    edges, evidence = find(plane)
    np.testing.assert_allclose(edges[0, 0], [8, 5, 32, 28], atol=0.4)
    assert evidence[0, 0] > 30
    # the second one is another one
    assert evidence[0, 1] == 0 or np.abs(edges[0, 1] - edges[0, 0]).max() >= APART - 1


def test_sides_lie_between_pixels():
    plane = np.full((32, 32), 200.0)
    plane[6:26, 6:26] = 40
    # half of these rows shows the picture
    plane[5, 6:26] = 120
    edges, _ = find(plane, most=1)
    np.testing.assert_allclose(edges[0, 0], [6, 5.5, 26, 26], atol=0.2)


def test_plain_and_smooth_pictures_have_no_rectangle():
    y, x = np.mgrid[:32, :32]
    edges, evidence = find(np.full((32, 32), 90), 3 * x + 2 * y)
    assert not evidence.any()
    assert not edges.any()


def test_each_thumbnail_is_searched_for_itself():
    planes = [pasted(3), noise(0), pasted(4)]
    together, alone = find(*planes), [find(plane) for plane in planes]
    for column in range(2):
        np.testing.assert_array_equal(together[column], [one[column][0] for one in alone])

"""Transforms of shares and pixels, and detail under them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.looks.fits import as_pixels, as_shares, fit_detail, invert

sides = st.integers(1, 300)
shapes = st.tuples(sides, sides)
numbers = st.floats(-2, 2).filter(lambda number: abs(number) > 0.01)


def noise(seed, height=120, width=160):
    """Spots of some 4 pixels."""
    rng = np.random.default_rng(seed)
    spots = rng.integers(0, 256, (height // 4, width // 4)).astype(np.float32)
    return np.kron(spots, np.ones((4, 4), np.float32))


@given(left=shapes, right=shapes, numbers=st.lists(numbers, min_size=6, max_size=6))
def test_shares_and_pixels_are_two_ways_to_write_a_transform(left, right, numbers):
    matrix = np.array(numbers).reshape(2, 3)
    shares = as_shares(matrix, left, right)
    np.testing.assert_allclose(as_pixels(shares, left, right), matrix, atol=1e-6)
    middle = np.array([left[1] / 2 - 0.5, left[0] / 2 - 0.5, 1])
    there = (matrix @ middle + 0.5) / right[::-1]
    np.testing.assert_allclose((shares @ (0.5, 0.5, 1))[:2], there, atol=1e-6)


def test_frames_are_the_same_transform_whatever_their_sizes():
    np.testing.assert_allclose(
        as_pixels(np.eye(3), (100, 200), (50, 50)), [(0.25, 0, -0.375), (0, 0.5, -0.25)]
    )


def test_a_start_is_refined():
    picture = noise(1)
    moved = np.roll(picture, 3, axis=1)
    fit = fit_detail(picture, moved, [np.eye(3)])
    assert fit.correlation > 0.99
    assert fit.shares[0, 2] == pytest.approx(3 / 160, abs=1e-3)
    np.testing.assert_allclose(fit.shares @ invert(fit.shares), np.eye(3), atol=1e-9)


def test_the_best_start_is_refined():
    picture = noise(1)
    moved = np.roll(picture, 40, axis=1)
    near = np.eye(3)
    near[0, 2] = 38 / 160
    fit = fit_detail(picture, moved, [np.eye(3), near])
    assert fit.correlation > 0.99
    assert fit.shares[0, 2] == pytest.approx(40 / 160, abs=1e-3)


def test_a_start_that_is_far_off_or_exact_is_not_refined():
    picture = noise(1)
    moved = np.roll(picture, 3, axis=1)
    start = fit_detail(picture, moved, [np.eye(3)], least=0.99)
    assert start.correlation < 0.99
    np.testing.assert_allclose(start.shares, np.eye(3), atol=1e-9)
    exact = fit_detail(picture, picture, [np.eye(3)])
    assert exact.correlation == pytest.approx(1)
    np.testing.assert_allclose(exact.shares, np.eye(3), atol=1e-9)


def test_detail_everywhere_covers_and_holds_everything():
    fit = fit_detail(noise(2), noise(2), [np.eye(3)])
    assert (fit.covered, fit.held) == (1, 8)
    other = fit_detail(noise(2), noise(3), [np.eye(3)])
    assert other.correlation < 0.5
    assert other.held < 8


def test_cells_that_something_covers_are_no_less_alike():
    picture, covered = noise(6), noise(6)
    covered[:50] = 128
    fit = fit_detail(picture, covered, [np.eye(3)])
    assert fit.alike >= 0.9
    assert fit.correlation < 0.8
    np.testing.assert_allclose(fit.shares, np.eye(3), atol=1e-3)


def test_few_cells_of_much_detail_are_not_alike():
    page = np.full((120, 160), 128, np.float32)
    page[20:32, 20:32] = noise(7, 12, 12)
    assert fit_detail(page, page, [np.eye(3)]).alike == 0


def test_a_spot_in_the_middle_covers_little_and_holds_nothing():
    page = np.full((120, 160), 200, np.float32)
    page[50:70, 70:90] = noise(4, 20, 20)
    fit = fit_detail(page, page, [np.eye(3)])
    assert fit.correlation == pytest.approx(1)
    assert fit.covered < 0.2
    assert fit.held == 0


@pytest.mark.parametrize(
    "start",
    [
        np.array([(1, 0, 0.7), (0, 1, 0.7), (0, 0, 1)]),
        np.array([(1, 0.6, 0), (0, 1, 0), (0, 0, 1)]),
        np.array([(1e-4, 0, 0), (0, 1e-4, 0), (0, 0, 1)]),
    ],
)
def test_little_overlap_and_skewed_frames_are_not_compared(start):
    flat = np.full((120, 160), 90, np.float32)
    fit = fit_detail(flat, noise(5), [start])
    assert (fit.correlation, fit.alike, fit.covered, fit.held) == (0, 0, 0, 0)

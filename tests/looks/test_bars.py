"""Bars at two opposite edges are found; the plain ground of a thing and borders all around stay."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fastphash.looks.bars import find_picture

HEIGHT, WIDTH = 120, 160


def picture(seed=1, low=40, high=200):
    return np.random.default_rng(seed).integers(low, high, (HEIGHT, WIDTH)).astype(np.uint8)


def with_bars(grey, top=0, bottom=0, left=0, right=0, level=0):
    return np.pad(grey, ((top, bottom), (left, right)), constant_values=level)


@given(
    first=st.integers(0, 60),
    second=st.integers(0, 60),
    level=st.sampled_from([0, 128, 255]),
    across=st.booleans(),
)
def test_what_bars_at_opposite_edges_leave(first, second, level, across):
    grey = picture()
    lines = with_bars(grey, top=first, bottom=second, level=level)
    if across:
        lines = with_bars(grey, left=first, right=second, level=level)
        assert find_picture(lines) == (first, 0, first + WIDTH, HEIGHT)
    else:
        assert find_picture(lines) == (0, first, WIDTH, first + HEIGHT)


def test_bars_may_have_two_colours():
    lines = with_bars(with_bars(picture(), top=20, level=0), bottom=30, level=255)
    assert find_picture(lines) == (0, 20, WIDTH, 20 + HEIGHT)


def test_bars_in_a_jpeg_are_found():
    smooth = np.kron(picture()[::8, ::8], np.ones((8, 8), np.uint8))
    file = io.BytesIO()
    Image.fromarray(with_bars(smooth, top=21, bottom=21)).save(file, "JPEG", quality=50)
    box = find_picture(np.asarray(Image.open(file)))
    np.testing.assert_allclose(box, (0, 21, WIDTH, 21 + HEIGHT), atol=2)


@pytest.mark.parametrize(
    "grey",
    [
        np.zeros((1, 1), np.uint8),
        np.full((3, 200), 7, np.uint8),
        np.full((HEIGHT, WIDTH), 200, np.uint8),
        picture(),
        # a border may be the ground of a thing
        with_bars(picture(), 20, 20, 20, 20),
        # what would be left is a line
        with_bars(picture()[:10], top=100, bottom=100),
    ],
)
def test_other_pictures_are_left_whole(grey):
    assert find_picture(grey) == (0, 0, grey.shape[1], grey.shape[0])


def test_a_thing_on_a_plain_or_shaded_ground_is_left_whole():
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    for ground in (np.full((HEIGHT, WIDTH), 240.0), 120 + 0.5 * y):
        grey = np.where(np.hypot(x - 80, y - 60) < 40, 50, ground).astype(np.uint8)
        assert find_picture(grey) == (0, 0, WIDTH, HEIGHT)
        # one that reaches both sides
        grey = np.where(np.abs(y - 60) < 40 - np.abs(x - 80) / 3, 50, ground).astype(np.uint8)
        assert find_picture(grey) == (0, 0, WIDTH, HEIGHT)

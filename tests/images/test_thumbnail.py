import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from PIL.Image import Resampling, Transpose

from fastphash.base.orientations import orientation_indices
from fastphash.base.vocabulary import INVERSE, ORIENTATIONS, PASS_ORDERS
from fastphash.errors import UsageError
from fastphash.images.thumbnail import both_thumbnails, thumbnail, vertical_first
from tests.support import naive
from tests.support.examples import examples

SHAPES = [
    (1, 1), (1, 50), (50, 1), (1, 3300), (3300, 1), (32, 32), (31, 33), (33, 31), (32, 400),
    (400, 32), (100, 3300), (3300, 100), (3300, 33), (3300, 32), (2, 300), (300, 150),
]  # fmt: skip
sides = st.integers(1, 400)
seeds = st.integers(0, 2**32 - 1)


def awkward(height, width, seed):
    """Noise, or black and white, which overshoots: pixels of every image are clipped."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width), np.uint8)
    return image if seed % 2 else image // 128 * 255


def resized(image, box=None):
    return np.asarray(Image.fromarray(image).resize((32, 32), Resampling.LANCZOS, box=box))


def transpose(image, orientation):
    """Pillow's, by fastphash's name."""
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    return image if orientation == "identity" else image.transpose(Transpose[orientation.upper()])


@examples(300)
@given(sides, sides, seeds)
def test_thumbnail_is_pillows(height, width, seed):
    image = awkward(height, width, seed)
    assert np.array_equal(thumbnail(image), resized(image))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", [0, 1])
def test_thumbnail_of_an_extreme_shape_is_pillows(shape, seed):
    image = awkward(*shape, seed)
    assert np.array_equal(thumbnail(image), resized(image))


@pytest.mark.parametrize("pass_order", PASS_ORDERS)
@given(st.integers(1, 150), st.integers(1, 150), seeds)
@example(1, 1, 0)
@example(101, 1, 0)
@example(3300, 32, 0)
@example(3200, 32, 0)
@example(3300, 33, 1)
@example(33, 31, 0)
def test_every_pass_order_is_its_twin(pass_order, height, width, seed):
    image = awkward(height, width, seed)
    assert np.array_equal(thumbnail(image, pass_order), naive.thumbnail(image, pass_order))


def test_order_of_passes_shows_in_the_pixels():
    image = awkward(3300, 20, 0)
    thumbnails = {thumbnail(image, order).tobytes() for order in ("horizontal", "pillow13")}
    assert len(thumbnails) == 2


@pytest.mark.parametrize(
    ("width", "height", "horizontal", "pillow12", "pillow13"),
    [
        (300, 300, False, False, False),
        (32, 32, False, False, False),
        (32, 33, False, False, True),
        (1, 32, False, False, False),
        (1, 33, False, False, True),
        (1, 100, False, False, True),
        (1, 101, False, True, True),
        (33, 34, False, False, False),
        (33, 35, False, False, True),
        (132, 232, False, False, False),
        (132, 233, False, False, True),
        (33, 3300, False, False, True),
        (33, 3301, False, True, True),
        (3301, 33, False, False, False),
    ],
)
def test_which_pass_is_first(width, height, horizontal, pillow12, pillow13):
    expected = (horizontal, pillow12, pillow13)
    assert tuple(vertical_first(width, height, order) for order in PASS_ORDERS) == expected


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from(PASS_ORDERS))
def test_which_pass_is_first_is_as_designed(width, height, order):
    assert vertical_first(width, height, order) == naive.vertical_first(width, height, order)


def test_unknown_pass_order_is_named():
    with pytest.raises(UsageError, match=r"'pillow11'.*horizontal, pillow12\.2, pillow13"):
        thumbnail(np.zeros((40, 40), np.uint8), "pillow11")


@given(sides, sides, st.floats(0, 1), st.floats(0, 1), seeds)
@example(150, 75, 0.5, 0.5, 0)
@example(1, 1, 0.5, 0.25, 0)
def test_extent_is_pillows_box(height, width, less_width, less_height, seed):
    image = awkward(height, width, seed)
    # a box is float32 inside Pillow
    extent = (
        float(np.float32(max(width - less_width, 0.125))),
        float(np.float32(max(height - less_height, 0.125))),
    )
    assert np.array_equal(thumbnail(image, extent=extent), resized(image, (0, 0, *extent)))


@pytest.mark.parametrize("shape", SHAPES[:12])
def test_extent_is_its_twin_in_every_pass_order(shape):
    image = awkward(*shape, 1)
    extent = (shape[1] - 0.25, shape[0] - 0.5)
    for order in PASS_ORDERS:
        expected = naive.thumbnail(image, order, extent)
        assert np.array_equal(thumbnail(image, order, extent), expected)


SIZES = [(8, 8), (9, 8), (8, 9), (16, 17), (64, 64), (256, 256)]


@pytest.mark.parametrize("size", SIZES)
@given(st.integers(1, 300), st.integers(1, 300), seeds)
@example(3300, 9, 0)
@example(9, 8, 1)
def test_thumbnails_of_other_sizes_are_pillows(size, height, width, seed):
    image = awkward(height, width, seed)
    upright = Image.fromarray(image)
    expected = [
        np.asarray(one.resize(size, Resampling.LANCZOS))
        for one in (upright, upright.transpose(Transpose.TRANSPOSE))
    ]
    assert np.array_equal(thumbnail(image, size=size), expected[0])
    assert np.array_equal(both_thumbnails(image, size=size), expected)


@pytest.mark.parametrize("size", SIZES[:4])
@pytest.mark.parametrize("pass_order", PASS_ORDERS)
def test_thumbnails_of_other_sizes_follow_every_pass_order(pass_order, size):
    for shape in ((60, 45), (11, 9), (1000, 8), (8, 1000), (9, 20)):
        image = awkward(*shape, 0)
        both = both_thumbnails(image, pass_order, size=size)
        assert np.array_equal(both[0], naive.thumbnail(image, pass_order, size=size))
        assert np.array_equal(both[1], naive.thumbnail(image.T, pass_order, size=size))


@given(
    st.integers(1, 5000), st.integers(1, 5000), st.sampled_from(PASS_ORDERS), st.sampled_from(SIZES)
)
def test_which_pass_is_first_depends_on_the_size(width, height, order, size):
    expected = naive.vertical_first(width, height, order, size)
    assert vertical_first(width, height, order, size) == expected


def check_all_turns(image):
    thumbnails = naive.orient_thumbnails(both_thumbnails(image))
    for t, name in enumerate(ORIENTATIONS):
        expected = np.asarray(transpose(image, name).resize((32, 32), Resampling.LANCZOS))
        assert np.array_equal(thumbnails[t], expected), name


@examples(300)
@given(sides, sides, seeds)
def test_all_orientations_are_pillows(height, width, seed):
    check_all_turns(awkward(height, width, seed))


@pytest.mark.parametrize("shape", SHAPES)
def test_all_orientations_of_an_extreme_shape_are_pillows(shape):
    check_all_turns(awkward(*shape, 0))


@pytest.mark.parametrize("pass_order", PASS_ORDERS)
@pytest.mark.parametrize("shape", [(60, 45), (45, 60), (110, 1), (1, 110), (32, 33)])
def test_both_thumbnails_follow_the_order_of_their_own_shapes(shape, pass_order):
    image = awkward(*shape, 0)
    extent = (shape[1] - 0.5, shape[0] - 0.25)
    both = both_thumbnails(image, pass_order)
    assert np.array_equal(both[0], naive.thumbnail(image, pass_order))
    assert np.array_equal(both[1], naive.thumbnail(image.T, pass_order))
    both = both_thumbnails(image, pass_order, extent)
    assert np.array_equal(both[0], naive.thumbnail(image, pass_order, extent))
    assert np.array_equal(both[1], naive.thumbnail(image.T, pass_order, extent[::-1]))


def test_indices_turn_as_pillow_does():
    image = awkward(32, 32, 1)
    for t, name in enumerate(ORIENTATIONS):
        expected = np.asarray(transpose(image, name))
        assert np.array_equal(image.reshape(-1)[orientation_indices()[t]].reshape(32, 32), expected)
        assert np.array_equal(naive.TURNS[t](image), expected)


def test_inverses_undo_their_orientations():
    image = np.arange(1024)
    for t, undo in enumerate(INVERSE):
        assert np.array_equal(image[orientation_indices()[t]][orientation_indices()[undo]], image)


@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from(PASS_ORDERS), st.integers(0, 99))
@example(300, 40, "pillow13", 1)
@example(40, 300, "pillow13", 1)
def test_thumbnails_of_several_sizes_share_pairs(height, width, order, seed):
    grey = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    extent = (max(width - 0.5, 1), max(height - 0.25, 1))
    pairs = {}
    for size in ((32, 32), (9, 8), (8, 9), (64, 64)):
        shared = both_thumbnails(grey, order, extent, size, pairs)
        assert np.array_equal(shared, both_thumbnails(grey, order, extent, size))
        shared = thumbnail(grey, order, extent, size, pairs)
        assert np.array_equal(shared, thumbnail(grey, order, extent, size))

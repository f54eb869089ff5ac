import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash.images.pixels import array_grey
from fastphash.kernels import grey
from tests.support import naive


@given(hnp.arrays(np.uint8, st.tuples(st.integers(0, 40), st.just(3))))
@example(np.zeros((0, 3), np.uint8))
@example(np.full((5, 3), 255, np.uint8))
def test_grey_is_its_twin(rgb):
    out = np.empty(len(rgb), np.uint8)
    grey.rgb_to_grey(rgb.reshape(-1), out)
    assert np.array_equal(out, naive.grey(rgb))


def test_grey_is_right_for_every_level_of_every_channel():
    levels = np.arange(256, dtype=np.uint8)
    for other in (0, 255):
        for channel in range(3):
            rgb = np.full((1, 256, 3), other, np.uint8)
            rgb[..., channel] = levels
            assert np.array_equal(array_grey(rgb), naive.grey(rgb))


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::-1, ::3],
        np.asfortranarray,
        lambda a: a.swapaxes(0, 1),
        lambda a: np.broadcast_to(a[:1], a.shape),
    ],
    ids=["strided", "fortran", "transposed", "read-only"],
)
def test_grey_of_any_layout(view, photo):
    rgb = view(photo(40, 50))
    assert np.array_equal(array_grey(rgb), naive.grey(rgb))

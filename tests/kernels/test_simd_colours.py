import numba
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash.kernels.simd_colours import PIXELS, luma_of_pixels
from tests.support import naive


@numba.njit
def luma(pixels, place, out, to):
    luma_of_pixels(pixels, place, out, to)


@given(hnp.arrays(np.uint8, (PIXELS + 8, 3)), st.integers(0, 8), st.integers(0, 3))
@example(np.full((PIXELS + 8, 3), 255, np.uint8), 8, 0)
@example(np.arange(3 * (PIXELS + 8), dtype=np.uint8).reshape(-1, 3), 1, 3)
def test_the_luma_of_pixels_is_its_twin(pixels, place, to):
    out = np.full(PIXELS + 4, -1, np.float32)
    luma(pixels.reshape(-1), 3 * place, out, to)
    wanted = np.full(PIXELS + 4, -1, np.float32)
    wanted[to : to + PIXELS] = naive.pdq_luma(pixels[None])[0, place : place + PIXELS]
    assert np.array_equal(out, wanted)

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.kernels import chroma
from tests.support import naive
from tests.support.hash_strategies import seeds


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 50), seeds)
@example(1, 1, 50, 0)
@example(8, 8, 3, 0)
@example(7, 9, 1, 0)
def test_chroma_is_its_twin_however_it_is_cut_into_strips(height, width, step, seed):
    levels = np.array([0, 9, 200, 255], np.uint8)
    rgb = np.random.default_rng(seed).choice(levels, (height, width, 3))
    totals = np.zeros((8, 8, 3), np.int64)
    columns = np.full((8, 3 * width), 7, np.uint32)
    for top in range(0, height, step):
        strip = rgb[top : top + step].reshape(-1, 3 * width)
        chroma.add_strip(strip, top, height, columns, totals)
    out = np.empty((2, 8, 8), np.int8)
    chroma.totals_to_chroma(totals, height * width, out)
    assert np.array_equal(out, naive.chroma(rgb))

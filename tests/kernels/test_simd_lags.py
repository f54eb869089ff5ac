import numba
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash.kernels import simd_lags
from tests.support import naive
from tests.support.hash_strategies import TOP, seeds, words


@numba.njit
def near_lag(array, start, lag, radius):
    return simd_lags.near_lag(array, start, lag, radius)


@numba.njit
def near_lags(array, start, lag, radius, key):
    return simd_lags.near_lags(array, start, lag, radius, key)


@given(seeds, st.integers(0, 8), st.integers(1, 12), st.integers(0, 64), words)
@example(6, 3, 1, 0, 0)
@example(6, 3, 1, 63, TOP)
@example(6, 3, 1, 64, 1 << 63)
def test_lags_show_what_is_near_and_has_the_same_key(seed, start, lag, radius, key):
    array = naive.crowd(seed, 40)[:, 0]
    arguments = np.int64(start), np.int64(lag), np.int64(radius)
    expected = naive.near_lag(array.tolist(), start, lag, radius)
    assert near_lag(array, *arguments) == expected
    expected = naive.near_lags(array.tolist(), start, lag, radius, key)
    assert near_lags(array, *arguments, np.uint64(key)) == expected


@numba.njit
def unlike_lag(array, start, lag):
    return simd_lags.unlike_lag(array, start, lag)


@given(hnp.arrays(np.uint32, 30, elements=st.integers(0, 5)), st.integers(0, 9), st.integers(1, 9))
@example(np.full(30, 2**32 - 1, np.uint32), 9, 9)
def test_lags_show_which_labels_are_unlike(array, start, lag):
    found = unlike_lag(array, np.int64(start), np.int64(lag))
    assert found == naive.unlike_lag(array.tolist(), start, lag)

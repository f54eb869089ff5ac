import numba
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash.kernels import simd
from tests.support import naive
from tests.support.hash_strategies import TOP, seeds, words


@numba.njit
def popcount(word):
    return simd.popcount(word)


@numba.njit
def near(array, start, word, radius):
    return simd.near(array, start, word, radius)


@numba.njit
def near_some(array, start, word, radius):
    return simd.near_some(array, start, word, radius)


@given(words)
@example(0)
@example(TOP)
def test_popcount_counts_bits(word):
    assert popcount(np.uint64(word)) == word.bit_count()


@given(seeds, st.integers(0, 8), st.integers(0, 64))
@example(6, 3, 0)
@example(6, 3, 63)
@example(6, 3, 64)
def test_windows_show_what_is_near(seed, start, radius):
    array = naive.crowd(seed, 40)[:, 0]
    words = array.tolist()
    for word in words[:5]:
        arguments = np.int64(start), np.uint64(word), np.int64(radius)
        assert near(array, *arguments) == naive.near(words, start, word, radius)
        assert near_some(array, *arguments) == naive.near_some(words, start, word, radius)


@numba.njit
def unlike(array, start, word):
    return simd.unlike(array, start, word)


@given(hnp.arrays(np.uint32, 20, elements=st.integers(0, 5)), st.integers(0, 12))
@example(np.full(20, 2**32 - 1, np.uint32), 12)
def test_windows_show_which_labels_are_unlike(array, start):
    lanes = unlike(array, np.int64(start), array[0])
    assert lanes == naive.unlike(array.tolist(), start, int(array[0]))

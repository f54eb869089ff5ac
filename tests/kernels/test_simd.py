import numba
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash.kernels import simd, vectors
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


@numba.njit
def combine(factors, row, rows, out):
    simd.combine(factors, row, rows, out)


@numba.njit
def combine_few(factors, row, rows, out):
    simd.combine_few(factors, row, rows, out)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("product", "columns"), [(combine, simd.PIXELS), (combine_few, vectors.LANES)]
)
def test_a_row_of_a_product_is_added_in_order(dtype, product, columns):
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(3, simd.PIXELS)).astype(dtype)
    rows = rng.normal(size=(simd.PIXELS, columns)).astype(dtype)
    out = np.zeros((3, columns), dtype)
    product(factors, np.int64(1), rows, out)
    total = np.zeros(columns, dtype)
    for factor, row in zip(factors[1], rows, strict=True):
        total += factor * row
    np.testing.assert_array_equal(out, [0 * total, total, 0 * total])


@numba.njit
def combine_block(factors, row, rows, column, out, first, last):
    simd.combine_block(factors, row, rows, column, out, first, last)


@pytest.mark.parametrize(("first", "last"), [(0, simd.PIXELS), (5, 9), (7, 7)])
def test_a_block_of_a_product_is_added_in_order(first, last):
    rng = np.random.default_rng(0)
    factors, rows = rng.normal(size=(2, simd.PIXELS, simd.PIXELS)).astype(np.float32)
    out = np.full((simd.PIXELS, simd.PIXELS), np.nan, np.float32)
    combine_block(factors, np.int64(8), rows, np.int64(16), out, np.int64(first), np.int64(last))
    block = (slice(8, 8 + simd.BLOCK_ROWS), slice(16, 16 + simd.BLOCK_COLUMNS))
    expected = np.zeros_like(out)
    for k in range(first, last):
        expected += factors[:, k, None] * rows[k]
    np.testing.assert_array_equal(out[block], expected[block])
    out[block] = np.nan
    assert np.isnan(out).all()


@numba.njit
def order_lines(lines, one, other):
    simd.order_lines(lines, one, other)


@given(hnp.arrays(np.float64, (3, simd.LINES), elements=st.integers(-3, 3)))
def test_two_lines_are_ordered(lines):
    found = lines.copy()
    order_lines(found, np.int64(2), np.int64(0))
    expected = np.maximum(lines[0], lines[2]), lines[1], np.minimum(lines[0], lines[2])
    np.testing.assert_array_equal(found, expected)


@numba.njit
def transpose_square(image, place, out, target):
    simd.transpose_square(image, place, np.int64(image.shape[1]), out, target, np.int64(12))


@given(hnp.arrays(np.float32, (9, 11), elements=st.floats(-1, 1, width=32)))
def test_a_square_of_floats_is_transposed(image):
    out = np.full((9, 12), 7, np.float32)
    transpose_square(image, np.int64(11 + 2), out, np.int64(1))
    assert np.array_equal(out[:8, 1:9], image[1:9, 2:10].T)
    out[:8, 1:9] = 7
    assert (out == 7).all()

"""Values scattered by lines stand where a plain loop puts them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.kernels import line_scatter, pieces, radix

GUARD = 0xA5A5A5A5A5A5A5A5


def drawn(rng, size, bits):
    """Values, some digits of which are far more frequent than others."""
    values = rng.integers(0, 2**64, size, dtype=np.uint64)
    hot = rng.random(size) < 0.3
    values[hot] = (values[hot] >> np.uint64(bits)) | np.uint64(1 << 63)
    return values


@given(st.integers(0, 3000), st.integers(0, 9), st.integers(0, 8), st.integers(0, 2**32 - 1))
def test_digits(size, bits, before, seed):
    values = drawn(np.random.default_rng(seed), size, bits)
    counts = np.zeros(1 << bits, np.int64)
    radix.count_digits(values, 64 - bits if bits else 0, counts)
    shift = 64 - bits if bits else 0
    starts = before + np.cumsum(counts) - counts
    outs, places = [], []
    for scatter in (radix.scatter, line_scatter.scatter_digits):
        out, place = np.full(size + 17, GUARD, np.uint64), starts.copy()
        scatter(values, shift, place, out)
        outs.append(out)
        places.append(place)
    assert np.array_equal(*outs)
    assert np.array_equal(*places)


@given(st.integers(0, 3000), st.integers(1, 300), st.integers(0, 8), st.integers(0, 2**32 - 1))
def test_parts(size, count, before, seed):
    rng = np.random.default_rng(seed)
    values = drawn(rng, size, 10)
    parts = rng.integers(0, count, 1 << 10).astype(np.uint16)
    counts = np.zeros(count, np.int64)
    pieces.count_parts(values, parts, 40, counts)
    starts = before + np.cumsum(counts) - counts
    outs, places = [], []
    for scatter in (pieces.scatter_parts, line_scatter.scatter_parts):
        out, place = np.full(size + 17, GUARD, np.uint64), starts.copy()
        scatter(values, parts, 40, place, out)
        outs.append(out)
        places.append(place)
    assert np.array_equal(*outs)
    assert np.array_equal(*places)


@pytest.mark.parametrize("first", range(9))
def test_neighbours_keep_their_values(first):
    """Two calls into one array, as two threads make them: neither touches the other's lines."""
    values = np.arange(1000, dtype=np.uint64) << np.uint64(54)
    counts = np.zeros(1024, np.int64)
    radix.count_digits(values, 54, counts)
    starts = first + 2 * (np.cumsum(counts) - counts)
    out = np.zeros(2 * values.size + 16, np.uint64)
    for half in range(2):
        line_scatter.scatter_digits(values, 54, starts + half, out)
    assert np.array_equal(out[first : first + 2 * values.size], np.repeat(values, 2))
    assert not out[:first].any()
    assert not out[first + 2 * values.size :].any()

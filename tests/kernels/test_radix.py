from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.joins.bit_order import bit_table, reorder_bits
from fastphash.joins.search_plan import SearchPlan
from fastphash.joins.values import sort_values
from fastphash.kernels import radix
from tests.support import naive
from tests.support.hash_strategies import TOP, columns, seeds

EMPTY = np.empty(0, np.uint64)

crowded = columns | st.builds(lambda seed, n: naive.crowd(seed, n)[:, 0], seeds, st.integers(0, 90))
shifts = st.integers(52, 63)
NARROW = np.arange(300, dtype=np.uint64) // 2


@given(columns, st.permutations(range(64)))
@example(np.array([0, TOP], np.uint64), range(64))
def test_permuting_moves_every_bit(values, order):
    values.flags.writeable = False
    out = np.empty_like(values)
    radix.permute(values, bit_table(tuple(order)), out)
    assert out.tolist() == [naive.permute(value, order) for value in values.tolist()]
    plan = SearchPlan(0, (64,), 1, 1, tuple(order), 0, 0)
    assert np.array_equal(reorder_bits(values, plan), out)


@given(crowded, st.sampled_from([1, 2]), seeds)
@example(EMPTY, 1, 0)
@example(np.array([7], np.uint64), 2, 0)
@example(np.full(100, TOP, np.uint64), 1, 0)
@example(NARROW, 1, 0)
@example(NARROW << np.uint64(50), 2, 0)
def test_values_are_sorted_with_their_rows(values, threads, seed):
    rows = np.random.default_rng(seed).integers(0, 50, values.size).astype(np.uint32)
    values.flags.writeable = False
    result = sort_values(values, rows, threads)
    expected = naive.sort_values(values.tolist(), rows.tolist())
    assert result.values.tolist() == [value for value, _ in expected]
    bounds = result.starts.tolist()
    runs = [result.rows[i:j].tolist() for i, j in pairwise(bounds)]
    assert runs == [run for _, run in expected]
    assert (bounds[0], bounds[-1]) == (0, values.size)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("bits", [0, 3, 20, 64])
def test_many_values_are_sorted_as_by_numpy(bits, threads):
    values = np.random.default_rng(bits).integers(0, TOP, 300_000, np.uint64)
    values &= np.uint64(TOP >> (64 - bits))
    # half of them in one segment
    values[::2] &= np.uint64(2**40 - 1)
    result = sort_values(values, np.arange(values.size, dtype=np.uint32), threads)
    assert np.array_equal(result.rows, np.argsort(values, kind="stable"))
    different, counts = np.unique(values, return_counts=True)
    assert np.array_equal(result.values, different)
    assert np.array_equal(np.diff(result.starts), counts)


@given(crowded)
@example(EMPTY)
@example(np.full(9, TOP, np.uint64))
def test_sorted_values_collapse_to_the_different_ones(values):
    values = np.sort(values)
    kept = values.copy()
    starts = np.empty(values.size + 1, np.uint32)
    count = radix.collapse_sorted(kept, starts)
    expected = naive.sort_values(values.tolist(), range(values.size))
    assert kept[:count].tolist() == [value for value, _ in expected]
    assert starts[:count].tolist() == [run[0] for _, run in expected]
    assert starts[count] == values.size


@given(crowded, crowded, shifts)
@example(EMPTY, np.array([0, TOP], np.uint64), 63)
@example(np.full(9, TOP, np.uint64), np.full(1, TOP, np.uint64), 56)
def test_places_among_sorted_values_are_found(values, wanted, shift):
    values = np.unique(values)
    values.flags.writeable = wanted.flags.writeable = False
    bounds = np.empty((1 << (64 - shift)) + 1, np.int64)
    radix.find_bounds(values, shift, bounds)
    listed = values.tolist()
    if shift > 56:
        assert bounds.tolist() == naive.find_bounds(listed, shift)
    out = np.empty(wanted.size, np.int64)
    radix.find_places(values, bounds, shift, wanted, out)
    assert out.tolist() == naive.find_places(listed, wanted.tolist())


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=6),
    seeds,
    st.integers(0, 60),
    st.integers(1, 4),
    st.integers(0, 5),
    st.booleans(),
)
@example([0], 0, 60, 4, 0, True)
@example([0, 0, 5], 6, 0, 1, 3, False)
def test_segments_are_split_by_a_digit(sizes, seed, shift, bits, first, labelled):
    bounds = np.concatenate(([0], np.cumsum(sizes))) + first
    values = naive.crowd(seed, sum(sizes))[:, 0]
    values.flags.writeable = False
    labels = np.arange(values.size if labelled else 0, dtype=np.uint32)
    out, out_labels = np.empty_like(values), np.empty_like(labels)
    digits = 1 << bits
    out_bounds = np.full(len(sizes) * digits + 1, -1)
    place = np.empty(digits, np.int64)
    radix.split_segments(values, labels, bounds, shift, digits, place, out, out_labels, out_bounds)
    segments = [values[i:j].tolist() for i, j in pairwise((bounds - first).tolist())]
    expected = naive.split_segments(segments, shift, digits)
    parts = [out[i:j].tolist() for i, j in pairwise((out_bounds - first).tolist())]
    assert parts == expected
    assert (out_bounds[0], out_bounds[-1]) == (bounds[0], bounds[-1])
    if labelled:
        assert np.array_equal(values[out_labels], out)

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.joins.distinct import distinct_index, distinct_values
from fastphash.joins.index import Index
from fastphash.joins.repeats import find_equal_rows, find_repeated
from tests.support import naive
from tests.support.hash_strategies import TOP, columns, seeds


@pytest.mark.parametrize("threads", [1, 3])
@given(columns)
@example(np.array([7], np.uint64))
@example(np.array([TOP, 0, TOP], np.uint64))
def test_values_that_come_twice_are_found(threads, values):
    found = find_repeated(values, threads)
    assert found.dtype == np.uint32
    assert found.tolist() == sorted(set(found.tolist()))
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    assert set(np.flatnonzero(counts[inverse] > 1).tolist()) <= set(found.tolist())


@pytest.mark.parametrize("threads", [1, 2])
def test_few_values_that_come_once_are_found(threads):
    rng = np.random.default_rng(0)
    values = rng.integers(0, TOP, 400_000, np.uint64)
    values[300_000:300_100] = values[:100]
    found = find_repeated(values, threads)
    assert {*range(100), *range(300_000, 300_100)} <= set(found.tolist())
    assert found.size < values.size // 8


@given(seeds, st.integers(0, 30), st.sampled_from([1, 8]))
@example(3, 30, 1)
def test_equal_rows_are_listed_in_the_order_of_their_first(seed, size, width):
    hashes = naive.wide_crowd(seed, size, width)
    hashes[size // 2 :] = hashes[: size - size // 2]
    first, of_row = naive.find_distinct_rows(hashes)
    lists = [[i for i in range(size) if of_row[i] == number] for number in range(len(first))]
    equal = find_equal_rows(hashes)
    starts = np.cumsum([0, *map(len, lists)])
    assert equal.starts.tolist() == starts.tolist()
    assert equal.rows.tolist() == [row for rows in lists for row in rows]
    found = distinct_index(Index(hashes))
    assert np.array_equal(found.hashes.hashes, hashes[first])
    owners = np.random.default_rng(seed).permutation(size).astype(np.uint32)
    values = distinct_values(hashes[:, 0].copy(), owners)
    for value, start, stop in zip(values.values, values.starts, values.starts[1:], strict=False):
        own = np.argsort(owners)[values.rows[start:stop]]
        assert (hashes[own, 0] == value).all()
    assert sorted(values.rows.tolist()) == list(range(size))

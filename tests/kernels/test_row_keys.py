import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.joins.distinct import find_distinct_rows
from fastphash.kernels import row_keys
from tests.support import naive
from tests.support.hash_strategies import columns, hash_rows, seeds


@given(hash_rows(st.integers(0, 20), 8), columns.map(lambda a: a[:, None]))
def test_equal_rows_collapse_to_their_first(eight, one):
    for rows in (eight, one):
        first, of_row = find_distinct_rows(rows)
        assert (first.tolist(), of_row.tolist()) == naive.find_distinct_rows(rows)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=20))
@example([])
@example([(1, 1)])
@example([(2, 2)] * 5)
def test_rows_of_two_matrices_collapse_together(pairs):
    hashes = np.array([a for a, _ in pairs], np.uint64)[:, None]
    pixels = np.repeat(np.array([b for _, b in pairs], np.uint8), 1024).reshape(-1, 1024)
    first, of_row = find_distinct_rows(hashes, pixels)
    both = np.array(pairs, np.uint64).reshape(-1, 2)
    assert (first.tolist(), of_row.tolist()) == naive.find_distinct_rows(both)


def test_different_rows_with_equal_keys_stay_apart(monkeypatch):
    monkeypatch.setattr(row_keys, "mix_rows", lambda words, key: None)
    rows = np.array([[5, 1], [5, 2], [5, 1], [0, 0]], np.uint64)
    first, of_row = find_distinct_rows(rows)
    assert (first.tolist(), of_row.tolist()) == naive.find_distinct_rows(rows)


@given(hash_rows(st.integers(0, 10), 2), seeds)
def test_first_unequal_row_is_found(rows, seed):
    like = np.random.default_rng(seed).integers(0, max(len(rows), 1), len(rows))
    unequal = (i for i, row in enumerate(rows) if (row != rows[like[i]]).any())
    assert row_keys.first_unequal(rows, like) == next(unequal, -1)


def test_mixing_is_by_row_and_depends_on_the_key_before():
    rows = np.array([[1, 2], [2, 1], [1, 2], [0, 0]], np.uint64)
    key = np.array([0, 0, 0, 0], np.uint64)
    row_keys.mix_rows(rows, key)
    assert key[0] == key[2]
    assert len(set(key.tolist())) == 3
    other = np.array([0, 0, 1, 0], np.uint64)
    row_keys.mix_rows(rows, other)
    assert other[0] == key[0]
    assert other[2] != key[2]

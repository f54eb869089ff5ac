"""Nearest neighbours of vectors, against a plain search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.joins import vectors as module
from fastphash.joins.options import JoinOptions
from fastphash.joins.vectors import find_neighbours

LITTLE = JoinOptions(threads=2, memory=1000)


def plain_neighbours(vectors, k):
    """Pairs, each once, the nearest first."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = {}
    for i, one in enumerate(unit):
        products = {j: float(one @ other) for j, other in enumerate(unit) if j != i}
        for j in sorted(products, key=products.get, reverse=True)[:k]:
            cosine[min(i, j), max(i, j)] = products[j]
    return sorted(cosine, key=cosine.get, reverse=True), cosine


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(0, 60),
    length=st.integers(1, 9),
    k=st.integers(1, 12),
    options=st.sampled_from([None, LITTLE]),
)
def test_like_a_plain_search(seed, size, length, k, options):
    vectors = np.random.default_rng(seed).normal(size=(size, length)).astype(np.float32)
    found = find_neighbours(vectors, k, options)
    pairs, cosine = plain_neighbours(vectors.astype(float), k)
    assert found.pairs.shape == (len(found.cosine), 2)
    # vectors of one number have cosines of 1 and -1 alone: any neighbours are right
    if length > 1:
        assert sorted(map(tuple, found.pairs.tolist())) == sorted(pairs)
        expected = [cosine[pair] for pair in map(tuple, found.pairs.tolist())]
        np.testing.assert_allclose(found.cosine, expected, atol=1e-5)
    assert (np.diff(found.cosine) <= 0).all()


def test_lengths_do_not_matter():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 5)).astype(np.float32)
    factors = np.float32(10.0) ** rng.integers(-30, 30, 40).astype(np.float32)
    found = find_neighbours(vectors * factors[:, None], 3)
    assert found.pairs.tolist() == find_neighbours(vectors, 3).pairs.tolist()


def test_equal_vectors_have_neighbours_too():
    found = find_neighbours(np.ones((20, 3), np.float32), 4)
    assert (found.pairs[:, 0] < found.pairs[:, 1]).all()
    assert (np.bincount(found.pairs.reshape(-1), minlength=20) >= 4).all()
    np.testing.assert_allclose(found.cosine, 1, rtol=1e-6)


@pytest.mark.parametrize("memory", [1, 10**5, 10**9])
def test_memory_changes_nothing(memory, monkeypatch):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(50, 4)).astype(np.float32)
    expected = find_neighbours(vectors, 5)
    monkeypatch.setattr(module, "_MOST_ROWS", 7)
    found = find_neighbours(vectors, 5, JoinOptions(threads=3, memory=memory))
    assert found.pairs.tolist() == expected.pairs.tolist()

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.kernels import union_find
from tests.support import naive
from tests.support.hash_strategies import seeds

links = st.integers(1, 20).flatmap(
    lambda n: st.tuples(
        st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=30)
    )
)


@given(links, seeds)
@example((1, set()), 0)
@example((9, {(i, i + 1) for i in range(8)}), 0)
def test_united_rows_share_their_first(case, seed):
    size, pairs = case
    drawn = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    left, right = np.random.default_rng(seed).permutation(drawn).T.copy()
    root = np.arange(size)
    union_find.unite(left, right, root)
    assert (root <= np.arange(size)).all()
    roots = np.empty(size, np.uint32)
    union_find.find_roots(root, roots)
    expected = naive.components(size, pairs | {(j, i) for i, j in pairs})
    assert root.tolist() == roots.tolist() == expected


@given(links)
@example((9, {(i, i + 1) for i in range(8)}))
def test_stars_of_pairs_are_those_of_the_twin(case):
    size, pairs = case
    pairs = sorted((i, j) for i, j in pairs if i < j)
    left, right = np.array(pairs, np.int64).reshape(-1, 2).T.copy()
    keeper = np.arange(size)
    union_find.stars_of_pairs(left, right, keeper)
    assert keeper.tolist() == naive.stars(size, {(j, i) for i, j in pairs})

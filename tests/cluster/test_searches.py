import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastphash.cluster.searches import Columns, Search, list_searches, sample_values
from tests.support.cluster import table_of
from tests.support.hash_strategies import columns, seeds


@given(columns, st.floats(0.01, 2))
def test_samples_of_batches_make_one_of_all(values, share):
    batches = np.array_split(values, 3)
    parts = [sample_values(batch, share) for batch in batches]
    whole = sample_values(values, share)
    np.testing.assert_array_equal(np.unique(np.concatenate(parts)), whole)
    assert np.isin(whole, values).all()
    if share >= 1:
        np.testing.assert_array_equal(whole, np.unique(values))


@given(seeds)
def test_a_sample_has_its_share_of_distinct_values(seed):
    rng = np.random.default_rng(seed)
    distinct = rng.integers(0, 2**64, 20_000, np.uint64)
    size = sample_values(np.concatenate([distinct, np.zeros(40_000, np.uint64)]), 0.1).size
    # within six standard deviations
    assert abs(size - 2000) < 6 * np.sqrt(20_000 * 0.1 * 0.9)


def test_consecutive_values_are_sampled_evenly():
    values = np.arange(20_000, dtype=np.uint64)
    counts = np.histogram(sample_values(values, 0.1), 10, (0, 20_000))[0]
    assert (abs(counts - 200) < 6 * np.sqrt(200)).all()


def test_every_turned_column_is_searched_in_the_upright_one_of_the_other_side():
    upright, turned = table_of(np.zeros(2, np.uint64)), table_of(np.zeros((2, 8), np.uint64))
    first, others, every = (0,), tuple(range(1, 8)), tuple(range(8))
    assert list_searches(upright, None) == [Search(Columns(0, first))]
    assert list_searches(upright, upright) == [Search(Columns(0, first), Columns(1, first))]
    assert list_searches(turned, None) == [
        Search(Columns(0, first)),
        Search(Columns(0, others), Columns(0, first)),
    ]
    assert list_searches(upright, turned) == [Search(Columns(0, first), Columns(1, every))]
    assert list_searches(turned, upright) == [Search(Columns(0, every), Columns(1, first))]
    assert list_searches(turned, turned) == [
        Search(Columns(0, every), Columns(1, first)),
        Search(Columns(0, first), Columns(1, others)),
    ]

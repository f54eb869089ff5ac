import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.external.buckets import Buckets, bucket_of
from fastphash.external.equi_join import ValueRows, join_values
from fastphash.external.scratch import using_scratch
from tests.support.hash_strategies import words
from tests.support.naive import equi_join as naive

values = st.sampled_from([3, 8, 2**63]) | words
pairs = st.lists(st.tuples(values, values), max_size=20)
value_rows = st.lists(st.tuples(values, st.integers(0, 30)), max_size=20)


def in_buckets(scratch, name, rows, count):
    buckets = Buckets(scratch, name, count, 2)
    array = np.array(rows, np.uint64).reshape(-1, 2)
    for some in (array[:7], array[7:]):
        buckets.add(some, bucket_of(some[:, 0], count))
    return buckets


@pytest.mark.parametrize("count", [1, 8])
@given(
    pairs=pairs,
    left=value_rows,
    right=value_rows,
    at_once=st.sampled_from([1, 3, 1 << 18]),
    held=st.sampled_from([2, 1 << 20]),
)
def test_joins_as_its_plain_twin(tmp_path_factory, count, pairs, left, right, at_once, held):
    folder = tmp_path_factory.mktemp("joined")
    with pytest.MonkeyPatch.context() as patch, using_scratch(folder / "s", "key") as scratch:
        patch.setattr("fastphash.external.equi_join._AT_ONCE", at_once)
        patch.setattr("fastphash.external.equi_join._HELD", held)
        sides = [
            in_buckets(scratch, name, rows, count)
            for name, rows in zip("lr", (left, right), strict=True)
        ]
        array = np.array(pairs, np.uint64).reshape(-1, 2)
        found = join_values(scratch, "x", iter([array[:5], array[5:]]), ValueRows(*sides))
        rows = [tuple(row) for some in found for row in some.tolist()]
    assert sorted(rows) == naive.join_values(pairs, left, right)

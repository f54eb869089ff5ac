import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.external import buckets
from fastphash.external.buckets import Buckets, ordered_numbers
from fastphash.external.scratch import using_scratch

numbers = st.lists(st.integers(0, 9) | st.integers(0, 2**62 - 1), max_size=60)


@example([5] * 40, 2, 3)
@given(numbers, st.sampled_from([1, 7, 100]), st.sampled_from([1, 5, 1 << 18]))
def test_numbers_are_ordered_as_numpy_orders_them(tmp_path_factory, some, most, at_once):
    folder = tmp_path_factory.mktemp("ordered")
    array = np.array(some, np.uint64)
    with pytest.MonkeyPatch.context() as patch, using_scratch(folder / "s", "key") as scratch:
        patch.setattr(buckets, "_ROWS_AT_ONCE", at_once)
        # numbers below 2^61 are all in the first of two buckets
        filled = Buckets(scratch, "numbers", 2, 1)
        filled.add(array[:, None], (array >> np.uint64(61)).astype(np.int64))
        found = list(ordered_numbers(scratch, "parts", filled, most))
        assert not any(filled.count(number) for number in range(2))
        assert not scratch.file("parts").exists()
    assert np.concatenate(found).tolist() == sorted({*some})

import numpy as np
import pytest

from fastphash.external.api import join, self_join
from fastphash.joins.index import Index
from tests.support.hash_strategies import TOP


@pytest.mark.parametrize("order", [">u8", "<u8"])
def test_hashes_of_any_byte_order_and_layout_join_alike(order):
    plain = np.array([[(t + 1) * i for t in range(8)] for i in (1, 2, 3, TOP // 8)], np.uint64)
    other = np.repeat(plain, 2, axis=0).astype(order)[::2]
    other.flags.writeable = False
    for radius in (0, 2, 64):
        for a, b in zip(self_join(other, radius), self_join(plain, radius), strict=True):
            assert np.array_equal(a, b)
    assert join(other[:, 0], plain[:, 0]).right.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("shape", [(9,), (9, 8), (9, 4), (9, 8, 4)])
def test_chosen_rows_are_those_that_are_taken(shape):
    index = Index(np.random.default_rng(1).integers(0, TOP, shape, np.uint64))
    rows = np.array([7, 0, 0, 5, 2])
    chosen, taken = index.choose(rows), index.take(rows)
    pairs = [(chosen, taken)]
    pairs += [(chosen.choose(some), taken.take(some)) for some in (np.array([4, 1]),)]
    pairs += [(chosen.take(some), taken.take(some)) for some in (slice(1, 3), np.array([3, 3]))]
    for one, other in pairs:
        assert (len(one), one.columns, one.words) == (len(other), other.columns, other.words)
        assert (one.bits, one.known) == (other.bits, other.known)
        np.testing.assert_array_equal(one.hashes, other.hashes)
        np.testing.assert_array_equal(one.matrix, other.matrix)
        for t in range(one.columns):
            np.testing.assert_array_equal(one.column(t), other.column(t))
            assert one.column(t).flags.c_contiguous

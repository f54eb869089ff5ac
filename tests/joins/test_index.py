import numpy as np
import pytest

from fastphash.external.api import join, self_join
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

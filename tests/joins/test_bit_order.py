from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.joins.bit_order import bit_table
from fastphash.joins.planner import choose_plan
from tests.joins.skewed import MEASURED, SKEWED
from tests.support.hash_strategies import TOP


@pytest.mark.parametrize("kind", SKEWED)
def test_bits_of_skewed_hashes_are_dealt_to_blocks(kind):
    for radius in range(5):
        plan = choose_plan(MEASURED[kind], 10**8, None, radius, 2)
        if plan.widths:
            assert sorted(plan.bit_order) == list(range(64))


def test_bits_without_information_are_spread_over_blocks():
    plan = choose_plan(MEASURED["few bits"], 10**7, None, 2, 2)
    ends = np.cumsum((0, *plan.widths))
    informative = [sum(bit < 32 for bit in plan.bit_order[i:j]) for i, j in pairwise(ends)]
    assert max(informative) - min(informative) <= 1


@given(st.permutations(range(64)))
@example(range(64))
@example(range(63, -1, -1))
def test_table_moves_each_bit_to_its_place(order):
    table = bit_table(tuple(order))
    assert (table.shape, table.dtype) == ((8, 256), np.uint64)
    for place, bit in enumerate(order):
        assert table[bit // 8, 1 << bit % 8] == 1 << (63 - place)
    assert (np.bitwise_count(table) == np.bitwise_count(np.arange(256))).all()
    assert np.bitwise_or.reduce(table[:, 255]) == TOP

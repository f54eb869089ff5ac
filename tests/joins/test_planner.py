import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.joins.planner import candidate_plans, choose_plan
from tests.joins.skewed import MEASURED, SKEWED, UNIFORM

sizes = st.integers(0, 1000) | st.integers(0, 10**9)
kinds = st.sampled_from([None, *SKEWED])


@given(kinds, sizes, st.none() | sizes, st.integers(0, 64), st.integers(1, 64))
@example(None, 0, None, 0, 1)
@example(None, 0, 0, 64, 1)
@example("ball", 10**9, 10**9, 20, 1)
@example("few", 10**9, None, 0, 64)
@example("few", 10**9, None, 64, 64)
def test_every_plan_is_sound_and_has_an_estimate(kind, left, right, radius, threads):
    chosen = choose_plan(MEASURED[kind], left, right, radius, threads)
    for plan in [*candidate_plans(MEASURED[kind], left, right, radius, threads), chosen]:
        assert plan.radius == radius
        assert 0 < plan.seconds < math.inf
        assert 0 <= plan.comparisons < math.inf
        assert str(plan)
        assert plan.whole_size > 0
        if plan.widths:
            assert sum(plan.widths) == 64
            assert min(plan.widths) > 0
            # as many blocks agree at least
            assert 1 <= plan.agree <= len(plan.widths) - radius
            assert 1 <= plan.levels <= plan.agree
        else:
            assert plan.agree == plan.levels == 0
        assert sorted(plan.bit_order) in ([], list(range(64)))


@given(sizes, st.none() | sizes, st.integers(0, 64), st.integers(1, 64))
def test_cheapest_plan_is_chosen(left, right, radius, threads):
    chosen = choose_plan(UNIFORM, left, right, radius, threads)
    every = candidate_plans(UNIFORM, left, right, radius, threads)
    assert chosen.seconds == min(plan.seconds for plan in every)


@pytest.mark.parametrize("radius", range(65))
def test_few_hashes_are_all_compared(radius):
    assert not choose_plan(UNIFORM, 100, None, radius, 2).widths
    assert not choose_plan(UNIFORM, 100, 100, radius, 2).widths


@pytest.mark.parametrize("radius", range(21, 65))
def test_all_are_compared_at_large_radii(radius):
    assert not choose_plan(UNIFORM, 10**9, None, radius, 2).widths


@pytest.mark.parametrize("radius", range(9))
def test_many_hashes_are_cut_into_blocks(radius):
    for right in (None, 10**7):
        chosen = choose_plan(UNIFORM, 10**7, right, radius, 2)
        assert chosen.widths
        assert chosen.comparisons < 10**14 / 20


def test_more_hashes_take_longer():
    for radius in range(0, 65, 4):
        seconds = [choose_plan(UNIFORM, 10**n, None, radius, 2).seconds for n in range(3, 10)]
        assert seconds == sorted(seconds)


def test_skewed_hashes_take_longer():
    rare = MEASURED["upper bits rare"]
    assert (
        choose_plan(rare, 10**7, None, 4, 2).seconds
        > choose_plan(UNIFORM, 10**7, None, 4, 2).seconds
    )

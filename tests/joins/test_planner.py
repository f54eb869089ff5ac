import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.joins.batches import find_matches
from fastphash.joins.index import Index
from fastphash.joins.options import JoinOptions
from fastphash.joins.pieces import choose_piece_plan
from fastphash.joins.planner import candidate_plans, choose_plan
from fastphash.joins.search import plan_search
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


def blank_rows(rows, words=1):
    """Uniform hashes (n,) or (n, words) of which two thirds are blank, black or white."""
    hashes = np.random.default_rng(0).integers(0, 2**64, (rows, words), np.uint64)
    kind = np.random.default_rng(1).integers(0, 3, rows)
    hashes[kind == 1], hashes[kind == 2] = 0, 1 << 63
    return hashes[:, 0].copy() if words == 1 else hashes


@pytest.mark.parametrize("words", [1, 4])
@pytest.mark.parametrize("across", [False, True])
def test_blank_rows_change_no_plan(across, words):
    hashes = blank_rows(600_000 if words == 1 else 60_000, words)
    right = hashes[::2].copy() if across else None
    plan = plan_search(hashes, right, 4, JoinOptions(threads=2))
    assert not plan.bit_order
    if words == 1:
        distinct = np.unique(hashes)
        right_distinct = np.unique(right) if across else None
        expected = plan_search(distinct, right_distinct, 4, JoinOptions(threads=2))
        assert plan.widths
        assert plan.widths == expected.widths
        assert plan.seconds == pytest.approx(expected.seconds, rel=0.3)
        piece_plan = choose_piece_plan(
            hashes, right, distinct.size, right_distinct.size if across else None, 4, 2
        )
        assert piece_plan.widths == expected.widths


def test_blank_rows_change_no_plan_of_turned_hashes():
    plans = []
    hashes = blank_rows(30_000, 8)
    others = np.random.default_rng(2).integers(0, 2**64, (20_000, 8), np.uint64)
    others[:100] = hashes[(hashes[:, 0] << np.uint64(1)) > 0][:100]
    options = JoinOptions(threads=2, plan=lambda plan: plans.append(plan) or plan)
    found = find_matches(Index(hashes), Index(others), 4, options=options)
    assert sum(batch.left.size for batch in found) == 100
    assert plans
    assert not any(plan.bit_order for plan in plans)

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.joins.bit_statistics import measure_bits
from fastphash.joins.planner import candidate_plans, choose_plan, order_table
from tests.support import naive

TOP = 2**64 - 1
EMPTY = np.empty(0, np.uint64)


def uniform(size, seed=0):
    return np.random.default_rng(seed).integers(0, TOP, size, np.uint64, endpoint=True)


CHANCE = measure_bits(EMPTY, EMPTY)
BIASED = {
    "ball": naive.ball(20_000, 4),
    "few bits": uniform(20_000) & np.uint64(0xFFFFFFFF),
    "pairs of bits": (uniform(20_000) & np.uint64(TOP // 3)) * np.uint64(3),
    "upper bits rare": uniform(20_000) & uniform(20_000, 1) & uniform(20_000, 2),
    "two balls": naive.ball(20_000, 4) ^ (uniform(20_000) % np.uint64(2) * np.uint64(TOP // 5)),
    "one bit": np.uint64(1) << uniform(20_000) % np.uint64(64),
    "few": uniform(20_000) % np.uint64(3),
}
biased = pytest.mark.parametrize("kind", BIASED)


@pytest.mark.parametrize("size", [1, 100, 2000, 100_000])
def test_hashes_by_chance_are_measured_as_such(size):
    likeness = measure_bits(uniform(size), uniform(size, 1))
    assert not likeness.skewed
    assert likeness.agree_in(0) == 1
    assert likeness.agree_in(12) == pytest.approx(2**-12, rel=1e-3)


@pytest.mark.parametrize("hashes", [EMPTY, uniform(1), np.full(5000, 7, np.uint64)])
def test_nothing_to_tell_from_is_measured_as_chance(hashes):
    assert measure_bits(hashes, hashes) == CHANCE
    assert measure_bits(hashes, EMPTY) == CHANCE


@biased
def test_skewed_hashes_are_measured_as_such(kind):
    hashes = BIASED[kind]
    likeness = measure_bits(hashes, hashes)
    assert likeness.skewed
    assert likeness.agreement.shape == (64,)
    assert likeness.together.shape == (64, 64)
    assert np.isfinite(likeness.together).all()
    shares = [likeness.agree_in(bits) for bits in range(65)]
    assert shares[0] == 1
    assert all(0 < b < a for a, b in pairwise(shares))


def test_measured_agreement_is_that_of_the_bits():
    likeness = measure_bits(BIASED["few bits"], BIASED["few bits"])
    assert likeness.agreement[:32] == pytest.approx(0.5, abs=0.1)
    assert (likeness.agreement[32:] == 1).all()
    # three quarters agree; in twelve bits more pairs do than by chance
    assert likeness.alpha / (likeness.alpha + likeness.beta) == pytest.approx(0.75, abs=0.02)
    assert likeness.agree_in(12) > 0.6**12


def test_measuring_is_repeatable():
    hashes = BIASED["ball"]
    first, second = (measure_bits(hashes, hashes) for _ in range(2))
    assert np.array_equal(first.together, second.together)
    assert (first.alpha, first.beta) == (second.alpha, second.beta)


# plans


sizes = st.integers(0, 1000) | st.integers(0, 10**9)
kinds = st.sampled_from([None, *BIASED])
MEASURED = {None: CHANCE, **{kind: measure_bits(rows, rows) for kind, rows in BIASED.items()}}


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
        assert plan.direct > 0
        if plan.widths:
            assert sum(plan.widths) == 64
            assert min(plan.widths) > 0
            # as many blocks agree at least
            assert 1 <= plan.agree <= len(plan.widths) - radius
            assert 1 <= plan.levels <= plan.agree
        else:
            assert plan.agree == plan.levels == 0
        assert sorted(plan.order) in ([], list(range(64)))


@given(sizes, st.none() | sizes, st.integers(0, 64), st.integers(1, 64))
def test_cheapest_plan_is_chosen(left, right, radius, threads):
    chosen = choose_plan(CHANCE, left, right, radius, threads)
    every = candidate_plans(CHANCE, left, right, radius, threads)
    assert chosen.seconds == min(plan.seconds for plan in every)


@pytest.mark.parametrize("radius", range(65))
def test_few_hashes_are_all_compared(radius):
    assert not choose_plan(CHANCE, 100, None, radius, 2).widths
    assert not choose_plan(CHANCE, 100, 100, radius, 2).widths


@pytest.mark.parametrize("radius", range(21, 65))
def test_all_are_compared_at_large_radii(radius):
    assert not choose_plan(CHANCE, 10**9, None, radius, 2).widths


@pytest.mark.parametrize("radius", range(9))
def test_many_hashes_are_cut_into_blocks(radius):
    for right in (None, 10**7):
        chosen = choose_plan(CHANCE, 10**7, right, radius, 2)
        assert chosen.widths
        assert chosen.comparisons < 10**14 / 20


def test_more_hashes_take_longer():
    for radius in range(0, 65, 4):
        seconds = [choose_plan(CHANCE, 10**n, None, radius, 2).seconds for n in range(3, 10)]
        assert seconds == sorted(seconds)


def test_skewed_hashes_take_longer():
    skewed = MEASURED["upper bits rare"]
    assert (
        choose_plan(skewed, 10**7, None, 4, 2).seconds
        > choose_plan(CHANCE, 10**7, None, 4, 2).seconds
    )


@biased
def test_bits_of_skewed_hashes_are_dealt_to_blocks(kind):
    for radius in range(5):
        plan = choose_plan(MEASURED[kind], 10**8, None, radius, 2)
        if plan.widths:
            assert sorted(plan.order) == list(range(64))


def test_bits_that_tell_nothing_are_spread_over_blocks():
    plan = choose_plan(MEASURED["few bits"], 10**7, None, 2, 2)
    ends = np.cumsum((0, *plan.widths))
    telling = [sum(bit < 32 for bit in plan.order[i:j]) for i, j in pairwise(ends)]
    assert max(telling) - min(telling) <= 1


# order


@given(st.permutations(range(64)))
@example(range(64))
@example(range(63, -1, -1))
def test_table_moves_each_bit_to_its_place(order):
    table = order_table(tuple(order))
    assert (table.shape, table.dtype) == ((8, 256), np.uint64)
    for place, bit in enumerate(order):
        assert table[bit // 8, 1 << bit % 8] == 1 << (63 - place)
    assert (np.bitwise_count(table) == np.bitwise_count(np.arange(256))).all()
    assert np.bitwise_or.reduce(table[:, 255]) == TOP

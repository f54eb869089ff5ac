import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.cluster import join_stages as stages
from tests.support import naive
from tests.support.cluster import in_memory, staged, table_of
from tests.support.examples import examples, slow_but
from tests.support.hash_strategies import columns, hash_rows, seeds

BALL = 0x0F0F_1234_5678_9ABC


def near(values, number, flips, rng):
    """Values that differ from one of `values` in up to so many bits."""
    chosen = rng.choice(values, number)
    for _ in range(flips):
        chosen ^= np.uint64(1) << rng.integers(0, 64, number).astype(np.uint64)
    return chosen


def uniform(rng):
    values = rng.integers(0, 2**64, 1500, np.uint64)
    return np.concatenate([values, near(values, 200, 4, rng), rng.choice(values, 50)])


def two_thirds_blank(rng):
    values = rng.integers(0, 2**64, 300, np.uint64)
    blank = np.zeros(120, np.uint64)
    return rng.permutation(
        np.concatenate([values, near(values, 60, 3, rng), blank, near(blank, 9, 3, rng)])
    )


def one_ball(rng):
    return near(np.full(1, BALL, np.uint64), 400, 4, rng)


def hot_digit(rng):
    low = rng.integers(0, 2**40, 1200, np.uint64)
    return np.concatenate([low, near(low, 200, 4, rng)]) | np.uint64(BALL & ~(2**40 - 1))


TURNED = ["within", "both turned", "left turned", "right turned"]
SETS = [uniform, two_thirds_blank, one_ball, hot_digit]


@pytest.mark.parametrize("make", slow_but([two_thirds_blank, hot_digit], SETS))
@pytest.mark.parametrize("radius", slow_but([4], [0, 4]))
def test_the_stages_find_what_one_machine_finds(make, radius):
    rng = np.random.default_rng(5)
    values = make(rng)
    one, other = table_of(values), table_of(near(values, 300, 3, rng))
    # pieces so small that digits are cut into tiles
    for most in (None, 200):
        found = staged(one, None, radius, share_rows=500, most_values=most)
        assert found == in_memory(one, None, radius)
        assert found or radius == 0
        found = staged(one, other, radius, share_rows=700, most_values=most)
        assert found == in_memory(one, other, radius)
    assert staged(one, None, radius, filtered=False) == in_memory(one, None, radius)


@pytest.mark.parametrize("sides", slow_but(["within", "right turned"], TURNED))
def test_the_stages_find_turned_copies(sides):
    rng = np.random.default_rng(6)
    turned = rng.integers(0, 2**64, (300, 8), np.uint64)
    turned[200:250, 3], turned[250:300] = turned[:50, 0], turned[:50]
    turned[100:150, 0] ^= np.uint64(5)
    # rows that are their own turned copies
    turned[60:70, 4] = turned[60:70, 0]
    upright = near(turned[:, 5], 100, 2, rng)
    one = table_of(upright if sides == "right turned" else turned)
    other = None if sides == "within" else table_of(turned)
    if sides == "left turned":
        other = table_of(upright)
    found = staged(one, other, 4, share_rows=70, most_values=300)
    assert found == in_memory(one, other, 4)
    assert len(found) > 50


@given(columns, columns, st.integers(0, 6), st.integers(1, 12))
def test_any_values_are_joined(one, other, radius, share_rows):
    left, right = table_of(one), table_of(other)
    options = {"share_rows": share_rows, "most_values": 4}
    if one.size:
        assert staged(left, None, radius, **options) == in_memory(left, None, radius)
    if one.size and other.size:
        assert staged(left, right, radius, **options) == in_memory(left, right, radius)


@examples(60, 8)
@given(hash_rows(st.integers(1, 12), 8), hash_rows(st.integers(1, 12), 8), st.integers(0, 8))
def test_any_turned_values_are_joined(one, other, radius):
    left, right = table_of(one), table_of(other)
    assert staged(left, right, radius, share_rows=5) == in_memory(left, right, radius)
    assert staged(left, None, radius, share_rows=5) == in_memory(left, None, radius)
    assert staged(left, None, radius) == [
        pair for pair in naive.matches(one, one, radius, range(8), range(8)) if pair[0] < pair[1]
    ]


@given(seeds, st.integers(0, 300))
def test_wanted_values_are_found(seed, number):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 2**64, 300, np.uint64)
    wanted = np.unique(np.concatenate([rng.choice(values, number), values[:3] ^ np.uint64(1)]))
    expected = np.flatnonzero(np.isin(values, wanted))
    table = stages.table_of_wanted(wanted)
    np.testing.assert_array_equal(stages.find_wanted(values, wanted, table), expected)

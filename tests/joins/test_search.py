import contextlib
import math
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fastphash.joins import partitions, planner, search, segments
from fastphash.joins.bit_statistics import measure_bits
from fastphash.joins.index import Index
from fastphash.joins.matching import matches
from fastphash.joins.options import JoinOptions
from fastphash.joins.partitions import permuted, sort_values
from fastphash.joins.planner import _grouped, candidate_plans
from fastphash.joins.search import find_across, find_edges, find_within, plan_for
from fastphash.kernels import union_find
from tests.support import naive

TOP = 2**64 - 1
EMPTY = np.empty(0, np.uint64)
CHANCE = measure_bits(EMPTY, EMPTY)
SKEWED = measure_bits(*[np.random.default_rng(0).integers(0, 2**40, 4000, np.uint64)] * 2)
seeds = st.integers(0, 2**32 - 1)


def light(plan):
    """Whether a plan has few enough choices and segments to be tried often."""
    if not plan.widths:
        return True
    return math.comb(len(plan.widths), plan.agree) <= 300


def every_plan(radius, rng):
    """Plans for few and many hashes, their bits in order, dealt by likeness and at random."""
    found = candidate_plans(CHANCE, 10**6, None, radius, 2)
    for plan in filter(light, found):
        yield plan
        yield replace(plan, order=tuple(rng.permutation(64).tolist()))
        if plan.widths:
            order, widths = _grouped(SKEWED, len(plan.widths))
            yield replace(plan, order=order, widths=widths)


@contextlib.contextmanager
def squeezed(rng):
    """Constants so small that few hashes meet all that many would."""
    choices = {
        (search, "_HANDED_OVER"): [8, 9, 1000],
        (segments, "TILE"): [8, 1000],
        (partitions, "_TASK"): [4, 1 << 17],
        (partitions, "_LEAST_TASK"): [1, 1000],
        (search, "_WORTH_THREADS"): [0],
        (search, "_KEYS"): [8, 1 << 14],
        (partitions, "_SORT_BITS"): [1, 11],
        (search, "DIGIT_BITS"): [2, 3],
        (planner, "DIRECT"): [0, 1, 1000],
    }
    with contextlib.ExitStack() as stack:
        for (module, name), some in choices.items():
            stack.enter_context(mock.patch.object(module, name, int(rng.choice(some))))
        yield JoinOptions(threads=int(rng.integers(1, 3)))


def sorted_by(hashes, plan):
    hashes = permuted(hashes, plan)
    return sort_values(hashes, np.arange(hashes.size, dtype=np.uint32)).values


def listed(blocks):
    found = [
        pair for left, right in blocks for pair in zip(left.tolist(), right.tolist(), strict=True)
    ]
    assert len(found) == len(set(found))
    return set(found)


def near_places(values, others, radius):
    apart = np.bitwise_count(values[:, None] ^ others)
    return set(map(tuple, np.argwhere(apart <= radius).tolist()))


RADII = [*range(7), 8, 12, 16, 17, 20, 21, 40, 63, 64]


@pytest.mark.parametrize("radius", RADII)
@settings(max_examples=8)
@given(seeds, st.integers(0, 90), st.integers(0, 40))
@example(0, 0, 0)
@example(1, 1, 1)
@example(6, 90, 0)
def test_every_plan_finds_every_pair_once(radius, seed, size, other_size):
    rng = np.random.default_rng(seed)
    hashes = naive.crowd(seed, size + other_size)[:, 0]
    for plan in every_plan(radius, rng):
        with squeezed(rng) as effort:
            values, others = sorted_by(hashes[:size], plan), sorted_by(hashes[size:], plan)
            within = listed(find_within(values, plan, effort))
            across = listed(find_across(values, others, plan, effort))
        expected = {(i, j) for i, j in near_places(values, values, radius) if i < j}
        assert len(within) == len(expected), plan
        assert {(min(pair), max(pair)) for pair in within} == expected, plan
        assert across == near_places(values, others, radius), plan


@pytest.mark.parametrize("radius", RADII)
@settings(max_examples=8)
@given(seeds, st.integers(0, 60))
@example(0, 0)
@example(1, 1)
@example(6, 60)
def test_every_plan_finds_enough_edges(radius, seed, size):
    rng = np.random.default_rng(seed)
    hashes = naive.crowd(seed, size)[:, 0]
    for plan in every_plan(radius, rng):
        values = sorted_by(hashes, plan)
        number = rng.permutation(values.size)
        # two of these are never paired
        odd = rng.random(values.size) < rng.choice([0, 0.5])
        labels = (2 * number + odd).astype(np.uint32)
        # some are joined before
        joined = rng.integers(0, max(values.size, 1), (2, values.size // 4))
        root = np.arange(values.size)
        roots = np.empty(values.size, np.uint32)
        union_find.unite(*joined, root)
        union_find.find_roots(root, roots)
        near_it = near_places(values, values, radius)
        pairs = {(number[i], number[j]) for i, j in near_it if not (odd[i] and odd[j])}
        with squeezed(rng) as effort:
            for left, right in find_edges(values, labels, roots, plan, effort):
                assert pairs.issuperset(zip(left.tolist(), right.tolist(), strict=True))
                union_find.unite(left, right, root)
                union_find.find_roots(root, roots)
        known = {(a, b) for i, j in joined.T.tolist() for a, b in ((i, j), (j, i))}
        assert root.tolist() == naive.components(values.size, pairs | known), plan


@pytest.mark.parametrize("radius", [0, 2, 5, 9, 17])
@settings(max_examples=10)
@given(seeds, st.sampled_from([1, 8]))
def test_joins_by_every_plan_are_those_of_the_twin(radius, seed, width):
    rng = np.random.default_rng(seed)
    rows = naive.crowd(seed, 40, width)
    known = range(width)
    across = naive.matches(rows[:20], rows[20:], radius, known, known)
    within = [m for m in naive.matches(rows, rows, radius, known, known) if m[0] < m[1]]
    for plan in [*every_plan(radius, rng)][::2]:
        for left, right, expected in (
            (Index(rows[:20]), Index(rows[20:]), across),
            (Index(rows), None, within),
        ):
            with squeezed(rng) as effort:
                other = replace(effort, plan=lambda _, plan=plan: plan)
                blocks = matches(left, right, radius, options=other)
                found = [row for block in blocks for row in zip(*block, strict=True)]
            assert found == expected, plan


def many():
    """Hashes by chance, some planted near them, and many that are alike in most bits."""
    rng = np.random.default_rng(0)
    chance = rng.integers(0, TOP, 60_000, np.uint64)
    planted = chance[:15_000].copy()
    for flip in range(10):
        own = np.arange(15_000) % 11 > flip
        planted[own] ^= np.uint64(1) << rng.integers(0, 64, own.sum(), np.uint64)
    skewed = rng.integers(0, TOP, 25_000, np.uint64) & np.uint64(0xFFFFFF0F0F000001)
    return rng.permutation(np.concatenate([chance, planted, skewed]))


MANY = many()


def places(blocks, size, *, within):
    """All pairs as sorted numbers."""
    found = []
    for left, right in blocks:
        low, high = (np.minimum(left, right), np.maximum(left, right)) if within else (left, right)
        found.append(low * size + high)
    return np.sort(np.concatenate([np.empty(0, np.int64), *found]))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("radius", [0, 1, 3, 7])
def test_all_plans_agree_on_many_hashes(radius, threads):
    effort = JoinOptions(threads=threads)
    hashes = np.unique(MANY)
    size = hashes.size
    side = hashes[::5].copy()
    brute, *others = candidate_plans(CHANCE, size, None, radius, threads)
    within = places(find_within(hashes, brute, effort), size, within=True)
    across = places(find_across(side, hashes, brute, effort), size, within=False)
    assert radius == 0 or within.size > 1000
    for place in range(0, side.size, 700):
        near_it = np.flatnonzero(np.bitwise_count(hashes ^ side[place]) <= radius)
        mine = across[across // size == place] % size
        assert np.array_equal(mine, near_it)
        own = 5 * place
        pairs = np.stack([within // size, within % size])
        partners = np.sort(pairs[::-1][pairs == own])
        assert np.array_equal(partners, near_it[near_it != own])
    cheapest = sorted(others, key=lambda plan: plan.seconds)[:3]
    for plan in cheapest:
        assert np.array_equal(places(find_within(hashes, plan, effort), size, within=True), within)
        found = places(find_across(side, hashes, plan, effort), size, within=False)
        assert np.array_equal(found, across)


@pytest.mark.parametrize("radius", [1, 2, 4])
def test_plan_for_skewed_hashes_finds_what_brute_force_finds(radius):
    rows = np.unique(MANY & np.uint64(0xFFF00FFFF0FF00FF))
    effort = JoinOptions(threads=2)
    plan = plan_for(rows, None, radius, effort)
    assert plan.order
    brute = candidate_plans(CHANCE, rows.size, None, radius, 2)[0]
    values, order = np.unique(permuted(rows, plan), return_index=True)
    expected = places(find_within(rows, brute, effort), rows.size, within=True)
    blocks = [(order[a], order[b]) for a, b in find_within(values, plan, effort)]
    assert np.array_equal(places(blocks, rows.size, within=True), expected)


@pytest.mark.parametrize("threads", [1, 2])
def test_search_tells_how_far_it_is_and_what_came_of_it(threads):
    told, done = [], []
    effort = JoinOptions(
        threads=threads,
        advance=lambda *far: done.append(far),
        explain=lambda search: told.append((search.ended, search.left, search.right)),
    )
    values = np.unique(MANY[:50_000])
    for plan in candidate_plans(CHANCE, values.size, None, 2, threads)[:3]:
        told.clear()
        done.clear()
        for _ in find_within(values, plan, effort):
            assert len(told) == 1
        assert told == [(False, values.size, 0), (True, values.size, 0)]
        assert done == sorted(done)
        assert all(0 <= some <= total for some, total in done)


def test_explained_pairs_are_those_found():
    told = []
    values = np.unique(MANY[:50_000])
    plan = plan_for(values, None, 6, JoinOptions(threads=1))
    found = list(find_within(values, plan, JoinOptions(threads=2, explain=told.append)))
    assert told[-1].pairs == sum(left.size for left, _ in found)
    assert told[-1].plan == plan
    assert told[-1].seconds > 0

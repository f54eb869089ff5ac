import contextlib
import math
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.joins.batches import find_matches
from fastphash.joins.bit_order import deal_bits, reorder_bits
from fastphash.joins.bit_statistics import measure_bits
from fastphash.joins.index import Index
from fastphash.joins.options import JoinOptions
from fastphash.joins.planner import candidate_plans
from fastphash.joins.search import find_across, find_edges, find_within, plan_search
from fastphash.joins.values import sort_values
from fastphash.kernels import union_find
from tests.support import naive
from tests.support.examples import examples, slow_but

TOP = 2**64 - 1
EMPTY = np.empty(0, np.uint64)
UNIFORM = measure_bits(EMPTY, EMPTY)
SKEWED = measure_bits(*[np.random.default_rng(0).integers(0, 2**40, 4000, np.uint64)] * 2)
seeds = st.integers(0, 2**32 - 1)


def light(plan):
    """Whether a plan has few enough choices and segments to be tried often."""
    if not plan.widths:
        return True
    return math.comb(len(plan.widths), plan.agree) <= 300


def every_plan(radius, rng):
    """Plans for few and many hashes: bits in their order, in a random one, and dealt to blocks."""
    for plan in filter(light, candidate_plans(UNIFORM, 10**6, None, radius, 2)):
        yield plan
        yield replace(plan, bit_order=tuple(rng.permutation(64).tolist()))
        if plan.widths:
            bit_order, widths = deal_bits(SKEWED, len(plan.widths))
            yield replace(plan, bit_order=bit_order, widths=widths)


@contextlib.contextmanager
def squeezed(rng):
    """Constants so small that few hashes meet all that many would."""
    choices = {
        "leaves._BATCH_PAIRS": [8, 9, 1000],
        "leaves._KEYS": [8, 1 << 14],
        "brute_force._TILE": [8, 1000],
        "partitions.PARALLEL_SIZE": [4, 1 << 17],
        "values.PARALLEL_SIZE": [4, 1 << 17],
        "values._SORT_BITS": [1, 11],
        "partitions._MAX_TASK": [4, 1 << 17],
        "partitions._MIN_TASK": [1, 1000],
        "word_search._PARALLEL_SECONDS": [0],
        "blocks.DIGIT_BITS": [2, 3],
        "search_plan.WHOLE_PER_CHOICE": [0, 1, 1000],
    }
    with contextlib.ExitStack() as stack:
        for name, sizes in choices.items():
            stack.enter_context(mock.patch(f"fastphash.joins.{name}", int(rng.choice(sizes))))
        yield JoinOptions(threads=int(rng.integers(1, 3)))


def sorted_by(hashes, plan):
    return sort_values(reorder_bits(hashes, plan)).values


def listed(batches):
    pairs = [
        pair for left, right in batches for pair in zip(left.tolist(), right.tolist(), strict=True)
    ]
    assert len(pairs) == len(set(pairs))
    return set(pairs)


def near_numbers(values, others, radius):
    distance = np.bitwise_count(values[:, None] ^ others)
    return set(map(tuple, np.argwhere(distance <= radius).tolist()))


RADII = slow_but([17], [*range(7), 8, 12, 16, 17, 20, 21, 40, 63, 64])


@pytest.mark.parametrize("radius", RADII)
@examples(8, 2)
@given(seeds, st.integers(0, 90), st.integers(0, 40))
@example(0, 0, 0)
@example(1, 1, 1)
@example(6, 90, 0)
def test_every_plan_finds_every_pair_once(radius, seed, size, other_size):
    rng = np.random.default_rng(seed)
    hashes = naive.crowd(seed, size + other_size)[:, 0]
    for plan in every_plan(radius, rng):
        with squeezed(rng) as options:
            values, others = sorted_by(hashes[:size], plan), sorted_by(hashes[size:], plan)
            within = listed(find_within(values, plan, options))
            across = listed(find_across(values, others, plan, options))
        expected = {(i, j) for i, j in near_numbers(values, values, radius) if i < j}
        assert len(within) == len(expected), plan
        assert {(min(pair), max(pair)) for pair in within} == expected, plan
        assert across == near_numbers(values, others, radius), plan


@pytest.mark.parametrize("radius", RADII)
@examples(8, 2)
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
        # two of these must not pair
        odd = rng.random(values.size) < rng.choice([0, 0.5])
        labels = (2 * number + odd).astype(np.uint32)
        # a quarter as many pairs are joined before
        joined = rng.integers(0, max(values.size, 1), (2, values.size // 4))
        root = np.arange(values.size)
        roots = np.empty(values.size, np.uint32)
        union_find.unite(*joined, root)
        union_find.find_roots(root, roots)
        near = near_numbers(values, values, radius)
        pairs = {(number[i], number[j]) for i, j in near if not (odd[i] and odd[j])}
        with squeezed(rng) as options:
            for left, right in find_edges(values, labels, roots, plan, options):
                assert pairs.issuperset(zip(left.tolist(), right.tolist(), strict=True))
                union_find.unite(left, right, root)
                union_find.find_roots(root, roots)
        known = {(a, b) for i, j in joined.T.tolist() for a, b in ((i, j), (j, i))}
        assert root.tolist() == naive.components(values.size, pairs | known), plan


@pytest.mark.parametrize("radius", slow_but([2], [0, 2, 5, 9, 17]))
@examples(10, 2)
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
            with squeezed(rng) as options:
                by_plan = replace(options, plan=lambda _, plan=plan: plan)
                batches = find_matches(left, right, radius, options=by_plan)
                rows_found = [row for batch in batches for row in zip(*batch, strict=True)]
            assert rows_found == expected, plan


def many():
    """Uniform hashes, some planted near them, and many that agree in most bits."""
    rng = np.random.default_rng(0)
    uniform = rng.integers(0, TOP, 60_000, np.uint64)
    planted = uniform[:15_000].copy()
    for flip in range(10):
        flipped = np.arange(15_000) % 11 > flip
        planted[flipped] ^= np.uint64(1) << rng.integers(0, 64, flipped.sum(), np.uint64)
    skewed = rng.integers(0, TOP, 25_000, np.uint64) & np.uint64(0xFFFFFF0F0F000001)
    return rng.permutation(np.concatenate([uniform, planted, skewed]))


MANY = many()


def pair_keys(batches, size, *, within):
    """All pairs as sorted keys: left * size + right."""
    keys = []
    for left, right in batches:
        low, high = (np.minimum(left, right), np.maximum(left, right)) if within else (left, right)
        keys.append(low * size + high)
    return np.sort(np.concatenate([np.empty(0, np.int64), *keys]))


@pytest.mark.parametrize("threads", slow_but([2], [1, 2]))
@pytest.mark.parametrize("radius", slow_but([3], [0, 1, 3, 7]))
def test_all_plans_agree_on_many_hashes(radius, threads):
    options = JoinOptions(threads=threads)
    hashes = np.unique(MANY)
    size = hashes.size
    side = hashes[::5].copy()
    brute, *others = candidate_plans(UNIFORM, size, None, radius, threads)
    within = pair_keys(find_within(hashes, brute, options), size, within=True)
    across = pair_keys(find_across(side, hashes, brute, options), size, within=False)
    assert radius == 0 or within.size > 1000
    pairs = np.stack([within // size, within % size])
    for row in range(0, side.size, 700):
        near = np.flatnonzero(np.bitwise_count(hashes ^ side[row]) <= radius)
        assert np.array_equal(across[across // size == row] % size, near)
        partners = np.sort(pairs[::-1][pairs == 5 * row])
        assert np.array_equal(partners, near[near != 5 * row])
    cheapest = sorted(others, key=lambda plan: plan.seconds)[:3]
    for plan in cheapest:
        keys = pair_keys(find_within(hashes, plan, options), size, within=True)
        assert np.array_equal(keys, within)
        keys = pair_keys(find_across(side, hashes, plan, options), size, within=False)
        assert np.array_equal(keys, across)


@pytest.mark.parametrize("radius", slow_but([2], [1, 2, 4]))
def test_plan_for_skewed_hashes_finds_what_brute_force_finds(radius):
    rows = np.unique(MANY & np.uint64(0xFFF00FFFF0FF00FF))
    options = JoinOptions(threads=2)
    plan = plan_search(rows, None, radius, options)
    assert plan.bit_order
    brute = candidate_plans(UNIFORM, rows.size, None, radius, 2)[0]
    values, order = np.unique(reorder_bits(rows, plan), return_index=True)
    expected = pair_keys(find_within(rows, brute, options), rows.size, within=True)
    batches = [(order[a], order[b]) for a, b in find_within(values, plan, options)]
    assert np.array_equal(pair_keys(batches, rows.size, within=True), expected)


@pytest.mark.parametrize("threads", [1, 2])
def test_search_reports_its_progress_and_its_result(threads):
    reports, progress = [], []
    options = JoinOptions(
        threads=threads,
        advance=lambda *done_of_total: progress.append(done_of_total),
        explain=lambda report: reports.append((report.ended, report.left, report.right)),
    )
    values = np.unique(MANY[:50_000])
    for plan in candidate_plans(UNIFORM, values.size, None, 2, threads)[:3]:
        reports.clear()
        progress.clear()
        for _ in find_within(values, plan, options):
            assert len(reports) == 1
        assert reports == [(False, values.size, 0), (True, values.size, 0)]
        assert progress == sorted(progress)
        assert all(0 <= done <= total for done, total in progress)


def test_reported_pairs_are_those_found():
    reports = []
    values = np.unique(MANY[:50_000])
    plan = plan_search(values, None, 6, JoinOptions(threads=1))
    batches = list(find_within(values, plan, JoinOptions(threads=2, explain=reports.append)))
    assert reports[-1].pairs == sum(left.size for left, _ in batches)
    assert reports[-1].plan == plan
    assert reports[-1].seconds > 0

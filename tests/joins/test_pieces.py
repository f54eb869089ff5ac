import pickle
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.joins import blocks
from fastphash.joins.bit_order import reorder_bits, restore_bits
from fastphash.joins.options import JoinOptions
from fastphash.joins.piece_search import search_piece
from fastphash.joins.piece_sizes import count_scattered
from fastphash.joins.pieces import (
    PiecePlan,
    choose_piece_plan,
    count_digits,
    make_pieces,
    scatter,
)
from fastphash.joins.planner import candidate_plans
from fastphash.joins.search_plan import SearchPlan
from tests.joins.test_search import UNIFORM, every_plan, squeezed
from tests.support import naive
from tests.support.examples import campaign_of, examples, slow_but
from tests.support.hash_strategies import TOP, columns, seeds

EMPTY = np.empty(0, np.uint64)
BLOCKS = SearchPlan(2, (16, 16, 16, 16), 2, 2)


def by_batch(values, batches):
    return np.array_split(values, batches) if values.size else [values]


def planned(plan, left, right, most, batches=1):
    counts = [
        None if side is None else sum(count_digits(part, plan) for part in by_batch(side, batches))
        for side in (left, right)
    ]
    return make_pieces(plan, *counts, most)


def scattered(piece_plan, values, batches=1, *, right=False):
    """The values of each piece, of one side."""
    of_piece = [[] for _ in piece_plan.pieces]
    last = max((piece.block for piece in piece_plan.pieces), default=-1)
    for part, block in product(by_batch(values, batches), range(last + 1)):
        for number, own in scatter(part, piece_plan, block, right=right):
            assert own.size
            assert piece_plan.pieces[number].block == block
            of_piece[number].append(own)
    return [np.concatenate([EMPTY, *own]) for own in of_piece]


def search_all(piece_plan, left, right=None, batches=1, options=None):
    """The pairs (left, right) of each piece, as a list."""
    piece_plan = pickle.loads(pickle.dumps(PiecePlan.from_json(piece_plan.to_json())))
    lefts = scattered(piece_plan, left, batches)
    rights = [None] * len(lefts)
    if right is not None:
        rights = scattered(piece_plan, right, batches, right=True)
    found = []
    for number, (own, other) in enumerate(zip(lefts, rights, strict=True)):
        pairs = [
            pair
            for a, b in search_piece(piece_plan, number, own, other, options)
            for pair in zip(a.tolist(), b.tolist(), strict=True)
        ]
        if right is None:
            pairs = [(min(pair), max(pair)) for pair in pairs]
        found.append(pairs)
    return found


def check_pieces(piece_plan, left, right, radius, batches=1, options=None):
    """All pairs are found, each once, in the piece that has to report it."""
    across = right is not None
    near = naive.near_pairs(left.tolist(), (right if across else left).tolist(), radius)
    expected = near if across else {(a, b) for a, b in near if a < b}
    found = search_all(piece_plan, left, right, batches, options)
    every = [pair for pairs in found for pair in pairs]
    assert len(every) == len(expected)
    assert set(every) == expected
    moved = {
        value: int(reorder_bits(np.array([value], np.uint64), piece_plan.plan)[0])
        for pair in expected
        for value in pair
    }
    for piece, pairs in zip(piece_plan.pieces, found, strict=True):
        for a, b in pairs:
            owned = (moved[a], moved[b], piece, piece_plan.plan.widths, blocks.DIGIT_BITS)
            assert naive.owns_pair(*owned, across=across)


@examples(40, 8)
@given(
    seeds, st.integers(0, 200), st.integers(0, 100), st.sampled_from([4, 20, 1000]), st.booleans()
)
def test_values_of_tiles_are_counted_in_each_piece(seed, size, other_size, most, across):
    hashes = naive.crowd(seed, size + other_size)[:, 0]
    left, right = hashes[:size], hashes[size:] if across else None
    sides = [left] if right is None else [left, right]
    counts = [count_digits(side, BLOCKS) for side in sides] + [None]
    pieces = make_pieces(BLOCKS, *counts[:2], most)
    written = np.zeros(len(counts[0]), np.int64)
    for place, side in enumerate(sides):
        for number, own in scatter(side, pieces, right=place == 1):
            written[pieces.pieces[number].block] += own.size
    assert count_scattered(pieces, *counts[:2]).tolist() == written.tolist()


@pytest.mark.parametrize("radius", [*slow_but([2], [0, 1, 2, 4, 9]), *campaign_of(64)])
@examples(6, 2)
@given(seeds, st.integers(0, 60), st.integers(0, 40), st.sampled_from([5, 20, 1000]))
@example(0, 0, 0, 5)
@example(6, 60, 1, 5)
def test_pieces_of_every_plan_find_every_pair_once(radius, seed, size, other_size, most):
    rng = np.random.default_rng(seed)
    hashes = naive.crowd(seed, size + other_size)[:, 0]
    # a third comes several times
    hashes = hashes[np.concatenate([np.arange(hashes.size), np.arange(hashes.size // 3)])]
    left, right = hashes[:size], hashes[size:]
    plans = list(every_plan(radius, rng))
    for plan in [plans[0], *rng.permutation(np.array(plans[1:], object))[:2]]:
        with squeezed(rng) as options:
            within = planned(plan, left, None, most)
            check_pieces(within, left, None, radius, 3, options)
            across = planned(plan, left, right, most)
            check_pieces(across, left, right, radius, 3, options)


@given(columns | st.builds(lambda seed: naive.crowd(seed, 30)[:, 0], seeds), seeds)
@example(np.array([0, TOP, 0, 0], np.uint64), 0)
def test_digits_are_counted_as_by_the_twin(values, seed):
    for plan in every_plan(2, np.random.default_rng(seed)):
        moved = reorder_bits(np.array(naive.drop_recent(values.tolist(), 14), np.uint64), plan)
        digits = [naive.digits(value, plan.widths) for value in moved.tolist()]
        counts = count_digits(values, plan)
        assert counts.shape == (3 if plan.widths else 1, 4096)
        for block, count in enumerate(counts):
            expected = np.bincount([own[block] for own in digits], minlength=4096)
            assert count.tolist() == expected.tolist()


@examples(10)
@given(seeds, st.integers(0, 60), st.sampled_from([4, 1000]), st.booleans())
@example(2, 60, 4, False)
@example(2, 60, 4, True)
def test_values_are_scattered_as_by_the_twin(seed, size, most, across):
    values = naive.crowd(seed, size)[:, 0]
    piece_plan = planned(BLOCKS, values, values[::2] if across else None, most)
    lefts = scattered(piece_plan, values)
    rights = scattered(piece_plan, values, right=True)
    for piece, left, right in zip(piece_plan.pieces, lefts, rights, strict=True):
        tiles = [[piece.left_tile], [piece.right_tile]]
        if not across:
            tiles = [tiles[0] + tiles[1]] * 2
        for own, side_tiles in zip((left, right), tiles, strict=True):
            assert set(own.tolist()) == {
                v for v in values.tolist() if naive.owns_value(v, piece, BLOCKS.widths, side_tiles)
            }


@examples(10)
@given(st.integers(20, 200), seeds, st.booleans())
def test_pieces_are_no_larger_than_asked(most, seed, across):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 10, (3, 4096)) * (rng.random((3, 4096)) < rng.choice([0.01, 0.9]))
    counts[rng.integers(0, 3, 9), rng.integers(0, 4096, 9)] = rng.integers(0, 1000, 9)
    right = counts[:, ::-1].copy() if across else None
    both = counts + right if across else counts
    numbers = {}
    for piece in make_pieces(BLOCKS, counts, right, most).pieces:
        size = int(both[piece.block, piece.low : piece.high].sum())
        if piece.left_tile:
            size = counts[piece.block, piece.low] / piece.left_tile.tiles
            other = (right if across else counts)[piece.block, piece.low]
            size += other / piece.right_tile.tiles
            assert piece.high == piece.low + 1
        assert 0 < size <= max(most, 1)
        numbers.setdefault((piece.block, piece.low), []).append(piece)
    # digits that may have a pair are in a piece, and pieces don't overlap
    searched = (counts > 0) & (right > 0) if across else counts > 1
    for block, digits in enumerate(searched):
        covered = np.zeros(4096, int)
        for (own, low), pieces in numbers.items():
            if own == block:
                covered[low : pieces[0].high] += 1
        assert (covered[digits] == 1).all()
        assert covered.max() <= 1


@given(columns, st.permutations(range(64)))
def test_bits_come_back(values, order):
    plan = SearchPlan(0, (64,), 1, 1, tuple(order))
    assert np.array_equal(restore_bits(reorder_bits(values, plan), plan), values)
    assert restore_bits(values, BLOCKS) is values


def large_sides(kind):
    rng = np.random.default_rng(0)
    values = rng.integers(0, TOP, 60_000, np.uint64)
    values[:5000] = values[5000:10_000] ^ (np.uint64(1) << rng.integers(0, 64, 5000, np.uint64))
    if kind == "two thirds blank":
        values[rng.random(values.size) < 2 / 3] = 0
    if kind == "one ball":
        values = naive.ball(20_000, 4)
    if kind == "hot digit":
        values[::2] >>= np.uint64(16)
    return rng.permutation(values)


KINDS = ["uniform", "two thirds blank", "one ball", "hot digit"]


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("kind", slow_but(["hot digit"], KINDS))
def test_pieces_of_many_values_find_what_brute_force_finds(kind, across):
    left = large_sides(kind)
    right = left[::3] ^ np.uint64(4) if across else None
    sizes = np.unique(left).size, None if right is None else np.unique(right).size
    radius, options = 3, JoinOptions(threads=2)
    plan = choose_piece_plan(left, right, *sizes, radius, 2)
    brute = candidate_plans(UNIFORM, *sizes, radius, 2)[0]
    assert plan.widths
    (whole,) = search_all(planned(brute, left, right, 1 << 20), left, right, 1, options)
    found = search_all(planned(plan, left, right, 4000, 5), left, right, 5, options)
    every = [pair for pairs in found for pair in pairs]
    assert sorted(every) == sorted(whole)
    assert len(every) > 500


def test_blank_values_fill_no_piece():
    values = large_sides("two thirds blank")
    counts = count_digits(values, BLOCKS)
    assert counts.sum(axis=1).max() < np.unique(values).size + 50


def test_a_hot_digit_is_cut_into_tiles():
    values = large_sides("hot digit")
    plan = SearchPlan(3, (13, 13, 13, 13, 12), 2, 2)
    piece_plan = planned(plan, values, None, 5000)
    tiles = [piece for piece in piece_plan.pieces if piece.left_tile]
    assert {(piece.block, piece.low) for piece in tiles} == {(0, 0)}
    assert max(own.size for own in scattered(piece_plan, values)) < 5500

import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash.errors import UsageError
from fastphash.external.api import group
from fastphash.groups import stars
from fastphash.groups.grouping import GROUPINGS, find_copies, find_keepers, has_partner
from fastphash.hashing.phash import hash_orientations, hash_thumbnails
from fastphash.images.thumbnail import both_thumbnails
from fastphash.joins.index import Index
from fastphash.store.content import Content
from fastphash.verification.criteria import CopyCriteria
from tests.support import naive
from tests.support.examples import examples, slow_but
from tests.support.thumbnails import POOL

TOP = 2**64 - 1
EMPTY_ONE, EMPTY_EIGHT = np.empty((0, 1), np.uint64), np.empty((0, 8), np.uint64)
words = st.sampled_from([0, 1, 2, 3, 2**63, TOP]) | st.integers(0, TOP)
knowns = st.sets(st.integers(1, 7)).map(lambda some: (0, *sorted(some)))

seeds = st.integers(0, 2**32 - 1)
radii = st.integers(0, 4) | st.integers(0, 64)
groupings = st.sampled_from(GROUPINGS)


def matrices(width):
    few = hnp.arrays(np.uint64, st.tuples(st.integers(0, 20), st.just(width)), elements=words)
    return few | st.builds(naive.crowd, seeds, st.integers(0, 40), st.just(width))


either = st.sampled_from([1, 8]).flatmap(matrices)


def keepers(rows, radius, grouping, thumbnails=None, known=None):
    if not len(rows):
        return []
    twin = {"star": naive.stars, "components": naive.components}[grouping]
    return twin(len(rows), naive.links(rows, radius, thumbnails, known))


def check(rows, thumbnails, radius, grouping, known=None):
    found = find_copies(
        Index(rows, known), Content(thumbnails), CopyCriteria(radius), grouping=grouping
    )
    types = [np.int64, np.uint8, np.bool_, np.uint8, np.float32, np.uint8, np.float32]
    types += [np.bool_, np.uint8]
    columns = found.keeper, found.distance, *found.comparison
    assert [column.dtype for column in columns] == types
    expected = keepers(rows, radius, grouping, thumbnails, known)
    assert found.keeper.tolist() == expected
    if expected:
        twin = [*zip(*naive.copies(rows, thumbnails, expected, known), strict=True)]
        assert [column.tolist() for column in columns[1:4]] == [list(c) for c in twin[1:4]]
        assert found.comparison.score == pytest.approx(twin[4], abs=5e-3, nan_ok=True)


# hashes alone


@given(either, radii, groupings)
@example(EMPTY_ONE, 0, "star")
@example(EMPTY_EIGHT, 64, "components")
@example(np.full((1, 8), 7, np.uint64), 64, "star")
@example(np.full((9, 8), TOP, np.uint64), 0, "star")
@example(np.array([[0], [TOP], [0]], np.uint64), 63, "components")
@example(np.array([[0], [TOP], [0]], np.uint64), 64, "star")
def test_groups_are_those_of_the_twin(rows, radius, grouping):
    keeper = keepers(rows, radius, grouping)
    numbers = {k: n for n, k in enumerate(sorted(set(keeper)))}
    found = group(rows, radius, grouping=grouping)
    assert found.keeper.dtype == found.label.dtype == np.int64
    assert found.keeper.tolist() == keeper
    assert found.label.tolist() == [numbers[k] for k in keeper]


@pytest.mark.parametrize("grouping", GROUPINGS)
@pytest.mark.parametrize("radius", slow_but([*range(5), 8, 21, 63, 64], range(65)))
def test_groups_are_those_of_the_twin_at_every_radius(radius, grouping):
    for seed in range(3):
        rows = naive.crowd(seed, 40, 8)
        for width in (1, 8):
            expected = keepers(rows[:, :width], radius, grouping)
            assert group(rows[:, :width], radius, grouping=grouping).keeper.tolist() == expected


@pytest.mark.parametrize("pairs", [0, 1, 5, 40])
@examples(40, 8)
@given(either, radii, groupings)
@example(np.full((9, 1), TOP, np.uint64), 3, "star")
@example(np.arange(16, dtype=np.uint64)[:, None], 1, "components")
def test_few_pairs_at_once_change_nothing(pairs, rows, radius, grouping):
    with mock.patch.object(stars, "_PAIRS_HELD", pairs):
        found = find_keepers(Index(rows), Content(), CopyCriteria(radius), grouping=grouping)
        partner = has_partner(Index(rows), radius)
    assert found.tolist() == keepers(rows, radius, grouping)
    assert partner.tolist() == partners(rows, radius)


@examples(60, 20)
@given(
    st.builds(naive.wide_crowd, seeds, st.integers(0, 40), st.sampled_from([1, 8])),
    st.integers(0, 40) | st.integers(0, 255),
    groupings,
    st.sampled_from([1, 5, 1 << 21]),
)
def test_groups_of_256_bits_are_those_of_the_twin(rows, radius, grouping, held):
    expected = keepers(rows, radius, grouping)
    with mock.patch.object(stars, "_PAIRS_HELD", held):
        assert group(rows, radius, grouping=grouping).keeper.tolist() == expected
        assert has_partner(Index(rows), radius).tolist() == partners(rows, radius)


@pytest.mark.slow
@pytest.mark.parametrize("grouping", GROUPINGS)
def test_many_hashes_of_256_bits_in_one_ball_are_one_group(grouping):
    rng = np.random.default_rng(0)
    flips = np.argsort(rng.random((20_000, 256)), axis=1) < 15
    ball = np.packbits(flips, axis=1).view(np.uint64) ^ rng.integers(0, TOP, 4, np.uint64)
    # two balls, far apart, and a chain of hashes between them
    balls = np.concatenate([ball, ~ball])
    chain = np.packbits(np.tri(256, dtype=np.bool_)[8::8], axis=1).view(np.uint64) ^ ball[0]
    rows = np.concatenate([balls, chain])
    found = group(rows, 30, grouping=grouping).keeper
    if grouping == "components":
        assert (found == 0).all()
    else:
        assert (found[: ball.shape[0]] == 0).all()
        assert (found[ball.shape[0] : len(balls)] == ball.shape[0]).all()


def partners(rows, radius, known=None):
    pairs = naive.links(rows, radius, None, known) if len(rows) else ()
    found = {i for i, j in pairs if i != j}
    return [i in found for i in range(len(rows))]


@given(either, radii)
@example(EMPTY_ONE, 0)
@example(EMPTY_EIGHT, 3)
@example(np.full((1, 8), TOP, np.uint64), 64)
@example(np.full((2, 8), TOP, np.uint64), 0)
@example(np.array([[0], [1], [3], [7]], np.uint64), 1)
def test_rows_with_a_partner_are_those_of_some_pair(rows, radius):
    found = has_partner(Index(rows), radius)
    assert found.dtype == np.bool_
    assert found.tolist() == partners(rows, radius)


@given(either, radii)
def test_nobody_is_a_copy_of_a_copy(rows, radius):
    for grouping in GROUPINGS:
        keeper = group(rows, radius, grouping=grouping).keeper
        assert np.array_equal(keeper[keeper], keeper)
        assert (keeper <= np.arange(keeper.size)).all()


@given(either, radii)
def test_components_are_made_of_whole_stars(rows, radius):
    star, chain = (group(rows, radius, grouping=grouping).keeper for grouping in GROUPINGS)
    assert np.array_equal(chain[star], chain)


def test_chain_is_joined_only_into_components():
    # the second row turned is the first, the third turned is the second
    rows = np.random.default_rng(0).integers(0, TOP, (3, 8), np.uint64)
    rows[1, 3] = rows[0, 0]
    rows[2, 3] = rows[1, 0]
    assert group(rows).keeper.tolist() == [0, 0, 2]
    assert group(rows, grouping="components").keeper.tolist() == [0, 0, 0]
    steps = np.array([2**i - 1 for i in range(9)], np.uint64)
    assert group(steps, 2).keeper.tolist() == [0, 0, 0, 3, 3, 3, 6, 6, 6]
    assert not group(steps, 1, grouping="components").keeper.any()


@given(matrices(8), knowns, radii, groupings)
@example(np.ones((2, 8), np.uint64), (0,), 0, "star")
def test_only_known_orientations_make_copies(rows, known, radius, grouping):
    check(rows, None, radius, grouping, known)
    assert has_partner(Index(rows, known), radius).tolist() == partners(rows, radius, known)


@given(either, radii, groupings)
@example(np.array([[5], [5]], np.uint64), 0, "star")
def test_without_thumbnails_no_copy_agrees(rows, radius, grouping):
    check(rows, None, radius, grouping)


@pytest.mark.parametrize("radius", [-1, 65, 1.5, True])
def test_what_is_no_radius_is_refused(radius):
    with pytest.raises(UsageError, match=str(radius)):
        group(np.zeros(3, np.uint64), radius)


def test_unknown_grouping_is_refused():
    with pytest.raises(UsageError, match="'ring': use one of star, components"):
        group(np.zeros(3, np.uint64), grouping="ring")


def test_hashes_of_another_kind_are_refused():
    with pytest.raises(UsageError, match="int64"):
        group(np.zeros(3, np.int64))


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_nothing_has_no_groups(grouping):
    for radius in (0, 5):
        assert [c.tolist() for c in group([], radius, grouping=grouping)] == [[], []]


@pytest.mark.parametrize("grouping", GROUPINGS)
@pytest.mark.parametrize("radius", slow_but([8], [0, 8]))
def test_million_identical_hashes_are_one_group(radius, grouping):
    for rows in (np.full(10**6, 7, np.uint64), np.full((10**6, 8), 7, np.uint64)):
        found = group(rows, radius, grouping=grouping)
        assert not found.keeper.any()
        assert not found.label.any()


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_million_different_hashes_are_a_million_groups(grouping):
    found = group(np.random.default_rng(0).permutation(10**6).astype(np.uint64), grouping=grouping)
    assert np.array_equal(found.keeper, np.arange(10**6))
    assert np.array_equal(found.label, np.arange(10**6))


@pytest.mark.parametrize("grouping", GROUPINGS)
@pytest.mark.parametrize("radius", slow_but([8], [4, 8]))
def test_many_hashes_in_a_ball_are_grouped(radius, grouping):
    rows = naive.ball(20_000, 4)
    keeper = group(rows, radius, grouping=grouping).keeper
    if radius == 8 or grouping == "components":
        assert not keeper.any()
        return
    # star by star: what is left goes to the next keeper
    expected = np.full(rows.size, -1)
    while (expected < 0).any():
        first = int(np.argmax(expected < 0))
        near = np.bitwise_count(rows ^ rows[first]) <= radius
        expected[near & (expected < 0)] = first
    assert np.array_equal(keeper, expected)


# hashes and thumbnails


@examples(100, 10)
@given(
    st.sampled_from([1, 8]),
    st.lists(st.tuples(st.integers(0, len(POOL) - 1), st.integers(0, 4)), max_size=25),
    seeds,
    st.integers(0, 3) | st.integers(0, 64),
    groupings,
)
@example(8, [], 0, 0, "star")
@example(8, [(3, 0)], 0, 2, "components")
@example(1, [(3, 0)] * 9, 0, 0, "star")
@example(1, [(2, 0), (11, 0), (11, 1), (2, 3)], 0, 1, "components")
def test_groups_of_images_are_those_of_the_twin(width, chosen, seed, radius, grouping):
    # few hashes, so that many collide whose thumbnails disagree
    rows = np.random.default_rng(seed).integers(0, 5, (len(chosen), width)).astype(np.uint64)
    rows[:, 0] = [value for _, value in chosen]
    check(rows, POOL[[image for image, _ in chosen]], radius, grouping)


@given(
    st.lists(st.integers(0, len(POOL) - 1), max_size=25),
    knowns,
    st.integers(0, 3) | st.integers(0, 64),
    groupings,
)
def test_groups_by_the_hashes_of_the_thumbnails_are_those_of_the_twin(
    chosen, known, radius, grouping
):
    thumbnails = POOL[chosen].reshape(-1, 32, 32)
    both = np.stack([thumbnails, thumbnails.swapaxes(1, 2)], axis=1)
    check(hash_orientations(both), POOL[chosen], radius, grouping, known)


@pytest.mark.parametrize("pairs", [0, 3])
@examples(30, 8)
@given(st.lists(st.integers(0, len(POOL) - 1), max_size=20), seeds, radii, groupings)
def test_few_pairs_of_images_at_once_change_nothing(pairs, chosen, seed, radius, grouping):
    rows = naive.crowd(seed, len(chosen))
    with mock.patch.object(stars, "_PAIRS_HELD", pairs):
        check(rows, POOL[chosen], radius, grouping)


def test_pictures_at_a_distance_are_copies_if_they_are_alike():
    # 11 shows something else than 2, of which 3 is a noisy copy
    thumbnails = POOL[[2, 11, 3, 2, 11]]
    rows = np.array([7, 7, 6, 5, 6], np.uint64)
    found = find_copies(Index(rows), Content(thumbnails), CopyCriteria(1))
    assert found.keeper.tolist() == [0, 1, 0, 0, 1]
    assert found.distance.tolist() == [0, 0, 1, 1, 1]
    assert found.comparison.agrees.tolist() == [True, True, False, False, False]
    assert (found.comparison.score[2:] > 0.5).all()
    unseen = find_copies(Index(rows), Content(thumbnails), CopyCriteria(1, None))
    assert unseen.keeper.tolist() == [0, 1, 0, 0, 0]
    assert np.isnan(unseen.comparison.score[2:]).all()
    strict = find_copies(Index(rows), Content(thumbnails), CopyCriteria(1, 1.0))
    assert strict.keeper.tolist() == [0, 1, 2, 0, 1]


def test_lookalikes_go_to_the_first_keeper_that_agrees():
    a, b = POOL[2], POOL[11]
    rows = np.full(6, 7, np.uint64)
    found = find_copies(
        Index(rows), Content(np.array([a, b, b, a, POOL[3], POOL[20]])), CopyCriteria(0)
    )
    assert found.keeper.tolist() == [0, 1, 1, 0, 0, 5]
    assert found.comparison.agrees[[2, 3, 4]].all()
    assert found.comparison.score[[2, 3]].tolist() == [1, 1]


def test_turned_copies_are_turned_into_their_keepers_frame(photo):
    image = photo(180, 120, 9, channels=1)
    both = np.array([both_thumbnails(np.ascontiguousarray(t(image))) for t in naive.TURNS])
    pixels = np.ascontiguousarray(both[:, 0]).reshape(-1, 1024)
    found = find_copies(Index(hash_orientations(both)), Content(pixels), CopyCriteria(0))
    assert not found.keeper.any()
    assert found.comparison.agrees.all()
    for i, t in enumerate(found.comparison.orientation):
        turned = naive.TURNS[t](pixels[i].reshape(32, 32)).reshape(-1).astype(int)
        # the order of the passes is that of each image's own shape, and rounds by itself
        assert np.abs(turned - pixels[0]).max() <= 1
    upright = find_copies(Index(hash_thumbnails(both[:, 0])), Content(pixels), CopyCriteria(0))
    assert upright.keeper.tolist() == list(range(8))


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_many_flat_images_of_one_hash_are_not_compared_with_one_another(grouping):
    rows = np.full((50_000, 8), 7, np.uint64)
    noise = np.random.default_rng(0).integers(90, 92, (50_000, 1024), np.uint8)
    digests = np.random.default_rng(1).integers(0, 2**63, (50_000, 2)).astype(np.uint64)
    # two of them have the same bytes
    noise[9], digests[9] = noise[4], digests[4]
    content = Content(noise, digests=digests)
    found = find_keepers(Index(rows), content, CopyCriteria(4), grouping=grouping)
    assert np.flatnonzero(found != np.arange(50_000)).tolist() == [9]
    assert found[9] == 4


@pytest.mark.parametrize("grouping", GROUPINGS)
@pytest.mark.parametrize("radius", [0, 3])
def test_many_identical_images_are_one_group(radius, grouping):
    rows = np.full((20_000, 8), 7, np.uint64)
    thumbnails = np.repeat(POOL[3:4], 20_000, axis=0)
    found = find_copies(Index(rows), Content(thumbnails), CopyCriteria(radius), grouping=grouping)
    assert not found.keeper.any()
    assert found.comparison.agrees.all()
    assert not math.isnan(found.comparison.score.min())

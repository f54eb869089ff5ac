import math

import naive
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash.errors import UsageError
from fastphash.groups import group, stars
from fastphash.hashing import hash_orientations, hash_thumbnails
from fastphash.joins import Index
from fastphash.thumbnail import both_thumbnails

TOP = 2**64 - 1
EMPTY_ONE, EMPTY_EIGHT = np.empty((0, 1), np.uint64), np.empty((0, 8), np.uint64)
words = st.sampled_from([0, 1, 2, 3, 2**63, TOP]) | st.integers(0, TOP)
knowns = st.sets(st.integers(1, 7)).map(lambda some: (0, *sorted(some)))


def matrices(width):
    return hnp.arrays(np.uint64, st.tuples(st.integers(0, 20), st.just(width)), elements=words)


either = st.sampled_from([1, 8]).flatmap(matrices)


def pool():
    """Thumbnails of which some agree: three pictures turned, edited and saved again, two flats."""
    rng = np.random.default_rng(0)
    images = [np.full((32, 32), 90, np.uint8), np.full((32, 32), 93, np.uint8)]
    for _ in range(3):
        picture = np.kron(rng.integers(60, 190, (8, 8)), np.ones((4, 4)))
        for turn in (naive.TURNS[0], naive.TURNS[1], naive.TURNS[4]):
            for noise in (0, 3, 7):
                noisy = turn(picture) * rng.choice([1, 1.2]) + rng.normal(0, noise, (32, 32))
                images.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return np.array(images).reshape(-1, 1024)


POOL = pool()


def check(found, expected):
    assert [column.dtype for column in found] == [np.int64, np.bool_, np.uint8, np.float32]
    keeper, agrees, orientation, score = (list(c) for c in zip(*expected, strict=True))
    assert found.keeper.tolist() == keeper
    assert found.orientation.tolist() == orientation
    copies = [i for i, k in enumerate(keeper) if i != k]
    assert found.agrees[copies].tolist() == [agrees[i] for i in copies]
    assert found.score[copies] == pytest.approx([score[i] for i in copies], abs=1e-6, nan_ok=True)


# hashes alone


@given(either)
@example(EMPTY_ONE)
@example(EMPTY_EIGHT)
@example(np.full((9, 8), TOP, np.uint64))
def test_groups_are_those_of_the_twin(rows):
    keeper = [row[0] for row in naive.stars(rows)]
    numbers = {k: n for n, k in enumerate(sorted(set(keeper)))}
    found = group(rows)
    assert found.keeper.dtype == found.label.dtype == np.int64
    assert found.keeper.tolist() == keeper
    assert found.label.tolist() == [numbers[k] for k in keeper]


@given(either)
def test_nobody_is_a_copy_of_a_copy(rows):
    keeper = group(rows).keeper
    assert np.array_equal(keeper[keeper], keeper)
    assert (keeper <= np.arange(keeper.size)).all()


def test_chain_is_not_joined():
    # the second row turned is the first, the third turned is the second
    rows = np.arange(100, 124, dtype=np.uint64).reshape(3, 8)
    rows[1, 3] = rows[0, 0]
    rows[2, 3] = rows[1, 0]
    assert group(rows).keeper.tolist() == [0, 0, 2]


@given(matrices(8), knowns)
def test_only_known_orientations_make_copies(rows, known):
    check_stars(rows, None, known)


def check_stars(rows, thumbnails, known=None):
    expected = naive.stars(rows, thumbnails, known)
    found = stars(Index(rows, known), thumbnails)
    if expected:
        check(found, expected)
    else:
        assert [column.size for column in found] == [0] * 4


@given(either)
@example(np.array([[5], [5]], np.uint64))
def test_without_thumbnails_no_copy_agrees(rows):
    check_stars(rows, None)


@pytest.mark.parametrize("radius", [-1, 1, 65])
def test_radius_out_of_range_is_refused(radius):
    with pytest.raises(UsageError, match=str(radius)):
        group(np.zeros(3, np.uint64), radius)


def test_hashes_of_another_kind_are_refused():
    with pytest.raises(UsageError, match="int64"):
        group(np.zeros(3, np.int64))


def test_nothing_has_no_groups():
    assert [column.tolist() for column in group([])] == [[], []]


def test_million_identical_hashes_are_one_group():
    found = group(np.full(10**6, 7, np.uint64))
    assert not found.keeper.any()
    assert not found.label.any()
    found = group(np.full((10**6, 8), 7, np.uint64))
    assert not found.keeper.any()


def test_million_different_hashes_are_a_million_groups():
    found = group(np.random.default_rng(0).permutation(10**6).astype(np.uint64))
    assert np.array_equal(found.keeper, np.arange(10**6))
    assert np.array_equal(found.label, np.arange(10**6))


# hashes and thumbnails


@given(
    st.sampled_from([1, 8]),
    st.lists(st.tuples(st.integers(0, len(POOL) - 1), st.integers(0, 2)), max_size=25),
    st.integers(0, 2**32 - 1),
)
@example(8, [], 0)
@example(8, [(3, 0)], 0)
@example(1, [(3, 0)] * 9, 0)
def test_groups_of_images_are_those_of_the_twin(width, chosen, seed):
    # few hashes, so that many collide whose thumbnails disagree
    rows = np.random.default_rng(seed).integers(0, 4, (len(chosen), width)).astype(np.uint64)
    rows[:, 0] = [value for _, value in chosen]
    thumbnails = POOL[[image for image, _ in chosen]]
    check_stars(rows, thumbnails)


@given(st.lists(st.integers(0, len(POOL) - 1), max_size=25), knowns)
def test_groups_by_the_hashes_of_the_thumbnails_are_those_of_the_twin(chosen, known):
    thumbnails = POOL[chosen].reshape(-1, 32, 32)
    both = np.stack([thumbnails, thumbnails.swapaxes(1, 2)], axis=1)
    check_stars(hash_orientations(both), POOL[chosen], known)


def test_lookalikes_go_to_the_first_keeper_that_agrees():
    a, b = POOL[2], POOL[11]
    rows = np.full(6, 7, np.uint64)
    found = stars(Index(rows), np.array([a, b, b, a, POOL[3], POOL[20]]))
    assert found.keeper.tolist() == [0, 1, 1, 0, 0, 5]
    assert found.agrees[[2, 3, 4]].all()
    assert found.score[[2, 3]].tolist() == [1, 1]


def test_turned_copies_are_turned_into_their_keepers_frame(photo):
    image = photo(180, 120, 9, channels=1)
    both = np.array([both_thumbnails(np.ascontiguousarray(t(image))) for t in naive.TURNS])
    pixels = np.ascontiguousarray(both[:, 0]).reshape(-1, 1024)
    found = stars(Index(hash_orientations(both)), pixels)
    assert not found.keeper.any()
    assert found.agrees.all()
    for i, t in enumerate(found.orientation):
        turned = naive.TURNS[t](pixels[i].reshape(32, 32)).reshape(-1).astype(int)
        # the order of the passes is that of each image's own shape, and rounds by itself
        assert np.abs(turned - pixels[0]).max() <= 1
    upright = stars(Index(hash_thumbnails(both[:, 0])), pixels)
    assert upright.keeper.tolist() == list(range(8))


def test_many_identical_images_are_one_group():
    rows = np.full((20_000, 8), 7, np.uint64)
    found = stars(Index(rows), np.repeat(POOL[3:4], 20_000, axis=0))
    assert not found.keeper.any()
    assert found.agrees.all()
    assert not math.isnan(found.score.min())

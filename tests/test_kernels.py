import naive
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash.images import array_grey
from fastphash.joins import collapse, join, self_join
from fastphash.kernels import agree, collide, grey, resize
from fastphash.thumbnail import turned_indices
from fastphash.words import INVERSE

TOP = 2**64 - 1
EMPTY = np.empty(0, np.uint64)
seeds = st.integers(0, 2**32 - 1)
# few enough values for many to be equal, all of uint64 besides
words = st.sampled_from([0, 1, 2**63, TOP]) | st.integers(0, TOP)
columns = hnp.arrays(np.uint64, st.integers(0, 30), elements=words)


def hash_rows(rows, width):
    return hnp.arrays(np.uint64, st.tuples(rows, st.just(width)), elements=words)


# grey


@given(hnp.arrays(np.uint8, st.tuples(st.integers(0, 40), st.just(3))))
@example(np.zeros((0, 3), np.uint8))
@example(np.full((5, 3), 255, np.uint8))
def test_grey_is_its_twin(rgb):
    out = np.empty(len(rgb), np.uint8)
    grey.rgb_to_grey(rgb.reshape(-1), out)
    assert np.array_equal(out, naive.grey(rgb))


def test_grey_is_right_for_every_level_of_every_channel():
    levels = np.arange(256, dtype=np.uint8)
    for other in (0, 255):
        for channel in range(3):
            rgb = np.full((1, 256, 3), other, np.uint8)
            rgb[..., channel] = levels
            assert np.array_equal(array_grey(rgb), naive.grey(rgb))


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::-1, ::3],
        np.asfortranarray,
        lambda a: a.swapaxes(0, 1),
        lambda a: np.broadcast_to(a[:1], a.shape),
    ],
    ids=["strided", "fortran", "transposed", "read-only"],
)
def test_grey_of_any_layout(view, photo):
    rgb = view(photo(40, 50))
    assert np.array_equal(array_grey(rgb), naive.grey(rgb))


# resize


@given(st.integers(1, 2000), st.data())
@example(1, None)
@example(31, None)
@example(32, None)
@example(33, None)
def test_taps_are_their_twins(size, data):
    extent = float(size)
    if data is not None:
        extent = data.draw(st.floats(max(size - 1, 0.5), size))
    width = max(len(weights) for _, weights in naive.taps(size, extent))
    start, count = np.empty(32, np.int32), np.empty(32, np.int32)
    weight = np.zeros((32, width), np.int32)
    resize.lanczos_taps(size, extent, start, count, weight)
    for i, (low, weights) in enumerate(naive.taps(size, extent)):
        assert start[i] == low
        assert weight[i, : count[i]].tolist() == weights


@pytest.mark.parametrize("size", [1, 2, 31, 32, 33, 300, 4001])
def test_weights_sum_to_one(size):
    width = max(len(weights) for _, weights in naive.taps(size, size))
    start, count = np.empty(32, np.int32), np.empty(32, np.int32)
    weight = np.zeros((32, width), np.int32)
    resize.lanczos_taps(size, size, start, count, weight)
    assert np.abs(weight.sum(axis=1) - 2**22).max() <= width


@given(st.integers(1, 70), st.integers(1, 70), seeds, st.booleans())
@example(1, 1, 0, False)
@example(32, 1, 0, True)
def test_shrinking_columns_is_its_twin(height, width, seed, harsh):
    rng = np.random.default_rng(seed)
    # black and white overshoot, which must be clipped
    image = rng.integers(0, 2, (height, width), np.uint8) * 255 if harsh else None
    image = rng.integers(0, 256, (height, width), np.uint8) if image is None else image
    pairs = naive.taps(height, height)
    start = np.array([low for low, _ in pairs], np.int32)
    count = np.array([len(weights) for _, weights in pairs], np.int32)
    weight = np.zeros((32, count.max()), np.int32)
    for i, (_, weights) in enumerate(pairs):
        weight[i, : len(weights)] = weights
    out = np.empty((32, width), np.uint8)
    resize.shrink_columns(image, start, count, weight, np.empty(width, np.int32), out)
    assert np.array_equal(out, naive.shrink(image, height))


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_transpose_is_numpys(image):
    image.flags.writeable = False
    out = np.empty(image.shape[::-1], np.uint8)
    resize.transpose(image, out)
    assert np.array_equal(out, image.T)


# equal values


@given(columns, columns)
@example(EMPTY, EMPTY)
@example(np.array([7], np.uint64), EMPTY)
@example(np.full(9, TOP, np.uint64), np.full(8, TOP, np.uint64))
def test_equal_values_are_counted_and_listed(left, right):
    left_rows, right_rows = np.argsort(left), np.argsort(right)
    expected = naive.equal_pairs(left, right)
    sorted_left, sorted_right = left[left_rows], right[right_rows]
    low, high = np.full((2, left.size), -1)
    collide.equal_runs(sorted_left, sorted_right, low, high)
    runs = [sorted_right[i:j].tolist() for i, j in zip(low, high, strict=True)]
    assert runs == [[value] * np.count_nonzero(right == value) for value in sorted_left.tolist()]

    total = int((high - low).sum())
    a, b = np.full((2, total + 1), -1)
    collide.expand_runs(left_rows, low, high, right_rows, a[:-1], b[:-1])
    assert sorted(zip(a[:-1].tolist(), b[:-1].tolist(), strict=True)) == expected
    assert (a[-1], b[-1]) == (-1, -1)


@given(hash_rows(st.integers(0, 20), 8), columns.map(lambda a: a[:, None]))
def test_equal_rows_collapse_to_their_first(eight, one):
    for rows in (eight, one):
        first, of_row = collapse(rows)
        assert (first.tolist(), of_row.tolist()) == naive.collapse(rows)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=20))
@example([])
@example([(1, 1)])
@example([(2, 2)] * 5)
def test_rows_of_two_matrices_collapse_together(pairs):
    hashes = np.array([a for a, _ in pairs], np.uint64)[:, None]
    pixels = np.repeat(np.array([b for _, b in pairs], np.uint8), 1024).reshape(-1, 1024)
    first, of_row = collapse(hashes, pixels)
    both = np.array(pairs, np.uint64).reshape(-1, 2)
    assert (first.tolist(), of_row.tolist()) == naive.collapse(both)


def test_different_rows_with_equal_keys_stay_apart(monkeypatch):
    monkeypatch.setattr(collide, "mix_rows", lambda words, key: None)
    rows = np.array([[5, 1], [5, 2], [5, 1], [0, 0]], np.uint64)
    first, of_row = collapse(rows)
    assert (first.tolist(), of_row.tolist()) == naive.collapse(rows)


@given(hash_rows(st.integers(0, 10), 2), seeds)
def test_first_unequal_row_is_found(rows, seed):
    like = np.random.default_rng(seed).integers(0, max(len(rows), 1), len(rows))
    unequal = (i for i, row in enumerate(rows) if (row != rows[like[i]]).any())
    assert collide.first_unequal(rows, like) == next(unequal, -1)


def test_mixing_is_by_row_and_keeps_what_was_stirred_in_before():
    rows = np.array([[1, 2], [2, 1], [1, 2], [0, 0]], np.uint64)
    key = np.array([0, 0, 0, 0], np.uint64)
    collide.mix_rows(rows, key)
    assert key[0] == key[2]
    assert len(set(key.tolist())) == 3
    other = np.array([0, 0, 1, 0], np.uint64)
    collide.mix_rows(rows, other)
    assert other[0] == key[0]
    assert other[2] != key[2]


# thumbnails


def related(seed):
    """Two thumbnails that may be the same picture: turned, saved again, edited, or neither."""
    rng = np.random.default_rng(seed)
    grain = int(rng.choice([1, 2, 8, 32]))
    contrast = rng.choice([0, 0.5, 3, 40, 120])
    cells = rng.normal(0, contrast, (32 // grain, 32 // grain))
    a = np.kron(cells, np.ones((grain, grain))) + rng.uniform(0, 255)
    if rng.random() < 0.2:
        a[:] = 255
        a[3:5, 3:6] = rng.integers(0, 256, (2, 3))
    b = naive.TURNS[rng.integers(0, 8)](a)
    b = b * rng.choice([1, 1, 0.7, 1.3]) + rng.choice([0, 0, 1, 5, 30])
    b = b + rng.normal(0, rng.choice([0, 0, 1, 3, 6, 20]), a.shape)
    return [np.clip(image, 0, 255).round().astype(np.uint8).reshape(-1) for image in (a, b)]


@given(st.lists(st.tuples(seeds, st.integers(1, 255)), max_size=8))
@example([])
@example([(0, 255)])
def test_judging_is_its_twin(cases):
    pairs = [related(seed) for seed, _ in cases]
    left = np.array([a for a, _ in pairs], np.uint8).reshape(-1, 1024)
    right = np.array([b for _, b in reversed(pairs)], np.uint8).reshape(-1, 1024)
    bits = np.array([bits for _, bits in cases], np.uint8)
    rows = np.arange(len(cases))
    agrees, orientation = np.empty(len(cases), bool), np.empty(len(cases), np.uint8)
    score = np.empty(len(cases), np.float32)
    agree.judge_pairs(
        left, rows, right, rows[::-1].copy(), bits, turned_indices(), agrees, orientation, score
    )
    for i, (a, b) in enumerate(pairs):
        expected = naive.judge(a, b, bits[i])
        assert (agrees[i], orientation[i]) == expected[:2]
        assert score[i] == pytest.approx(expected[2], abs=1e-6)


def test_pairs_of_every_verdict_are_among_those_judged():
    verdicts = [naive.judge(*related(seed), 255) for seed in range(300)]
    agreeing = {t for agrees, t, _ in verdicts if agrees}
    assert agreeing == set(range(8))
    assert sum(not agrees for agrees, _, _ in verdicts) > 50


@given(
    st.integers(0, 12).flatmap(
        lambda n: st.tuples(
            hnp.arrays(np.int32, (n, 8), elements=st.integers(-1, 3)),
            st.lists(st.integers(0, 5), min_size=n, max_size=n),
        )
    ),
    st.booleans(),
)
def test_star_groups_are_their_twin(case, compare):
    rank, choice = case
    rank[:, 0] = np.maximum(rank[:, 0], 0)
    # a place stands for a hash; what is no identity hash can't be equal to one
    assume(all(place in rank[:, 0] for place in rank.flat if place >= 0))
    hashes = rank.astype(np.int64)
    pool = np.array([image for seed in (1, 2, 3) for image in related(seed)], np.uint8)
    thumbnails = pool[choice] if compare else np.empty((0, 1024), np.uint8)
    n = len(rank)
    keeper, agrees = np.empty(n, np.int64), np.empty(n, bool)
    orientation, score = np.empty(n, np.uint8), np.empty(n, np.float32)
    agree.star_groups(
        rank,
        thumbnails,
        turned_indices(),
        np.array(INVERSE, np.uint8),
        keeper,
        agrees,
        orientation,
        score,
    )
    expected = naive.stars(hashes, thumbnails if compare else None, range(8))
    assert keeper.tolist() == [row[0] for row in expected]
    assert orientation.tolist() == [row[2] for row in expected]
    copies = keeper != np.arange(n)
    assert agrees[copies].tolist() == [row[1] for row in np.array(expected, object)[copies]]


@pytest.mark.parametrize("order", [">u8", "<u8"])
def test_hashes_of_any_byte_order_and_layout_join_alike(order):
    plain = np.array([[(t + 1) * i for t in range(8)] for i in (1, 2, 3, TOP // 8)], np.uint64)
    other = np.repeat(plain, 2, axis=0).astype(order)[::2]
    other.flags.writeable = False
    expected = self_join(plain)
    for a, b in zip(self_join(other), expected, strict=True):
        assert np.array_equal(a, b)
    assert join(other[:, 0], plain[:, 0]).right.tolist() == [0, 1, 2, 3]

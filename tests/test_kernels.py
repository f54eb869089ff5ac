from itertools import combinations, pairwise

import naive
import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash.hashes import Content
from fastphash.images import array_grey
from fastphash.joins import Index, Matches, collapse, count_distances, join, relation, self_join
from fastphash.kernels import agree, chroma, collide, grey, partition, relate, resize, vector
from fastphash.likeness import similarity
from fastphash.near import permuted, sort_values
from fastphash.plans import Plan, order_table
from fastphash.thumbnail import turned_indices
from fastphash.verify import judge
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


# chroma


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 50), seeds)
@example(1, 1, 50, 0)
@example(8, 8, 3, 0)
@example(7, 9, 1, 0)
def test_chroma_is_its_twin_however_it_is_cut_into_strips(height, width, step, seed):
    levels = np.array([0, 9, 200, 255], np.uint8)
    rgb = np.random.default_rng(seed).choice(levels, (height, width, 3))
    totals = np.zeros((8, 8, 3), np.int64)
    columns = np.full((8, 3 * width), 7, np.uint32)
    for top in range(0, height, step):
        strip = rgb[top : top + step].reshape(-1, 3 * width)
        chroma.add_strip(strip, top, height, columns, totals)
    out = np.empty((2, 8, 8), np.int8)
    chroma.totals_to_chroma(totals, height * width, out)
    assert np.array_equal(out, naive.chroma(rgb))


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


# vectors


@numba.njit
def popcount(word):
    return vector.popcount(word)


@numba.njit
def near(array, start, word, radius):
    return vector.near(array, start, word, radius)


@numba.njit
def near_some(array, start, word, radius):
    return vector.near_some(array, start, word, radius)


@given(words)
@example(0)
@example(TOP)
def test_popcount_counts_bits(word):
    assert popcount(np.uint64(word)) == word.bit_count()


@given(seeds, st.integers(0, 8), st.integers(0, 64))
@example(6, 3, 0)
@example(6, 3, 63)
@example(6, 3, 64)
def test_windows_show_what_is_near(seed, start, radius):
    array = naive.crowd(seed, 40)[:, 0]
    words = array.tolist()
    for word in words[:5]:
        arguments = np.int64(start), np.uint64(word), np.int64(radius)
        assert near(array, *arguments) == naive.near(words, start, word, radius)
        assert near_some(array, *arguments) == naive.near_some(words, start, word, radius)


@numba.njit
def unlike(array, start, word):
    return vector.unlike(array, start, word)


@given(hnp.arrays(np.uint32, 20, elements=st.integers(0, 5)), st.integers(0, 12))
@example(np.full(20, 2**32 - 1, np.uint32), 12)
def test_windows_show_which_labels_are_unlike(array, start):
    found = unlike(array, np.int64(start), array[0])
    assert found == naive.unlike(array.tolist(), start, int(array[0]))


# partitions

crowded = columns | st.builds(lambda seed, n: naive.crowd(seed, n)[:, 0], seeds, st.integers(0, 90))
shifts = st.integers(52, 63)
NARROW = np.arange(300, dtype=np.uint64) // 2


@given(columns, st.permutations(range(64)))
@example(np.array([0, TOP], np.uint64), range(64))
def test_permuting_moves_every_bit(values, order):
    values.flags.writeable = False
    out = np.empty_like(values)
    partition.permute(values, order_table(tuple(order)), out)
    assert out.tolist() == [naive.permute(value, order) for value in values.tolist()]
    plan = Plan(0, (64,), 1, 1, tuple(order), 0, 0)
    assert np.array_equal(permuted(values, plan), out)


@given(crowded, st.sampled_from([1, 2]), seeds)
@example(EMPTY, 1, 0)
@example(np.array([7], np.uint64), 2, 0)
@example(np.full(100, TOP, np.uint64), 1, 0)
@example(NARROW, 1, 0)
@example(NARROW << np.uint64(50), 2, 0)
def test_values_are_sorted_with_their_rows(values, threads, seed):
    rows = np.random.default_rng(seed).integers(0, 50, values.size).astype(np.uint32)
    values.flags.writeable = False
    found = sort_values(values, rows, threads)
    expected = naive.sort_values(values.tolist(), rows.tolist())
    assert found.values.tolist() == [value for value, _ in expected]
    bounds = found.starts.tolist()
    runs = [found.rows[i:j].tolist() for i, j in pairwise(bounds)]
    assert runs == [run for _, run in expected]
    assert (bounds[0], bounds[-1]) == (0, values.size)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("bits", [0, 3, 20, 64])
def test_many_values_are_sorted_as_by_numpy(bits, threads):
    values = np.random.default_rng(bits).integers(0, TOP, 300_000, np.uint64)
    values &= np.uint64(TOP >> (64 - bits))
    # half of them in one segment
    values[::2] &= np.uint64(2**40 - 1)
    found = sort_values(values, np.arange(values.size, dtype=np.uint32), threads)
    assert np.array_equal(found.rows, np.argsort(values, kind="stable"))
    different, counts = np.unique(values, return_counts=True)
    assert np.array_equal(found.values, different)
    assert np.array_equal(np.diff(found.starts), counts)


@given(crowded)
@example(EMPTY)
@example(np.full(9, TOP, np.uint64))
def test_sorted_values_collapse_to_the_different_ones(values):
    values = np.sort(values)
    kept = values.copy()
    starts = np.empty(values.size + 1, np.uint32)
    found = partition.collapse_sorted(kept, starts)
    expected = naive.sort_values(values.tolist(), range(values.size))
    assert kept[:found].tolist() == [value for value, _ in expected]
    assert starts[:found].tolist() == [run[0] for _, run in expected]
    assert starts[found] == values.size


@given(crowded, crowded, shifts)
@example(EMPTY, np.array([0, TOP], np.uint64), 63)
@example(np.full(9, TOP, np.uint64), np.full(1, TOP, np.uint64), 56)
def test_places_among_sorted_values_are_found(values, wanted, shift):
    values = np.unique(values)
    values.flags.writeable = wanted.flags.writeable = False
    bounds = np.empty((1 << (64 - shift)) + 1, np.int64)
    partition.find_bounds(values, shift, bounds)
    listed = values.tolist()
    if shift > 56:
        assert bounds.tolist() == naive.find_bounds(listed, shift)
    out = np.empty(wanted.size, np.int64)
    partition.find_places(values, bounds, shift, wanted, out)
    assert out.tolist() == naive.find_places(listed, wanted.tolist())


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=6),
    seeds,
    st.integers(0, 60),
    st.integers(1, 4),
    st.integers(0, 5),
    st.booleans(),
)
@example([0], 0, 60, 4, 0, True)
@example([0, 0, 5], 6, 0, 1, 3, False)
def test_segments_are_split_by_a_digit(sizes, seed, shift, bits, first, labelled):
    bounds = np.concatenate(([0], np.cumsum(sizes))) + first
    values = naive.crowd(seed, sum(sizes))[:, 0]
    values.flags.writeable = False
    labels = np.arange(values.size if labelled else 0, dtype=np.uint32)
    out, out_labels = np.empty_like(values), np.empty_like(labels)
    digits = 1 << bits
    out_bounds = np.full(len(sizes) * digits + 1, -1)
    place = np.empty(digits, np.int64)
    partition.split_segments(
        values, labels, bounds, shift, digits, place, out, out_labels, out_bounds
    )
    segments = [values[i:j].tolist() for i, j in pairwise((bounds - first).tolist())]
    expected = naive.split_segments(segments, shift, digits)
    parts = [out[i:j].tolist() for i, j in pairwise((out_bounds - first).tolist())]
    assert parts == expected
    assert (out_bounds[0], out_bounds[-1]) == (bounds[0], bounds[-1])
    if labelled:
        assert np.array_equal(values[out_labels], out)


# relations


@given(
    st.sampled_from([1, 8]),
    st.sampled_from([1, 8]),
    seeds,
    st.sets(st.integers(1, 7)),
    st.sets(st.integers(1, 7)),
)
@example(8, 8, 6, set(range(1, 8)), set(range(1, 8)))
def test_pairs_relate_as_their_twins_do(left_width, right_width, seed, left_known, right_known):
    rows = naive.crowd(seed, 20, 8)
    left = Index(rows[:9, :left_width], (0, *sorted(left_known))[: left_width or None])
    right = Index(rows[9:, :right_width], (0, *sorted(right_known))[: right_width or None])
    i, j = (a.reshape(-1).copy() for a in np.indices((len(left), len(right))))
    expected = naive.relation(left.hashes, right.hashes, left.known, right.known)
    for found, twin in zip(relation(left, i, right, j), expected, strict=True):
        assert np.array_equal(found, twin.reshape(-1))


@pytest.mark.parametrize("threads", [1, 2])
@given(hash_rows(st.integers(0, 20), 8), st.sets(st.integers(1, 7)))
@example(np.zeros((3, 8), np.uint64), set())
@example(np.empty((0, 8), np.uint64), {1})
def test_distances_are_counted_as_their_twin_does(threads, hashes, known):
    rows = Index(hashes, (0, *sorted(known)))
    assert np.array_equal(count_distances(rows, threads), naive.distance_counts(hashes, rows.known))


members = st.lists(st.integers(0, 4), min_size=1, max_size=8)


@given(members, members, seeds)
@example([0], [0], 0)
@example([3], [1], 0)
def test_pairs_of_classes_stand_for_pairs_of_members(left, right, seed):
    rng = np.random.default_rng(seed)
    starts = [np.concatenate(([0], np.cumsum(s))).astype(np.uint32) for s in (left, right)]
    rows = [rng.permutation(50)[: sum(s)].astype(np.uint32) for s in (left, right)]
    pairs = [rng.integers(0, len(s), 6) for s in (left, right)]
    expected = [
        (a, b, p)
        for p, (i, j) in enumerate(zip(*pairs, strict=True))
        for a in rows[0][starts[0][i] : starts[0][i + 1]]
        for b in rows[1][starts[1][j] : starts[1][j + 1]]
    ]
    size = relate.count_expanded(pairs[0], starts[0], pairs[1], starts[1])
    assert size == len(expected)
    out = [np.empty(size, np.int64) for _ in range(3)]
    relate.expand(pairs[0], starts[0], rows[0], pairs[1], starts[1], rows[1], *out)
    assert list(zip(*out, strict=True)) == expected

    inside = [
        (a, b, c)
        for c, (i, j) in enumerate(pairwise(starts[0]))
        for a, b in combinations(rows[0][i:j], 2)
    ]
    assert relate.count_inside(starts[0]) == len(inside)
    out = [np.empty(len(inside), np.int64) for _ in range(3)]
    relate.expand_inside(starts[0], rows[0], *out)
    assert list(zip(*out, strict=True)) == inside


links = st.integers(1, 20).flatmap(
    lambda n: st.tuples(
        st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=30)
    )
)


@given(links, seeds)
@example((1, set()), 0)
@example((9, {(i, i + 1) for i in range(8)}), 0)
def test_united_rows_share_their_first(case, seed):
    size, pairs = case
    drawn = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    left, right = np.random.default_rng(seed).permutation(drawn).T.copy()
    root = np.arange(size)
    relate.unite(left, right, root)
    assert (root <= np.arange(size)).all()
    roots = np.empty(size, np.uint32)
    relate.find_roots(root, roots)
    expected = naive.components(size, pairs | {(j, i) for i, j in pairs})
    assert root.tolist() == roots.tolist() == expected


@given(links)
@example((9, {(i, i + 1) for i in range(8)}))
def test_stars_of_pairs_are_those_of_the_twin(case):
    size, pairs = case
    pairs = sorted((i, j) for i, j in pairs if i < j)
    left, right = np.array(pairs, np.int64).reshape(-1, 2).T.copy()
    keeper = np.arange(size)
    relate.stars_of_pairs(left, right, keeper)
    assert keeper.tolist() == naive.stars(size, {(j, i) for i, j in pairs})


# equal rows


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
    elif rng.random() < 0.4:
        # another thing of the same outline on the same ground
        shown = a[4:20, 6:20].copy()
        a[:] = rng.choice([0, 255])
        b = a.copy()
        a[4:20, 6:20] = shown
        b[4:20, 6:20] = (shown, shown[::-1], shown.mean())[rng.integers(0, 3)]
        return [np.clip(image, 0, 255).round().astype(np.uint8).reshape(-1) for image in (a, b)]
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


@given(seeds, st.integers(0, 7), st.sampled_from([0, 1, 5, 20, 60]))
@example(36005, 0, 60)
def test_colours_are_compared_as_their_twin_does(seed, t, strength):
    rng = np.random.default_rng(seed)
    a, other = np.clip(rng.normal(0, strength, (2, 128)), -127, 127)
    turned = np.stack([naive.TURNS[t](plane) for plane in a.reshape(2, 8, 8)]).reshape(-1)
    b = rng.choice([0, 0.3, 0.69, 1, 1.5]) * turned + rng.choice([0, 0.2, 1]) * other
    b += np.repeat(rng.choice([-30, -8, 0, 8, 16], 2), 64)
    planes = np.array([a, np.clip(b, -127, 127)]).round().astype(np.int8)
    one, two = np.zeros(1, np.int64), np.ones(1, np.int64)
    match = Matches(one, two, np.array([9], np.uint8), np.array([1 << t], np.uint8))
    content = Content(np.zeros((2, 1024), np.uint8), planes)
    verdicts = judge(match, content, content, near=False)
    colour, distance = naive.colours(*planes, t)
    assert verdicts.colour_distance[0] == pytest.approx(distance, abs=1e-3)
    assert verdicts.colour[0] == colour
    back = Matches(two, one, match.distance, np.array([1 << INVERSE[t]], np.uint8))
    assert judge(back, content, content).colour[0] == colour


def moved(seed):
    """A picture and it moved, enlarged, turned, covered in a corner or framed: thumbnails."""
    rng = np.random.default_rng(seed)
    wide = naive.blurred(rng.normal(0, 1, (32, 32)), rng.choice([0.5, 1, 2]))
    wide = np.kron(wide / wide.std(), np.ones((2, 2))) * rng.choice([1, 10, 50]) + 120
    y, x = rng.integers(0, 9, 2)
    a, b = wide[4:36, 4:36], wide[y : y + 32, x : x + 32]
    if rng.random() < 0.3:
        b = naive.enlarged(a, rng.choice([1.04, 1.1, 1.2]))
    if rng.random() < 0.3:
        side = rng.integers(2, 12)
        a, b = a.copy(), b.copy()
        for plane in (a, b):
            plane[:side] = plane[:, :side] = 250
    if rng.random() < 0.3:
        b = b.copy()
        for turn in range(4):
            np.rot90(b, turn)[: rng.integers(0, 12)] = rng.choice([0, 120])
    b = naive.TURNS[rng.integers(0, 8)](b)
    b = b * rng.choice([1, 0.5]) + rng.normal(0, rng.choice([0, 2]), b.shape)
    return [np.clip(plane, 0, 255).round().astype(np.uint8).reshape(-1) for plane in (a, b)]


@settings(max_examples=25)
@given(st.lists(st.tuples(seeds, st.integers(1, 255), st.booleans()), max_size=4))
@example([])
@example([(0, 255, True)])
def test_similarity_is_its_twin(cases):
    pairs = [(moved if is_moved else related)(seed) for seed, _, is_moved in cases]
    left = np.array([a for a, _ in pairs], np.uint8).reshape(-1, 1024)
    right = np.array([b for _, b in reversed(pairs)], np.uint8).reshape(-1, 1024)
    bits = np.array([bits for _, bits, _ in cases], np.uint8)
    rows = np.arange(len(cases))
    score = similarity(left, rows, right, rows[::-1].copy(), bits).score
    assert score.dtype == np.float32
    for i, (a, b) in enumerate(pairs):
        # details are rounded to whole numbers, from float32 here and from float64 there
        assert score[i] == pytest.approx(naive.similarity(a, b, bits[i])[1], abs=5e-3)


def test_pictures_with_and_without_a_ground_are_among_those_compared():
    grounds = [naive.subject(moved(seed)[0].reshape(32, 32)).min() == 0 for seed in range(60)]
    assert 5 < sum(grounds) < 55


@pytest.mark.parametrize("order", [">u8", "<u8"])
def test_hashes_of_any_byte_order_and_layout_join_alike(order):
    plain = np.array([[(t + 1) * i for t in range(8)] for i in (1, 2, 3, TOP // 8)], np.uint64)
    other = np.repeat(plain, 2, axis=0).astype(order)[::2]
    other.flags.writeable = False
    for radius in (0, 2, 64):
        for a, b in zip(self_join(other, radius), self_join(plain, radius), strict=True):
            assert np.array_equal(a, b)
    assert join(other[:, 0], plain[:, 0]).right.tolist() == [0, 1, 2, 3]

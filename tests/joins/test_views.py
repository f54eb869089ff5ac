"""Joins of views: every pair of a window and a frame, and of images once."""

from itertools import product
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastphash.base.vocabulary import INVERSE
from fastphash.hashing.views import ViewHashes
from fastphash.hashing.window_hashes import OwnWindows
from fastphash.hashing.windows import FRAME, MIDDLE, TURNS, Window
from fastphash.joins import view_sets
from fastphash.joins.index import Index
from fastphash.joins.options import JoinOptions
from fastphash.joins.view_sets import find_batches_of_sets
from fastphash.joins.views import ViewedRows, choose_view_radius, find_view_matches
from tests.support import naive
from tests.support.hash_strategies import seeds

WINDOWS = (
    Window(0.125, 0.125, 0.875, 0.875),
    Window(0.0, 0.0, 0.75, 1.0),
    Window(0.0, 0.0, 0.8125, 0.8125),
)
ROWS = st.integers(0, 12)


def viewed_rows(seed, size):
    """Rows whose hashes are all near one another or not; every third one has bars."""
    words = naive.crowd(seed, size * 4, 8).reshape(size, 4, 8)
    # no two rows are equal in all hashes
    words[:, 0, 7] = np.random.default_rng(seed).integers(0, 2**63, size)
    trimmed = np.arange(0, size, 3)
    windows = np.tile([0.0, 0.25, 1.0, 0.75], (trimmed.size, 1))
    views = ViewHashes(
        WINDOWS,
        words[:, 3, 2:4].copy(),
        words[:, 3, 4:5].copy(),
        words[:, 1].copy(),
        trimmed,
        windows,
        words[trimmed, 2].copy(),
        words[:, 3, :2].copy(),
        OwnWindows(trimmed, windows / 2, words[trimmed, 3, 6].copy()),
    )
    return ViewedRows(Index(words[:, 0].copy()), views)


def targets(rows, i):
    """What views of a kind are compared with: (kind, window, hashes)."""
    yield "frame", FRAME, rows.frames.hashes[i, :, 0]
    yield "middle", MIDDLE, rows.views.middles[i]
    for k in np.flatnonzero(rows.views.trimmed_rows == i):
        yield "trimmed", tuple(rows.views.trimmed_windows[k]), rows.views.trimmed[k]


def sources(rows, i):
    """Views of a row: (what they are compared with, window, degrees, hashes)."""
    views = rows.views
    for window, own in zip(WINDOWS[:2], views.like_frames[i], strict=True):
        for kind in ("frame", "trimmed"):
            yield kind, window, 0, own
    yield "middle", WINDOWS[2], 0, views.like_middles[i, 0]
    for degrees, own in zip(TURNS, views.turned[i], strict=True):
        for kind in ("frame", "middle", "trimmed"):
            yield kind, MIDDLE, degrees, own
    for k in np.flatnonzero(views.trimmed_rows == i):
        window = tuple(views.trimmed_windows[k])
        yield "frame", window, 0, views.trimmed[k, 0]
    for k in np.flatnonzero(views.inside.rows == i):
        yield "frame", tuple(views.inside.windows[k]), 0, views.inside.hashes[k]


def twin_candidates(left, i, right, j, radius):
    """(viewed, window, other window, degrees, distance, mask) of two rows, as in `ViewMatches`."""
    found = []
    for viewed, (a, i_or_j, b, other) in enumerate([(left, i, right, j), (right, j, left, i)]):
        for (kind, window, degrees, own), (target, other_window, hashes) in product(
            sources(a, i_or_j), targets(b, other)
        ):
            if kind != target:
                continue
            apart = [int(own ^ one).bit_count() for one in hashes]
            if min(apart) > radius:
                continue
            # hashes[t] is of the other one turned by t
            turns = [t if viewed else INVERSE[t] for t in range(8) if apart[t] == min(apart)]
            mask = sum(1 << t for t in turns)
            found.append((viewed, window, other_window, degrees, min(apart), mask))
    return found


def both_trimmed(left, i, right, j, radius):
    a, b = left.views, right.views
    for k, m in product(np.flatnonzero(a.trimmed_rows == i), np.flatnonzero(b.trimmed_rows == j)):
        ways, bits = naive.relation(a.trimmed[k : k + 1], b.trimmed[m : m + 1], range(8), range(8))
        if ways[0, 0] <= radius:
            windows = tuple(a.trimmed_windows[k]), tuple(b.trimmed_windows[m])
            yield (0, *windows, 0, int(ways[0, 0]), int(bits[0, 0]))


def listed(matches):
    columns = matches[2:]
    found = {}
    for pair, viewed, window, other, degrees, distance, mask in zip(
        zip(matches.left.tolist(), matches.right.tolist(), strict=True),
        *(column.tolist() for column in columns),
        strict=True,
    ):
        candidate = viewed, tuple(window), tuple(other), degrees, distance, mask
        found.setdefault(pair, []).append(candidate)
    return found


def rounded(candidates):
    return sorted(
        (v, tuple(np.float32(w).tolist()), tuple(np.float32(o).tolist()), t, d, m)
        for v, w, o, t, d, m in candidates
    )


@settings(max_examples=12)
@given(seeds, ROWS, ROWS, st.integers(0, 12))
def test_candidates_of_two_tables_are_all_there(seed, left_size, right_size, radius):
    left, right = viewed_rows(seed, left_size), viewed_rows(seed + 1, right_size)
    found = listed(find_view_matches(left, right, radius, kept=99))
    for i, j in product(range(left_size), range(right_size)):
        expected = twin_candidates(left, i, right, j, radius)
        expected += both_trimmed(left, i, right, j, radius)
        assert rounded(found.get((i, j), [])) == rounded(expected)


@settings(max_examples=12)
@given(seeds, ROWS, ROWS, st.integers(0, 12))
def test_two_searches_of_different_windows_find_all(seed, left_size, right_size, radius):
    left, right = viewed_rows(seed, left_size), viewed_rows(seed + 1, right_size)

    def some(rows):
        views = rows.views
        few = views._replace(
            windows=WINDOWS[:1],
            like_frames=views.like_frames[:, :1],
            like_middles=views.like_middles[:, :0],
            middles=views.middles[:0],
            turned=views.turned[:, :0],
        )
        others = views._replace(windows=WINDOWS[1:], like_frames=views.like_frames[:, 1:].copy())
        return rows._replace(views=few), rows._replace(views=others, own=False)

    for other in (right, None):
        found = listed(find_view_matches(left, other, radius, kept=99))
        others = some(right) if other else (None, None)
        parts = [
            listed(find_view_matches(own, theirs, radius, kept=99))
            for own, theirs in zip(some(left), others, strict=True)
        ]
        assert found.keys() == parts[0].keys() | parts[1].keys()
        for pair, candidates in found.items():
            both = [*parts[0].get(pair, []), *parts[1].get(pair, [])]
            assert rounded(both) == rounded(candidates)


@settings(max_examples=12)
@given(seeds, ROWS, st.integers(0, 12), st.integers(1, 3))
def test_candidates_within_a_table_are_the_nearest(seed, size, radius, kept):
    rows = viewed_rows(seed, size)
    matches = find_view_matches(rows, None, radius, kept=kept)
    order = np.lexsort((matches.distance, matches.right, matches.left))
    np.testing.assert_array_equal(order, np.arange(order.size))
    found = listed(matches)
    for i, j in product(range(size), repeat=2):
        expected = []
        if i < j:
            expected = twin_candidates(rows, i, rows, j, radius)
            expected += both_trimmed(rows, i, rows, j, radius)
        candidates = found.get((i, j), [])
        distances = sorted(candidate[4] for candidate in expected)
        assert [candidate[4] for candidate in candidates] == distances[:kept]
        assert set(rounded(candidates)) <= set(rounded(expected))


def repeated(rows, times):
    return rows.take(np.arange(len(rows.frames)).repeat(times))


def test_equal_images_are_searched_once():
    # two pictures of which one shows a window of the other, each 10,000 times
    one = viewed_rows(0, 2)
    one.views.like_frames[0, 0] = one.frames.hashes[1, 0, 0]
    one = one._replace(
        views=one.views._replace(
            trimmed_rows=np.empty(0, np.int64),
            trimmed_windows=np.empty((0, 4)),
            trimmed=np.empty((0, 8), np.uint64),
            inside=OwnWindows.none(),
        )
    )
    times = 10_000
    rows = repeated(one, times)
    matches = find_view_matches(rows, None, 0)
    assert matches.left.size == 2 * times - 1
    assert set(matches.left.tolist()) == set(range(times))
    assert set(matches.right.tolist()) == set(range(times, 2 * times))


def test_equal_images_of_two_splits_are_searched_for_each():
    one = viewed_rows(0, 2)
    one.views.like_frames[0, 0] = one.frames.hashes[1, 0, 0]
    rows = repeated(one, 2)._replace(splits=np.array([0, 1, 0, 1]))
    matches = find_view_matches(rows, None, 0, kept=1)
    pairs = set(zip(matches.left.tolist(), matches.right.tolist(), strict=True))
    assert {(0, 2), (0, 3), (1, 2), (1, 3)} <= pairs


@settings(max_examples=12)
@given(seeds, ROWS, st.integers(0, 12), st.integers(1, 4), st.sampled_from([1, 3, 1 << 15]))
def test_sets_are_searched_by_their_representatives(seed, size, radius, sets, at_once):
    rows = viewed_rows(seed, size)
    of_row = np.random.default_rng(seed).integers(0, sets, size)
    firsts = [np.flatnonzero(of_row == number)[0] for number in of_row]
    representative = np.array(firsts, np.int64)
    with mock.patch.multiple(view_sets, _LEAST_ROWS=at_once, _SHARE=0):
        batches = list(find_batches_of_sets(rows, representative, radius, kept=99))
    found = {}
    for batch in batches:
        keys = np.lexsort((batch.distance, batch.right, batch.left))
        np.testing.assert_array_equal(keys, np.arange(keys.size))
        for pair, candidates in listed(batch).items():
            found.setdefault(pair, []).extend(candidates)
    every = listed(find_view_matches(rows, None, radius, kept=99))
    expected = {
        (i, j): rounded(candidates)
        for (i, j), candidates in every.items()
        if representative[i] != representative[j]
        and (representative[i] == i or representative[j] == j)
    }
    assert {pair: rounded(candidates) for pair, candidates in found.items()} == expected


@pytest.mark.parametrize("at_once", [1, 700, 1 << 15])
def test_equal_images_of_sets_are_searched_once_whatever_is_searched_at_once(at_once):
    # the second of two pictures, and 1,000 that it stands for, which are equal
    one = viewed_rows(0, 3)
    one.views.like_frames[2, 0] = one.frames.hashes[0, 0, 0]
    rows = one.take(np.repeat([0, 1, 2], [1, 1, 1000]))
    representative = np.repeat([0, 1], [1, 1001])
    with mock.patch.multiple(view_sets, _LEAST_ROWS=at_once, _SHARE=0):
        batches = list(find_batches_of_sets(rows, representative, 0, kept=1))
    pairs = [
        pair
        for batch in batches
        for pair in zip(batch.left.tolist(), batch.right.tolist(), strict=True)
    ]
    assert {*pairs} >= {(0, other) for other in range(2, 1002)}
    assert len(pairs) < 2 * 1002


def test_many_variants_have_few_candidates():
    # two pictures of which one shows a window of the other, each 3,000 times and a bit different
    times = 3000
    one = viewed_rows(0, 2)
    one.views.like_frames[0, 0] = one.frames.hashes[1, 0, 0]
    rows = repeated(one, times)
    bits = np.uint64(1) << np.random.default_rng(0).integers(0, 64, 2 * times).astype(np.uint64)
    rows.frames.hashes[:, 0, 0] ^= bits
    representative = np.repeat([0, times], times)
    sizes = 0
    paired = set()
    for batch in find_batches_of_sets(rows, representative, 2):
        sizes += batch.left.size
        paired.update(batch.left.tolist(), batch.right.tolist())
    # each variant with the other picture's representative, by its few windows
    assert sizes <= 8 * times
    assert len(paired) == 2 * times


def test_little_memory_is_enough():
    rows = viewed_rows(3, 40)
    plenty = find_view_matches(rows, None, 10)
    scarce = find_view_matches(rows, None, 10, options=JoinOptions(threads=1, memory=1))
    for ours, theirs in zip(plenty, scarce, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_radius_is_bounded():
    assert choose_view_radius(viewed_rows(1, 3)) == 12
    rng = np.random.default_rng(0)
    # 32 of 64 bits are set, but those of the upper half agree mostly
    alike = (rng.random((3000, 8, 32)) < 0.9) * 1
    bits = np.concatenate([alike, rng.integers(0, 2, (3000, 8, 32))], axis=2).astype(np.uint8)
    words = np.packbits(bits, axis=2).view(">u8")[..., 0].astype(np.uint64)
    views = viewed_rows(1, 3).views
    crowded = ViewedRows(Index(words), views)
    assert 0 < choose_view_radius(crowded) < 12
    assert choose_view_radius(ViewedRows(Index(words[:9]), views)) == 12
    assert choose_view_radius(crowded, per_image=1e9) == 12

"""Findings against plain loops, and their boxes against pixels that are really turned."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.base.orientations import orient_pixels, turn_boxes
from fastphash.base.vocabulary import ALTERED, CROPPED, INVERSE
from fastphash.verification import findings
from fastphash.verification.findings import NO_FINDINGS, Findings
from tests.support.findings import findings_of, some_findings

SIDE = 16
seeds = st.integers(0, 2**32 - 1)


def entries(found):
    """One tuple for each finding; NaN compares equal as text."""
    columns = (*found.relation, *found[2:])
    return [
        (tuple(pair), str([column[i].tolist() for column in columns]))
        for i, pair in enumerate(found.pairs.tolist())
    ]


def painted(box):
    """A square that is 1 inside a box."""
    left, top, right, bottom = np.round(np.array(box) * SIDE).astype(int)
    square = np.zeros((SIDE, SIDE), np.uint8)
    square[top:bottom, left:right] = 1
    return square


@pytest.mark.parametrize("orientation", range(8))
def test_boxes_lie_where_turned_pixels_do(orientation):
    for finding in some_findings(20, orientation).place:
        if np.isnan(finding).any():
            continue
        turned = turn_boxes(finding[None], np.array([orientation], np.uint8))
        assert turned.dtype == np.float32
        assert np.array_equal(painted(turned[0]), orient_pixels(painted(finding), orientation))


@pytest.mark.parametrize("orientation", range(8))
def test_unknown_boxes_stay_unknown(orientation):
    unknown = np.full((2, 4), np.nan, np.float32)
    assert np.isnan(turn_boxes(unknown, np.full(2, orientation, np.uint8))).all()


@given(st.integers(2, 12), seeds)
def test_turned_round_twice_they_are_the_same(rows, seed):
    found = some_findings(rows, seed)
    turned = found.reversed()
    assert turned.pairs.tolist() == found.pairs[:, ::-1].tolist()
    there = found.relation.orientation.tolist()
    assert turned.relation.orientation.tolist() == [INVERSE[t] for t in there]
    assert (turned.window_of != found.window_of).all()
    assert entries(turned.reversed()) == entries(found)
    assert np.isnan(turned.place).tolist() == np.isnan(found.place).tolist()


@pytest.mark.parametrize(
    ("window_of", "place", "in_first"),
    [
        # the second shows the right half of the first
        (0, (0, 0, 0.5, 0.25), (0.5, 0, 0.75, 0.25)),
        # the first shows the right half of the second
        (1, (0.5, 0, 0.75, 0.25), (0, 0, 0.5, 0.25)),
        (1, (0.25, 0.5, 0.75, 1), (0, 0.5, 0.5, 1)),
    ],
)
def test_a_place_is_named_in_a_part_as_in_the_whole(window_of, place, in_first):
    found = findings_of([(0, 1)], [ALTERED])
    found.relation.orientation[:] = 0
    found.window[:] = 0.5, 0, 1, 1
    found.window_of[:] = window_of
    found.place[:] = place
    assert found.reversed().place.tolist() == [list(in_first)]


@given(st.integers(2, 12), seeds)
def test_those_among_rows_are_those_of_a_plain_loop(rows, seed):
    found = some_findings(rows, seed)
    chosen = np.random.default_rng(seed).permutation(rows)[: rows // 2 + 1]
    place_of = {row: place for place, row in enumerate(chosen.tolist())}
    expected = []
    for i, (one, other) in enumerate(found.pairs.tolist()):
        if one in place_of and other in place_of:
            finding = found.take(np.array([i]))._replace(
                pairs=np.array([[place_of[one], place_of[other]]])
            )
            expected += entries(finding if place_of[one] < place_of[other] else finding.reversed())
    assert entries(found.among(chosen)) == sorted(expected)


@given(st.integers(2, 12), seeds)
def test_those_between_rows_are_those_of_a_plain_loop(rows, seed):
    found = some_findings(rows, seed)
    rng = np.random.default_rng(seed)
    needles, haystack = rng.permutation(rows)[: rows // 2 + 1], rng.permutation(rows)[: rows // 2]
    expected = []
    for way in (found, found.reversed()):
        for i, (one, other) in enumerate(way.pairs.tolist()):
            for a in np.flatnonzero(needles == one):
                for b in np.flatnonzero(haystack == other):
                    finding = way.take(np.array([i]))
                    expected += entries(finding._replace(pairs=np.array([[a, b]])))
    assert entries(found.between(needles, haystack)) == sorted(expected)


@given(st.integers(2, 8), seeds)
def test_those_about_pairs_have_the_left_row_first(rows, seed):
    found = some_findings(rows, seed)
    every = {pair: entry for way in (found, found.reversed()) for pair, entry in entries(way)}
    left, right = np.random.default_rng(seed).integers(0, rows, (2, 30))
    pairs, about = found.about(left, right)
    asked = list(zip(left.tolist(), right.tolist(), strict=True))
    assert pairs.tolist() == [i for i, pair in enumerate(asked) if pair in every]
    assert entries(about) == [(asked[i], every[asked[i]]) for i in pairs.tolist()]


@given(st.lists(st.tuples(st.integers(2, 6), seeds), max_size=3))
def test_joined_ones_have_each_pair_once_the_first(parts):
    several = [some_findings(rows, seed, most=5) for rows, seed in parts]
    several = [one.reversed() if i % 2 else one for i, one in enumerate(several)]
    expected = {}
    for one in several:
        for way in (one, one.reversed()):
            for pair, entry in entries(way):
                if pair[0] < pair[1]:
                    expected.setdefault(pair, entry)
    assert entries(Findings.joined(several)) == sorted(expected.items())


@pytest.mark.parametrize("most", [0, 3, 8, 1 << 21])
@given(st.integers(2, 12), seeds)
def test_they_hold_for_files_of_the_same_bytes(most, rows, seed):
    found = some_findings(rows, seed, most=4)
    rng = np.random.default_rng(seed)
    digests = np.repeat(rng.integers(0, max(rows // 2, 2), (rows, 1)), 2, axis=1).astype(np.uint64)
    equals = {
        row: np.flatnonzero((digests == one).all(axis=1)).tolist()
        for row, one in enumerate(digests)
    }
    first = {}
    for (one, other), entry in entries(found):
        if other not in equals[one]:
            contents = frozenset((equals[one][0], equals[other][0]))
            first.setdefault(contents, (one, other, entry))
    expected, written = {}, 0
    for one, other, entry in sorted(
        first.values(), key=lambda pair: len(equals[pair[0]]) * len(equals[pair[1]])
    ):
        left, right = equals[one], equals[other]
        every = [(i, j) for i in left for j in right]
        written += len(every)
        if written > most and len(every) > len(left) + len(right):
            every = [
                (i, j) for i, j in every if i == left[0] or j == right[0] or (i, j) == (one, other)
            ]
        turned = dict(entries(found.reversed()))[other, one]
        for i, j in every:
            expected[i, j], expected[j, i] = entry, turned
    with mock.patch.object(findings, "_MOST_PAIRS", most):
        spread = found.spread(digests)
    assert entries(spread) == sorted(
        (pair, entry) for pair, entry in expected.items() if pair[0] < pair[1]
    )
    assert entries(found.spread(None)) == entries(found)


def test_they_hold_between_splits_that_have_the_same_bytes_hundreds_of_times():
    """Also for rows of two splits that are not the first of their bytes."""
    found = findings_of([(0, 300)], [CROPPED])
    digests = np.repeat(np.array([[1, 1], [2, 2]], np.uint64), 300, axis=0)
    train, val = np.arange(0, 600, 2), np.arange(1, 600, 2)
    spread = found.spread(digests)
    assert spread.size == 300 * 300
    assert spread.between(train, val).size == 2 * 150 * 150


def test_nothing_found_is_nothing_anywhere():
    none, rows = np.empty(0, np.int64), np.arange(3)
    for found in (
        NO_FINDINGS.among(rows),
        NO_FINDINGS.between(rows, none),
        NO_FINDINGS.reversed(),
        NO_FINDINGS.spread(np.ones((3, 2), np.uint64)),
        NO_FINDINGS.about(rows, rows)[1],
        Findings.joined([]),
        findings_of([(0, 1)], [CROPPED]).among(none),
    ):
        assert found.size == 0
        assert [column.dtype for column in found[2:]] == [c.dtype for c in NO_FINDINGS[2:]]

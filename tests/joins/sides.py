"""Hypothesis strategies for the sides of a join, and their matches by the plain twin."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash.joins.matches import concatenate_matches
from tests.support import naive
from tests.support.hash_strategies import TOP, seeds

ALL, ONE = tuple(range(8)), (0,)
EMPTY_ONE, EMPTY_EIGHT = np.empty((0, 1), np.uint64), np.empty((0, 8), np.uint64)
SAME = np.full((9, 8), TOP, np.uint64)
ENDS = np.array([[0] * 8, [TOP] * 8, [0] * 8], np.uint64)

words = st.sampled_from([0, 1, 2, 2**63, TOP]) | st.integers(0, TOP)
widths = st.sampled_from([1, 8])
radii = st.integers(0, 4) | st.integers(0, 64)
wide_radii = st.integers(0, 9) | st.integers(28, 36) | st.integers(0, 255)


@st.composite
def hashes(draw, width=None):
    rows = draw(st.integers(0, 14))
    shape = (rows, draw(widths) if width is None else width)
    return draw(hnp.arrays(np.uint64, shape, elements=words))


@st.composite
def sides(draw, width=None):
    """Two matrices of hashes that are near one another or not."""
    if draw(st.booleans()):
        return draw(hashes(width)), draw(hashes(width))
    left, right = draw(st.integers(0, 40)), draw(st.integers(0, 40))
    rows = naive.crowd(draw(seeds), left + right, 8)
    a, b = (draw(widths) if width is None else width for _ in range(2))
    return rows[:left, :a], rows[left:, :b]


@st.composite
def wide_sides(draw):
    """Two arrays of hashes of 256 bits, (n, 1, 4) or (n, 8, 4), near one another or not."""
    left, right = draw(st.integers(0, 40)), draw(st.integers(0, 40))
    rows = naive.wide_crowd(draw(seeds), left + right, 8)
    a, b = draw(widths), draw(widths)
    return rows[:left, :a], rows[left:, :b]


def known_of(rows):
    return ALL if rows.shape[1] == 8 else ONE


def twin_matches(left, right, radius):
    return naive.matches(left, right, radius, known_of(left), known_of(right))


def twin_matches_within(rows, radius):
    return [match for match in twin_matches(rows, rows, radius) if match[0] < match[1]]


def listed(batches):
    """(left, right, distance, mask) of all batches."""
    return rows_of(concatenate_matches(list(batches)))


def rows_of(table):
    """The rows of `Pairs` or `Matches`."""
    assert [column.dtype for column in table] == [np.int64, np.int64, np.uint8, np.uint8]
    return list(zip(*(column.tolist() for column in table), strict=True))

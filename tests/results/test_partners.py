"""Rows that are no copy of another one, and have its hash neither, are in no result."""

import numpy as np
import pytest

from fastphash.results import partners
from fastphash.results.groups import find_candidates, group_rows
from fastphash.results.partners import find_partnered
from fastphash.verification.criteria import CopyCriteria
from tests.support.examples import slow_but
from tests.support.plain_tables import NO_COPIES, TABLES, plain_pairs, table

NEAR = CopyCriteria(3)
UPRIGHT = {"orientations": False}


def partnered_by_pairs(rows):
    partnered = np.zeros(len(rows), np.bool_)
    for i, j, pair in plain_pairs(rows, rows, NEAR.radius):
        if i != j and (pair.distance == 0 or pair.kind not in NO_COPIES):
            partnered[[i, j]] = True
    return partnered


@pytest.mark.parametrize("kind", [{}, UPRIGHT], ids=["turned", "upright"])
@pytest.mark.parametrize("size", slow_but([0, 1, 3, 5], [0, 1, 3, 5, 40]))
def test_partnered_are_rows_with_a_copy_or_an_equal_hash(size, kind):
    for seed in range(5):
        rows = table(seed, size, **kind)
        np.testing.assert_array_equal(find_partnered(rows, NEAR), partnered_by_pairs(rows))


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: " ".join(kind) or "whole")
def test_groups_are_those_of_all_rows_within_the_radius(kind):
    saved = 0
    for seed in range(8):
        rows = table(seed, 5, **kind)
        order = np.arange(len(rows))
        near = find_candidates(rows, order, NEAR)
        partnered = find_partnered(rows, NEAR)
        fewer = find_candidates(rows, order, NEAR, partnered=partnered)
        assert np.isin(fewer, near).all()
        saved += near.size - fewer.size
        ours, theirs = (group_rows(rows.take(some), NEAR).table() for some in (fewer, near))
        assert ours.equals(theirs)
    # of hashes in eight orientations, drawn from so few, some are always equal
    assert (saved > 0) == (kind == UPRIGHT)


def test_where_pairs_are_many_those_within_the_radius_are_partnered(monkeypatch):
    rows = table(0, 5, **UPRIGHT)
    near = find_candidates(rows, np.arange(len(rows)), NEAR)
    assert find_partnered(rows, NEAR).sum() < near.size
    monkeypatch.setattr(partners, "_MOST_PER_IMAGE", 0)
    np.testing.assert_array_equal(np.flatnonzero(find_partnered(rows, NEAR)), near)
    alone = CopyCriteria(3, None)
    np.testing.assert_array_equal(np.flatnonzero(find_partnered(rows, alone)), near)

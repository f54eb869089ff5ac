"""Which pairs an audit's estimate is made of."""

import numpy as np
import pytest

from fastphash.base.vocabulary import NEAR
from fastphash.calibration import near_sample
from fastphash.calibration.near_sample import sample_near_scores
from fastphash.external.api import self_join
from fastphash.groups.grouping import has_partner
from fastphash.hashing.definition import HASH_COLUMNS
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.store.whole import Whole
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import relate_matches
from tests.support.scenes import hashed, waves
from tests.support.stores import hashes_of

RADIUS = 18


@pytest.fixture(scope="module")
def rows():
    """300 pictures, of which 50 are there a second and a third time in other bytes."""
    pictures = waves(300, 3)
    pictures = np.concatenate([pictures, pictures[:50], pictures[:50]])
    columns = dict(zip(HASH_COLUMNS, hashed(pictures).T, strict=True))
    names = {"split": ["all"] * 400, "path": [f"{i}.png" for i in range(400)]}
    digests = np.arange(800, dtype=np.uint64).reshape(400, 2)
    return hashes_of(columns | names | {"thumbnail": pictures, "digest": digests})


def test_each_pair_of_different_pictures_counts_once(rows):
    once = rows.take(np.arange(300))
    left, right, distance, orientation = self_join(once.hashes, RADIUS)
    pairs = Matches(left, right, distance, np.uint8(1) << orientation)
    relation = relate_matches(pairs, once.content, once.content, 0.0)
    near = int((relation.kind == NEAR).sum())
    assert near > 10
    assert sample_near_scores(rows, CopyCriteria(RADIUS), 1.0).size == near


def test_a_sample_is_the_same_each_time(rows, monkeypatch):
    everything = sample_near_scores(rows, CopyCriteria(RADIUS), 1.0)
    monkeypatch.setattr(near_sample, "_MAX_PAIRS", 100)
    some = sample_near_scores(rows, CopyCriteria(RADIUS), 1.0)
    assert 0 < some.size < everything.size
    assert np.array_equal(some, sample_near_scores(rows, CopyCriteria(RADIUS), 1.0))
    assert np.isin(some, everything).all()


def test_no_image_has_few_enough_pairs(rows, monkeypatch):
    monkeypatch.setattr(near_sample, "_MAX_PAIRS", 0)
    assert sample_near_scores(rows, CopyCriteria(64), 1.0).size == 0
    assert sample_near_scores(rows.take(np.arange(0)), CopyCriteria(4), 1.0).size == 0


@pytest.mark.parametrize("pairs", [60_000, 400, 30])
@pytest.mark.parametrize("most", [1 << 20, 40])
def test_rows_without_a_partner_may_be_left(rows, pairs, most, monkeypatch):
    monkeypatch.setattr(near_sample, "_PAIRS", pairs)
    monkeypatch.setattr(near_sample, "_MAX_PAIRS", most)
    for radius in (2, 10, RADIUS):
        criteria = CopyCriteria(radius)
        kept = np.flatnonzero(has_partner(Index(rows.hashes, rows.known), radius))
        some = rows.take(kept)
        some.whole = Whole(len(rows), kept)
        assert 0 < len(some) < len(rows) or radius == RADIUS
        everything = sample_near_scores(rows, criteria, 1.0)
        assert np.array_equal(sample_near_scores(some, criteria, 1.0), everything)

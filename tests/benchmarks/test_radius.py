"""The radii that benchmarks/accuracy/radius.py says an audit would choose."""

import numpy as np

from benchmarks.accuracy import radius
from fastphash import phash_orientations
from fastphash.joins.chance import choose_radius
from fastphash.joins.index import Index
from tests.support.scenes import scene


def test_chosen_radii_are_those_of_as_many_images_and_fall_with_them(monkeypatch):
    # many are alike, so that few images are as crowded as many
    pictures = [scene(seed % 40, 48 + seed // 40, 64) for seed in range(120)]
    hashes = Index(np.array([phash_orientations(one) for one in pictures], np.uint64))
    candidates = (0.01, 1, 10)
    monkeypatch.setattr(radius, "_CANDIDATES", candidates)
    monkeypatch.setattr(radius, "_CHOSEN_COUNTS", (120, 12_000, 1_200_000))
    counts, *columns = zip(*radius.chosen_radii(pictures), strict=True)
    assert counts == ("120", "12,000", "1,200,000")
    assert [int(column[0]) for column in columns] == [
        choose_radius(hashes, most) for most in candidates
    ]
    for column in columns:
        radii = [int(text) for text in column]
        assert radii == sorted(radii, reverse=True)
        assert radii[0] > radii[-1]

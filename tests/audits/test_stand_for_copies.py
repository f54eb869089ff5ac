"""Which rows are searched by their windows: one of each set of near copies."""

import numpy as np

from fastphash.audits.findings import SET_RADIUS, stand_for_copies
from fastphash.demo import scene
from fastphash.hashing.phash import hash_orientations
from fastphash.images.thumbnail import both_thumbnails
from fastphash.joins.index import Index
from fastphash.store.content import Content
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.crops import find_cropped


def table(*greys):
    both = np.stack([both_thumbnails(grey) for grey in greys])
    return Index(hash_orientations(both)), Content(both[:, 0].reshape(len(greys), -1).copy())


def pictures():
    """A picture, a crop of it and another one, each three times with other noise."""
    rng = np.random.default_rng(3)
    whole, other = (scene(np.random.default_rng(seed), side=240).mean(axis=2) for seed in (17, 18))
    for grey in (whole, whole[24:216, 24:216], other):
        for _ in range(3):
            yield np.clip(grey + rng.normal(0, 2, grey.shape), 0, 255).astype(np.uint8)


def test_one_of_each_set_and_split_stands_for_it():
    frames, content = table(*pictures())
    criteria = CopyCriteria(14)
    splits = np.zeros(9, np.int64)
    assert (
        stand_for_copies(frames, content, criteria, splits).tolist() == [0] * 3 + [3] * 3 + [6] * 3
    )
    splits[[1, 4, 5]] = 1
    standing = stand_for_copies(frames, content, criteria, splits)
    assert standing.tolist() == [0, 1, 0, 3, 4, 4, 6, 6, 6]


def test_every_copy_of_a_set_is_in_a_pair():
    frames, content = table(*pictures())
    criteria = CopyCriteria(SET_RADIUS)
    splits = np.zeros(9, np.int64)
    every = find_cropped(frames, content, criteria).copies
    assert every.pairs.tolist() == [[i, j] for i in range(3) for j in range(3, 6)]
    standing = stand_for_copies(frames, content, criteria, splits)
    found = find_cropped(frames, content, criteria, representative=standing).copies
    assert found.pairs.tolist() == [[0, 3], [0, 4], [0, 5], [1, 3], [2, 3]]


def test_no_rows():
    frames, content = Index(np.empty((0, 8), np.uint64)), Content(np.empty((0, 1024), np.uint8))
    assert not stand_for_copies(frames, content, CopyCriteria(4), np.empty(0, np.int64)).size

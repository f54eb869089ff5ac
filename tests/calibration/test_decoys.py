import numpy as np
import pytest

import fastphash as fp
from fastphash.calibration.decoys import hash_negatives
from fastphash.hashing.algorithms import ALGORITHMS
from fastphash.images.thumbnail import thumbnail
from fastphash.joins.index import Index
from tests.support.scenes import scene

PICTURES = [np.ascontiguousarray(scene(seed)[..., 0]) for seed in range(6)]


def hashes_of(images, name):
    """Hashes in all orientations, uint64 (n, 8) or (n, 8, 4)."""
    if name == "pdq":
        return np.stack([fp.pdq_orientations(image).hash for image in images])
    return np.stack([fp.oriented_hashes(image, name) for image in images])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_hashes_of_negatives_are_nearly_those_that_negatives_have(name):
    algorithm = ALGORITHMS[name]
    pixels = np.stack([thumbnail(image, "pillow13").reshape(-1) for image in PICTURES])
    needles = np.array([4, 1, 2])
    index = Index(hashes_of(PICTURES, name))
    found = hash_negatives(pixels.__getitem__, needles, index, algorithm)
    expected = Index(hashes_of([255 - PICTURES[i] for i in needles], name))
    apart = np.bitwise_count(found.hashes ^ expected.hashes).sum(axis=-1)
    assert found.known == index.known
    # roundings, and ties with the mean or the median
    assert apart.mean() < algorithm.bits / 16

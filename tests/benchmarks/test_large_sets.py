"""Counts of benchmarks/accuracy/large_sets.py."""

import numpy as np
import pytest

from benchmarks.accuracy.large_sets import (
    SIGNATURES,
    Pictures,
    Within,
    count_chance,
    count_copies,
    row_of,
)


def pictures(size, turns, seed):
    thumbnails = np.random.default_rng(seed).integers(0, 256, (size, turns, 1024), np.uint8)
    return Pictures.of(thumbnails)


def distances(one, other, name):
    """Distances of hashes and of signatures, in each orientation: (n, m, t)."""
    sides = (one.hashes, other.hashes), (one.signatures[name], other.signatures[name])
    return [np.bitwise_count(a[:, None] ^ b[None]).astype(int) for a, b in sides]


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_has_64_bits_of_each_orientation(name):
    some = pictures(3, 8, 0)
    assert some.signatures[name].shape == some.hashes.shape == (3, 8)
    assert np.unique(some.signatures[name]).size > 20


@pytest.mark.slow  # it compiles a kernel
@pytest.mark.parametrize("name", SIGNATURES)
def test_chance_is_counted_pair_by_pair(name):
    needles, drawn = pictures(12, 8, 1), pictures(40, 1, 2)
    # some are near
    drawn.hashes[:12, 0] = needles.hashes[:, 3] ^ np.arange(12, dtype=np.uint64)
    found = count_chance(needles, drawn, name)
    apart, differ = distances(needles, drawn, name)
    for radius in (0, 3, 20, 24):
        for within in (0, 30, 64):
            count = 0
            for near, unlike in zip(apart.reshape(-1, 8), differ.reshape(-1, 8), strict=True):
                least = near.min()
                count += least <= radius and unlike[near == least].min() <= within
            assert found.both[radius, within] == pytest.approx(count / 12)
    together = np.where(apart <= 24, apart + differ, 1000).min(axis=2)
    for limit in (20, 50, 88):
        assert found.together[limit] == pytest.approx((together <= limit).sum() / 12)


def test_copies_are_within_limits_in_one_orientation():
    name = "differences"
    copies, originals = pictures(9, 8, 3), pictures(9, 1, 4)
    copies.hashes[:, 5] = originals.hashes[:, 0] ^ np.arange(9, dtype=np.uint64)
    copies.signatures[name][:, 5] = originals.signatures[name][:, 0] ^ np.uint64(1)
    found = count_copies(copies, originals, name)
    near = np.bitwise_count(np.arange(9, dtype=np.uint64))
    for radius in range(4):
        assert found.both[radius, 0] == 0
        assert found.both[radius, 1] == pytest.approx((near <= radius).mean())
        assert found.together[radius + 1] == pytest.approx((near <= radius).mean())


def test_a_row_has_the_limits_that_find_most_copies():
    chance = Within(np.add.outer(np.arange(25.0), np.arange(65.0)), np.arange(90.0))
    found = Within(np.multiply.outer(np.arange(25.0), np.arange(65.0)) / 2000, np.arange(90.0) / 90)
    row = row_of(found, chance, 1000, 10)
    assert row == ("1,000", "10", "none", "0.0", "5, 5", "1.2", "10", "11.1")

"""Estimates of what is near by chance, against counts where nothing is a copy."""

from functools import cache

import numpy as np
import pytest

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.joins.chance import MAX_RADIUS, chance_neighbours, choose_radius, widest_radius
from fastphash.joins.distances import count_pairs_by_distance
from fastphash.joins.index import Index
from tests.support.examples import slow_but
from tests.support.scenes import hashed, waves


def pages(count, seed):
    """Dark boxes on white, uint8 (n, 1024)."""
    rng = np.random.default_rng(seed)
    pictures = np.full((count, 32, 32), 255, np.uint8)
    for picture in pictures:
        for _ in range(rng.integers(3, 12)):
            (y, x), (height, width) = rng.integers(1, 30, 2), rng.integers(1, 12, 2)
            picture[y : y + height, x : x + width] = rng.integers(0, 120)
    return pictures.reshape(count, 1024)


@cache
def many_hashed(pictures):
    return hashed(pictures(3000, 1))


def counted(rows):
    """Rows at each distance of a row, in the mean."""
    least, _ = count_pairs_by_distance(rows, 1)
    return 2 * least / len(rows)


@pytest.mark.parametrize("pictures", slow_but([pages], [waves, pages]))
@pytest.mark.parametrize("known", [(0,), tuple(range(len(ORIENTATIONS)))])
def test_chance_is_what_is_counted_without_copies(pictures, known):
    rows = Index(many_hashed(pictures), known)
    expected, actual = np.cumsum(chance_neighbours(rows)), np.cumsum(counted(rows))
    pairs = actual * len(rows) / 2
    for distance in range(8, 22, 2):
        if pairs[distance] >= 20:
            assert actual[distance] / 3 < expected[distance] < actual[distance] * 3, distance
    assert pairs[14] >= 20


def planted(rows, copies, seed=0):
    """Each row again, so many times, with a bit set and a bit cleared."""
    rng = np.random.default_rng(seed)
    again = np.repeat(rows.hashes, copies, axis=0)
    bits = (again[..., None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    for value in (0, 1):
        chosen = np.argmax((bits == value) * rng.random(bits.shape), axis=-1)
        again ^= np.uint64(1) << chosen.astype(np.uint64)
    return Index(np.concatenate([rows.hashes, again]), rows.known)


@pytest.mark.slow
def test_copies_do_not_count_as_chance():
    rows = Index(hashed(waves(400, 2)))
    many = planted(rows, 20)
    assert np.cumsum(counted(many))[4] > 15
    expected = np.cumsum(chance_neighbours(many))
    assert expected[8] < 1
    # more rows, more chance: as many as of so many different ones
    different = Index(hashed(waves(len(many), 3)))
    assert abs(choose_radius(many) - choose_radius(different)) <= 2


def test_equal_rows_count_once():
    one = np.full((10_000, 8), 0x00FF00FF00FF00FF, np.uint64)
    assert not chance_neighbours(Index(one)).any()
    assert choose_radius(Index(one)) == MAX_RADIUS


@pytest.mark.parametrize("rows", [0, 1, 2, 50])
@pytest.mark.parametrize("width", [1, 8])
def test_few_rows_may_be_far_apart(rows, width):
    hashes = np.random.default_rng(rows).integers(0, 2**63, (rows, width), np.uint64)
    assert choose_radius(Index(hashes)) == MAX_RADIUS
    assert chance_neighbours(Index(hashes)).shape == (65,)


def test_the_radius_falls_with_the_number_of_rows_and_is_always_the_same():
    hashes = np.random.default_rng(5).integers(0, 2**64, (500_000, 8), np.uint64)
    radii = [choose_radius(Index(hashes[:count])) for count in (100, 10_000, 500_000)]
    assert radii == sorted(radii, reverse=True)
    assert radii[0] == MAX_RADIUS > radii[-1] > 8
    assert radii[-1] == choose_radius(Index(hashes))
    assert choose_radius(Index(hashes), per_image=0) == 0


def test_the_radius_of_256_bits_is_30_at_most():
    rng = np.random.default_rng(6)
    uniform = rng.integers(0, 2**64, (3000, 4), np.uint64)
    neighbours = chance_neighbours(Index(uniform))
    assert neighbours.shape == (257,)
    # three of the pairs of a sample may be near without having been counted, at each even distance
    assert neighbours[:31].sum() < 16 * 3 * 2 * 3000 / 2048**2
    assert neighbours[90:].sum() == pytest.approx(3000, rel=0.01)
    assert choose_radius(Index(uniform)) == 80
    # the same 24 bits in each word: pairs are near by chance
    alike = np.repeat(uniform[:, :1] & np.uint64(0x00FF00FF00FF), 4, axis=1)
    rows = Index(alike)
    expected, actual = np.cumsum(chance_neighbours(rows)), np.cumsum(counted(rows))
    assert actual[24] > 10
    assert choose_radius(rows) < 24
    assert expected[60] == pytest.approx(actual[60], rel=0.2)


@pytest.mark.parametrize(
    ("by_distance", "radius"),
    [
        ({}, MAX_RADIUS),
        ({0: 11}, 0),
        ({2: 10}, MAX_RADIUS),
        ({2: 10.1}, 0),
        ({0: 4, 2: 4, 4: 2}, MAX_RADIUS),
        ({0: 4, 2: 4, 4: 2, 6: 0.1}, 4),
        ({7: 6, 8: 3, 9: 3}, 8),
        ({18: 50}, MAX_RADIUS),
    ],
)
def test_an_image_has_ten_candidates_by_chance_at_most(by_distance, radius):
    expected = np.zeros(65)
    expected[list(by_distance)] = list(by_distance.values())
    assert widest_radius(expected, 1_000) == radius


def test_chance_is_no_more_than_was_counted():
    # shapes on one ground: hashes that agree in many bits, whose counts do not fall evenly
    pictures = np.full((350, 32, 32), 255, np.uint8)
    pictures[:, 6:26, 6:26] = waves(350, 6).reshape(-1, 32, 32)[:, 6:26, 6:26]
    rows = Index(hashed(pictures.reshape(-1, 1024)))
    expected, actual = np.cumsum(chance_neighbours(rows)), np.cumsum(counted(rows))
    allowance = 2 * (4 * np.sqrt(actual * len(rows) / 2) + 7 * 3) / len(rows)
    assert (expected[:14] <= (actual + allowance)[:14]).all()
    assert choose_radius(rows) >= 4

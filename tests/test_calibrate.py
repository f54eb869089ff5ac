"""What is near by chance, against what is counted where nothing is a copy."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
from helpers import hashes_of, run, write_store
from hypothesis import given
from hypothesis import strategies as st

from fastphash.calibrate import (
    MOST_RADIUS,
    Calibration,
    Scored,
    Tail,
    calibrate,
    estimate,
    expected_pairs,
    proposing_radius,
)
from fastphash.errors import TooManyPairsError
from fastphash.hashing import hash_orientations
from fastphash.joins import Index, count_distances, self_join
from fastphash.store import HASH_COLUMNS, Layout
from fastphash.words import ORIENTATIONS


def thumbnails(count, seed, side=48, detail=5):
    """Pictures that are no copies of one another: waves, coarse ones stronger, uint8 (n, 1024)."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.arange(side), np.arange(side)))
    waves = rng.normal(0, 1, (count, side, side)) / (1 + frequency**2 / detail)
    waves[:, 0, 0] = 0
    shade = scipy.fft.idctn(waves, axes=(1, 2))[:, :32, :32]
    shade /= shade.std(axis=(1, 2), keepdims=True)
    return np.clip(128 + 40 * shade, 0, 255).astype(np.uint8).reshape(count, 1024)


def pages(count, seed):
    """Dark boxes on white, uint8 (n, 1024)."""
    rng = np.random.default_rng(seed)
    made = np.full((count, 32, 32), 255, np.uint8)
    for picture in made:
        for _ in range(rng.integers(3, 12)):
            (y, x), (height, width) = rng.integers(1, 30, 2), rng.integers(1, 12, 2)
            picture[y : y + height, x : x + width] = rng.integers(0, 120)
    return made.reshape(count, 1024)


def hashed(pictures):
    upright = pictures.reshape(-1, 32, 32)
    return hash_orientations(np.stack([upright, upright.transpose(0, 2, 1)], axis=1))


def counted(rows):
    """Rows at each distance of a row, in the mean."""
    least, _ = count_distances(rows, 1)
    return 2 * least / len(rows)


@pytest.mark.parametrize("pictures", [thumbnails, pages])
@pytest.mark.parametrize("known", [(0,), tuple(range(len(ORIENTATIONS)))])
def test_chance_is_what_is_counted_without_copies(pictures, known):
    rows = Index(hashed(pictures(3000, 1)), known)
    expected, found = np.cumsum(expected_pairs(rows)), np.cumsum(counted(rows))
    seen = found * len(rows) / 2
    for distance in range(8, 22, 2):
        if seen[distance] >= 20:
            assert found[distance] / 3 < expected[distance] < found[distance] * 3, distance
    assert seen[14] >= 20


def planted(rows, copies, seed=0):
    """Each row again, so many times, with a bit set and a bit cleared."""
    rng = np.random.default_rng(seed)
    again = np.repeat(rows.hashes, copies, axis=0)
    bits = (again[..., None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    for value in (0, 1):
        chosen = np.argmax((bits == value) * rng.random(bits.shape), axis=-1)
        again ^= np.uint64(1) << chosen.astype(np.uint64)
    return Index(np.concatenate([rows.hashes, again]), rows.known)


def test_copies_do_not_count_as_chance():
    rows = Index(hashed(thumbnails(400, 2)))
    many = planted(rows, 20)
    assert np.cumsum(counted(many))[4] > 15
    expected = np.cumsum(expected_pairs(many))
    assert expected[8] < 1
    # more rows, more chance: as many as of so many different ones
    different = Index(hashed(thumbnails(len(many), 3)))
    assert abs(proposing_radius(many) - proposing_radius(different)) <= 2


def test_equal_rows_count_once():
    one = np.full((10_000, 8), 0x00FF00FF00FF00FF, np.uint64)
    assert not expected_pairs(Index(one)).any()
    assert proposing_radius(Index(one)) == MOST_RADIUS


@pytest.mark.parametrize("rows", [0, 1, 2, 50])
@pytest.mark.parametrize("width", [1, 8])
def test_few_rows_may_be_far_apart(rows, width):
    hashes = np.random.default_rng(rows).integers(0, 2**63, (rows, width), np.uint64)
    assert proposing_radius(Index(hashes)) == MOST_RADIUS
    assert expected_pairs(Index(hashes)).shape == (65,)


def test_the_radius_falls_with_the_number_of_rows_and_is_always_the_same():
    hashes = np.random.default_rng(5).integers(0, 2**64, (500_000, 8), np.uint64)
    radii = [proposing_radius(Index(hashes[:count])) for count in (100, 10_000, 500_000)]
    assert radii == sorted(radii, reverse=True)
    assert radii[0] == MOST_RADIUS > radii[-1] > 8
    assert radii[-1] == proposing_radius(Index(hashes))
    assert proposing_radius(Index(hashes), per_image=0) == 0


def edited(pictures, seed):
    """Copies: each picture shifted, turned, faded and with a little noise, uint8 (n, 1024)."""
    rng = np.random.default_rng(seed)
    made = []
    for picture in pictures.reshape(-1, 32, 32).astype(float):
        moved = scipy.ndimage.shift(picture, rng.uniform(-0.8, 0.8, 2), order=1, mode="nearest")
        moved = np.rot90(moved, rng.integers(4)) * rng.uniform(0.6, 1.2) + rng.uniform(-20, 20)
        made.append(moved + rng.normal(0, rng.uniform(0, 8), moved.shape))
    return np.clip(made, 0, 255).astype(np.uint8).reshape(len(pictures), -1)


@pytest.fixture(scope="module")
def mixed():
    """Pictures, of which a tenth have two copies: thumbnails, hashes and whose copy each is."""
    originals = thumbnails(2000, 7)
    some = originals[:200]
    pictures = np.concatenate([originals, edited(some, 1), edited(some, 2)])
    return pictures, hashed(pictures), np.concatenate([np.arange(2000), *[np.arange(200)] * 2])


def test_the_estimate_is_near_the_truth(mixed):
    pictures, hashes, of = mixed
    found = estimate(pictures, hashes, 14)
    pairs = self_join(hashes, 14)
    copies = of[pairs.left] == of[pairs.right]
    assert np.array_equal(found.pairs.distance, pairs.distance)
    for score in (0.0, 0.25, 0.3, 0.4, 0.5, 0.7):
        at = found.pairs.score >= score
        truth = copies[at].mean()
        assert abs(found.precision_at(score) - truth) < 0.05, score
        low, high = found.at_score(score).bounds
        assert low <= truth <= high
    for distance in range(0, 15, 2):
        truth = copies[pairs.distance <= distance].mean()
        assert abs(found.precision_at_distance(distance) - truth) < 0.05, distance
    score = found.min_score(0.99)
    assert copies[found.pairs.score >= score].mean() > 0.97
    assert copies[pairs.distance <= found.max_distance(0.99)].mean() > 0.97
    kept = found.pairs.distance[found.pairs.score >= score]
    assert (kept <= found.radius_for(score)).mean() >= 0.99


def test_without_copies_nothing_is_taken_for_one():
    found = estimate(pictures := thumbnails(2500, 8), hashed(pictures), 16)
    assert found.pairs.distance.size > 1000
    assert found.precision_at_distance(16) < 0.05
    assert found.precision_at(0.2) < 0.1
    assert found.min_score(0.9) is None
    assert found.max_distance(0.9) is None


def test_without_thumbnails_distances_tell(mixed):
    _, hashes, of = mixed
    found = estimate(None, hashes, 14)
    pairs = self_join(hashes, 14)
    copies = of[pairs.left] == of[pairs.right]
    assert np.isnan(found.precision_at(0.5))
    assert found.min_score(0.5) is None
    for distance in (4, 8, 10, 12, 14):
        truth = copies[pairs.distance <= distance].mean()
        assert abs(found.precision_at_distance(distance) - truth) < 0.1, distance


def test_fewer_needles_tell_the_same(mixed):
    pictures, hashes, _ = mixed
    everything = estimate(pictures, hashes, 14)
    number = everything.pairs.distance.size
    some = estimate(pictures, hashes, 14, max_pairs=number // 2)
    assert 100 < some.pairs.distance.size <= number // 2
    for score in (0.3, 0.5):
        assert abs(some.precision_at(score) - everything.precision_at(score)) < 0.1


def test_one_image_with_too_many_pairs():
    hashes = np.full(50, 0xFF, np.uint64)
    with pytest.raises(TooManyPairsError):
        estimate(None, hashes, 4, max_pairs=10)


scored = st.lists(st.tuples(st.integers(0, 16), st.floats(0, 1, width=32)), max_size=40)


@given(scored, st.floats(0, 500), st.floats(9, 200))
def test_shares_are_shares_and_rise_with_the_threshold(pairs, chance, rate):
    distance, score = (
        (np.array(column) for column in zip(*pairs, strict=True)) if pairs else ([], [])
    )
    made = Scored(np.array(distance, np.uint8), np.array(score, np.float32))
    by_distance = np.zeros(65)
    by_distance[:17] = chance / 17
    found = Calibration(16, made, made, by_distance, Tail(chance, rate, int(chance), 1.0))
    at_scores = [found.precision_at(at / 10) for at in range(10)]
    at_distances = [found.precision_at_distance(at) for at in range(16, -1, -1)]
    for shares in (at_scores, at_distances):
        known = [share for share in shares if not np.isnan(share)]
        assert known == sorted(known)
        assert all(0 <= share <= 1 for share in known)
    for at in range(10):
        here = found.at_score(at / 10)
        assert here.least <= here.chance <= here.most
        assert here.most > 3.6  # none expected is not none at all
    score = found.min_score(0.9)
    assert score is None or found.precision_at(score) >= 0.9


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_few_images(rows):
    pictures = thumbnails(rows, 3)
    found = estimate(pictures, hashed(pictures), 8)
    assert found.min_score(0.5) is None
    assert np.isnan(found.precision_at(0.5))


def columns(pictures, times=1):
    """Columns of rows, each picture's so many times."""
    hashes, pictures = (np.repeat(a, times, axis=0) for a in (hashed(pictures), pictures))
    made = dict(zip(HASH_COLUMNS, hashes.T, strict=True))
    paths = [f"{i}.png" for i in range(len(pictures))]
    return made | {"split": ["all"] * len(paths), "path": paths, "thumbnail": pictures}


def test_a_hundred_thousand_equal_images_are_one():
    rows = columns(thumbnails(2, 5), [100_000, 1])
    digests = np.zeros((100_001, 2), np.uint64)
    digests[50_000:, 0] = np.arange(1, 50_002)
    found = calibrate(hashes_of(rows | {"digest": digests}))
    assert (found.images, found.identical, found.equal) == (100_001, 49_999, 50_000)
    assert found.needles == 2
    assert found.calibration.radius == MOST_RADIUS


def test_equal_hashes_of_other_pictures_are_pairs():
    flat = np.arange(20, dtype=np.uint8)[:, None].repeat(1024, axis=1)
    found = calibrate(hashes_of(columns(flat, 2)))
    assert found.equal == 20
    assert found.calibration.pairs.distance.size == 20 * 19 // 2
    assert found.calibration.precision_at_distance(0) < 0.2


def test_the_command(mixed, tmp_path):
    pictures, _, _ = mixed
    store = tmp_path / "hashes"
    write_store(store, columns(pictures))
    plot = tmp_path / "shares.svg"
    told = json.loads(run("calibrate", str(store), "--json", "-o", str(plot)).stdout)
    assert told["images"] == len(pictures)
    assert told["needles"] == len(pictures)
    assert told["radius"] % 2 == 0
    advised = told["recommended"]
    assert 0.25 <= advised["min_score"] < 0.6
    assert advised["radius"] <= told["radius"]
    assert told["distances"][-1]["pairs"] == told["pairs"] == told["scores"][0]["pairs"]
    titles = [e.text for e in ET.parse(plot).iter("{http://www.w3.org/2000/svg}text")]
    assert {"Copies among pairs, by score", "score at least"} <= set(titles)

    text = run("calibrate", str(store), "--radius", "8", "--precision", "0.9").stdout
    assert max(map(len, text.splitlines())) <= 80
    assert "--min-score" in text
    assert "So that 90 % are copies" in text
    sampled = run("calibrate", str(store), "--max-pairs", "500").stdout
    assert "sampled: pairs of" in sampled
    assert "exists" in run("calibrate", str(store), "-o", str(plot), status=2).stderr
    assert "--precision" in run("calibrate", str(store), "--precision", "99", status=2).stderr


def test_the_command_without_thumbnails_or_images(mixed, tmp_path):
    pictures, _, _ = mixed
    store = tmp_path / "bare"
    rows = {"path": [str(i) for i in range(len(pictures))], "phash": hashed(pictures)[:, 0]}
    write_store(store, rows, layout=Layout(thumbnails=False))
    text = run("calibrate", str(store)).stdout
    assert "no thumbnails" in text
    assert "By score" not in text
    empty = tmp_path / "empty"
    write_store(empty, {"path": [], "phash": np.empty(0, np.uint64)})
    plot = tmp_path / "none.svg"
    told = json.loads(run("calibrate", str(empty), "--json", "-o", str(plot)).stdout)
    assert told["pairs"] == 0
    assert told["recommended"]["min_score"] is None
    assert plot.is_file()
    assert "no such" in run("calibrate", str(tmp_path / "nowhere"), status=2).stderr.lower()

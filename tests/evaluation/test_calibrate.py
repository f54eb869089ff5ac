"""Calibration compared with the truth where it is known."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from fastphash.calibration.chance_matches import ScoredPairs, Tail, fit_tail
from fastphash.calibration.estimates import Calibration
from fastphash.errors import TooManyPairsError
from fastphash.evaluation.calibrate import calibrate, estimate
from fastphash.external.api import self_join
from fastphash.hashing.definition import HASH_COLUMNS
from fastphash.joins.chance import MAX_RADIUS
from fastphash.store.schema import Layout
from tests.support.command_line import run, too_wide
from tests.support.scenes import hashed, waves
from tests.support.stores import hashes_of, write_store


def edited(pictures, seed):
    """A copy of each picture, shifted, turned, faded and with a little noise: uint8 (n, 1024)."""
    rng = np.random.default_rng(seed)
    copies = []
    for picture in pictures.reshape(-1, 32, 32).astype(float):
        moved = scipy.ndimage.shift(picture, rng.uniform(-0.8, 0.8, 2), order=1, mode="nearest")
        moved = np.rot90(moved, rng.integers(4)) * rng.uniform(0.6, 1.2) + rng.uniform(-20, 20)
        copies.append(moved + rng.normal(0, rng.uniform(0, 8), moved.shape))
    return np.clip(copies, 0, 255).astype(np.uint8).reshape(len(pictures), -1)


@pytest.fixture(scope="module")
def mixed():
    """Thumbnails, hashes and the original of each picture; a tenth of them have two copies."""
    originals = waves(2000, 7)
    copied = originals[:200]
    pictures = np.concatenate([originals, edited(copied, 1), edited(copied, 2)])
    return pictures, hashed(pictures), np.concatenate([np.arange(2000), *[np.arange(200)] * 2])


def test_the_estimate_is_near_the_truth(mixed):
    pictures, hashes, original = mixed
    calibration = estimate(pictures, hashes, 14)
    pairs = self_join(hashes, 14)
    copies = original[pairs.left] == original[pairs.right]
    assert np.array_equal(calibration.pairs.distance, pairs.distance)
    for score in (0.0, 0.25, 0.3, 0.4, 0.5, 0.7):
        at = calibration.pairs.score >= score
        truth = copies[at].mean()
        assert abs(calibration.precision_at(score) - truth) < 0.05, score
        low, high = calibration.at_score(score).bounds
        assert low <= truth <= high
    for distance in range(0, 15, 2):
        truth = copies[pairs.distance <= distance].mean()
        assert abs(calibration.precision_at_distance(distance) - truth) < 0.05, distance
    score = calibration.min_score(0.99)
    assert copies[calibration.pairs.score >= score].mean() > 0.97
    assert copies[pairs.distance <= calibration.max_distance(0.99)].mean() > 0.97
    kept = calibration.pairs.distance[calibration.pairs.score >= score]
    assert (kept <= calibration.radius_for(score)).mean() >= 0.99


def test_the_rate_is_at_least_the_lowest_that_was_measured():
    rng = np.random.default_rng(0)
    # copies of every score, as if chance matches hardly fell off; and many that clearly do
    assert fit_tail(rng.uniform(0.25, 0.9, 5000).astype(np.float32)).rate == 9
    steep = fit_tail((0.25 + rng.exponential(1 / 30, 5000)).astype(np.float32))
    assert steep.rate == pytest.approx(30, rel=0.1)
    assert steep.chance == pytest.approx(5000, rel=0.05)


def test_without_copies_no_threshold_is_recommended():
    calibration = estimate(pictures := waves(2500, 8), hashed(pictures), 16)
    assert calibration.pairs.distance.size > 1000
    assert calibration.precision_at_distance(16) < 0.05
    assert calibration.precision_at(0.2) < 0.1
    assert calibration.min_score(0.9) is None
    assert calibration.max_distance(0.9) is None


def test_without_thumbnails_the_estimate_is_by_distance(mixed):
    _, hashes, original = mixed
    calibration = estimate(None, hashes, 14)
    pairs = self_join(hashes, 14)
    copies = original[pairs.left] == original[pairs.right]
    assert np.isnan(calibration.precision_at(0.5))
    assert calibration.min_score(0.5) is None
    for distance in (4, 8, 10, 12, 14):
        truth = copies[pairs.distance <= distance].mean()
        assert abs(calibration.precision_at_distance(distance) - truth) < 0.1, distance


def test_fewer_needles_give_the_same_shares(mixed):
    pictures, hashes, _ = mixed
    everything = estimate(pictures, hashes, 14)
    number = everything.pairs.distance.size
    sampled = estimate(pictures, hashes, 14, max_pairs=number // 2)
    assert 100 < sampled.pairs.distance.size <= number // 2
    for score in (0.3, 0.5):
        assert abs(sampled.precision_at(score) - everything.precision_at(score)) < 0.1


def test_one_image_with_too_many_pairs():
    hashes = np.full(50, 0xFF, np.uint64)
    with pytest.raises(TooManyPairsError, match=r"the limit of 10: .* or use a smaller `radius`"):
        estimate(None, hashes, 4, max_pairs=10)
    with pytest.raises(TooManyPairsError, match="at least 49 pairs"):
        estimate(None, hashes, 4, max_pairs=48)
    assert estimate(None, hashes, 4, max_pairs=49).pairs.distance.size == 49


scored = st.lists(st.tuples(st.integers(0, 16), st.floats(0, 1, width=32)), max_size=40)


@given(scored, st.floats(0, 500), st.floats(9, 200))
def test_shares_are_shares_and_rise_with_the_threshold(pairs, chance, rate):
    distance, score = (
        (np.array(column) for column in zip(*pairs, strict=True)) if pairs else ([], [])
    )
    scored_pairs = ScoredPairs(np.array(distance, np.uint8), np.array(score, np.float32))
    by_distance = np.zeros(65)
    by_distance[:17] = chance / 17
    calibration = Calibration(
        16, scored_pairs, scored_pairs, by_distance, Tail(chance, rate, int(chance), 1.0)
    )
    at_scores = [calibration.precision_at(at / 10) for at in range(10)]
    at_distances = [calibration.precision_at_distance(at) for at in range(16, -1, -1)]
    for shares in (at_scores, at_distances):
        known = [share for share in shares if not np.isnan(share)]
        assert known == sorted(known)
        assert all(0 <= share <= 1 for share in known)
    for at in range(10):
        estimated = calibration.at_score(at / 10)
        assert estimated.least <= estimated.chance <= estimated.most
        assert estimated.most > 3.6  # even where none are expected
    score = calibration.min_score(0.9)
    assert score is None or calibration.precision_at(score) >= 0.9


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_few_images(rows):
    pictures = waves(rows, 3)
    calibration = estimate(pictures, hashed(pictures), 8)
    assert calibration.min_score(0.5) is None
    assert np.isnan(calibration.precision_at(0.5))


def columns(pictures, times=1):
    """The columns of a store that holds each picture `times` times."""
    hashes, pictures = (np.repeat(a, times, axis=0) for a in (hashed(pictures), pictures))
    by_orientation = dict(zip(HASH_COLUMNS, hashes.T, strict=True))
    paths = [f"{i}.png" for i in range(len(pictures))]
    return by_orientation | {"split": ["all"] * len(paths), "path": paths, "thumbnail": pictures}


@pytest.mark.slow
def test_a_hundred_thousand_equal_images_are_one():
    rows = columns(waves(2, 5), [100_000, 1])
    digests = np.zeros((100_001, 2), np.uint64)
    digests[50_000:, 0] = np.arange(1, 50_002)
    calibration = calibrate(hashes_of(rows | {"digest": digests}))
    assert (calibration.images, calibration.identical, calibration.equal) == (
        100_001,
        49_999,
        50_000,
    )
    assert calibration.needles == 2
    assert calibration.calibration.radius == MAX_RADIUS


def test_equal_hashes_of_other_pictures_are_pairs():
    flat = np.arange(20, dtype=np.uint8)[:, None].repeat(1024, axis=1)
    calibration = calibrate(hashes_of(columns(flat, 2)))
    assert calibration.equal == 20
    assert calibration.calibration.pairs.distance.size == 20 * 19 // 2
    assert calibration.calibration.precision_at_distance(0) < 0.2


def test_the_command(mixed, tmp_path):
    pictures, _, _ = mixed
    store = tmp_path / "hashes"
    write_store(store, columns(pictures))
    plot = tmp_path / "shares.svg"
    figures = json.loads(run("calibrate", str(store), "--json", "-o", str(plot)).stdout)
    assert figures["images"] == len(pictures)
    assert figures["needles"] == len(pictures)
    assert figures["radius"] % 2 == 0
    recommended = figures["recommended"]
    assert 0.25 <= recommended["min_score"] < 0.6
    assert recommended["radius"] <= figures["radius"]
    assert figures["distances"][-1]["pairs"] == figures["pairs"] == figures["scores"][0]["pairs"]
    titles = [e.text for e in ET.parse(plot).iter("{http://www.w3.org/2000/svg}text")]
    assert {"Copies among pairs, by score", "score at least"} <= set(titles)

    text = run("calibrate", str(store), "--radius", "8", "--precision", "0.9").stdout
    assert too_wide(text.replace(str(tmp_path), "FOLDER")) == []
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
    assert "with another's hashes are left out" in " ".join(text.split())
    assert "negative" not in text
    empty = tmp_path / "empty"
    write_store(empty, {"path": [], "phash": np.empty(0, np.uint64)})
    plot = tmp_path / "none.svg"
    done = run("calibrate", str(empty), "--json", "-o", str(plot))
    figures = json.loads(done.stdout)
    assert figures["pairs"] == 0
    assert figures["recommended"]["min_score"] is None
    assert f"nothing to draw: {plot} wasn't written" in done.stderr
    assert not plot.exists()
    text = run("calibrate", str(empty)).stdout
    assert "pairs of the others within 16 bits: 0" in text
    assert "there are no two different images" in text
    assert "By distance" not in text
    assert "no such" in run("calibrate", str(tmp_path / "nowhere"), status=2).stderr.lower()


def test_without_pairs_nothing_is_drawn(tmp_path):
    write_store(tmp_path / "s", columns(waves(3, 1)))
    plot = tmp_path / "none.svg"
    done = run("calibrate", str(tmp_path / "s"), "--radius", "0", "-o", str(plot))
    text = " ".join(done.stdout.split())
    assert "no two images are within 0 bits; a larger --radius may find some" in text
    assert "nothing to draw" in done.stderr
    assert not plot.exists()

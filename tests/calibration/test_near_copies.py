"""The share of copies by scores, and the score for a share, where the truth is known."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastphash.calibration.falling import count_from, falling_matches
from fastphash.calibration.near_copies import NearShares, choose_score


def scores_of(seed, *, copies, chance, template=0):
    """Scores, and which are of copies; chance matches fall off, those of a template are alike."""
    rng = np.random.default_rng(seed)
    parts = [
        1 - np.abs(rng.normal(0, 0.15, copies)),
        0.1 + rng.exponential(1 / 13, chance),
        rng.normal(0.58, 0.08, template),
    ]
    scores = np.clip(np.concatenate(parts), 0, 1).astype(np.float32)
    return scores, np.arange(scores.size) < copies


@pytest.mark.parametrize("seed", range(4))
def test_the_share_is_near_the_truth(seed):
    scores, copies = scores_of(seed, copies=400, chance=4000)
    shares = NearShares(scores, 0.5)
    assert not shares.template
    for score in (0.3, 0.5, 0.7):
        assert abs(shares.at_score(score).precision - copies[scores >= score].mean()) < 0.05


@pytest.mark.parametrize("seed", range(4))
def test_pictures_of_one_template_are_found_out(seed):
    scores, copies = scores_of(seed, copies=100, chance=3000, template=1000)
    shares = NearShares(scores, 0.5)
    assert shares.template
    truth = copies[scores >= 0.5].mean()
    assert truth < 0.15
    assert abs(shares.at_score(0.5).precision - truth) < 0.2
    low, high = shares.at_score(0.5).bounds
    assert low <= truth <= high
    choice = choose_score(scores, 0.5, 0.99)
    assert choice.reached
    assert choice.score > 0.7
    assert copies[scores >= choice.score].mean() > 0.75
    assert choice.asked.precision < 0.3


def test_a_score_that_gives_the_share_stays():
    scores, _ = scores_of(1, copies=2000, chance=1000)
    choice = choose_score(scores, 0.5, 0.95)
    assert (choice.score, choice.reached) == (0.5, True)
    assert choice.estimate == choice.asked
    assert choose_score(scores, 0.5, 0.999).score > 0.5


def test_no_score_gives_a_share_where_there_are_chance_matches_alone():
    rng = np.random.default_rng(0)
    scores = np.minimum(0.25 + rng.exponential(1 / 9, 3000), 1).astype(np.float32)
    choice = choose_score(scores, 0.5, 0.99)
    assert not choice.reached
    assert choice.score == 0.5
    assert choice.estimate.precision < 0.3


@pytest.mark.parametrize("count", [0, 1, 19, 60])
def test_a_few_pairs_say_nothing(count):
    assert choose_score(np.full(count, 0.9, np.float32), 0.5, 0.99) is None


def test_few_pairs_say_something_if_they_are_clearly_no_copies():
    scores, _ = scores_of(1, copies=0, chance=3000, template=90)
    assert int((scores >= 0.5).sum()) < 100
    assert choose_score(scores, 0.5, 0.99).asked.precision < 0.5


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1, width=32), max_size=60), st.sampled_from([1.0, 1.5]))
def test_falling_matches_are_those_of_plain_counting(scores, slope):
    scores = np.array(scores, np.float32)
    edges = [0.25 + 0.05 * np.arange(16)[i] for i in range(16)]
    counts = [
        sum(low <= s < high or (high == edges[-1] and s >= edges[-1]) for s in scores.tolist())
        for low, high in pairwise(edges)
    ]
    expected = []
    for i in range(12):
        pooled = [sum(counts[j : j + 3]) for j in range(i + 1, 13)]
        most = min((total + total**0.5 + 1) / 3 for total in pooled)
        expected.append(max(counts[i] - slope * most, 0))
    expected += [expected[-1] / 4**k for k in (1, 2, 3)]
    matches = falling_matches(scores, slope)
    assert matches == pytest.approx(expected)
    assert count_from(matches, scores, 0.25) <= matches.sum() + 1e-9
    assert count_from(matches, scores, 0.9) >= count_from(matches, scores, 0.97)

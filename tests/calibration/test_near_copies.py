"""The share of copies by scores, and the score for a share, where the truth is known."""

import numpy as np
import pytest

from fastphash.calibration.chance_matches import fit_tail
from fastphash.calibration.estimates import estimate_tail
from fastphash.calibration.near_copies import choose_score, falls_off

# scores of copies that were all edited in one way, or in two
HUMPS = {
    "high": lambda rng, count: rng.normal(0.75, 0.1, count),
    "low": lambda rng, count: rng.normal(0.65, 0.08, count),
    "flat": lambda rng, count: rng.uniform(0.5, 0.8, count),
    "two": lambda rng, count: np.where(
        rng.random(count) < 0.6, rng.normal(0.62, 0.05, count), rng.normal(0.93, 0.03, count)
    ),
    "so low that they fall into the band": lambda rng, count: rng.normal(0.5, 0.1, count),
}


def mixed(seed, copies, *, chance, rate=13.0, start=0.1, hump=None):
    """Scores, and which are of copies; those of chance matches fall off exponentially."""
    rng = np.random.default_rng(seed)
    if hump is None:
        of_copies = 1 - np.abs(rng.normal(0, 0.15, copies))
    else:
        of_copies = HUMPS[hump](rng, copies)
    parts = of_copies, start + rng.exponential(1 / rate, chance)
    scores = np.clip(np.concatenate(parts), 0, 1).astype(np.float32)
    return scores, np.arange(scores.size) < copies


@pytest.mark.parametrize("count", [30, 60, 100, 300, 1000])
@pytest.mark.parametrize("hump", HUMPS)
def test_copies_that_score_alike_are_not_doubted(hump, count):
    for seed in range(8):
        scores, _ = mixed(seed, count, chance=0, hump=hump)
        choice = choose_score(scores, 0.5, 0.99)
        if choice is not None:
            assert (choice.too_few, choice.score) == (False, 0.5)
            assert choice.estimate == choice.asked
            low, high = choice.asked.bounds
            assert low <= 1 <= high + 0.01


@pytest.mark.parametrize("hump", ["high", "flat", "two"])
def test_the_score_is_raised_where_there_are_chance_matches(hump):
    scores, copies = mixed(1, 3000, chance=60_000, rate=18, start=0.15, hump=hump)
    choice = choose_score(scores, 0.5, 0.99)
    assert choice.too_few
    assert choice.score > 0.5
    assert choice.estimate.precision >= 0.99
    assert choice.estimate == estimate_tail(scores, fit_tail(scores), choice.score)
    truth = copies[scores >= 0.5].mean()
    assert truth < 0.98
    assert choice.asked.bounds[0] <= truth <= choice.asked.bounds[1] < 0.99
    assert copies[scores >= choice.score].mean() > 0.98


@pytest.mark.parametrize("seed", range(4))
def test_the_share_is_near_the_truth(seed):
    scores, copies = mixed(seed, 400, chance=4000)
    tail = fit_tail(scores)
    assert falls_off(scores, tail)
    for score in (0.3, 0.5, 0.7):
        estimate = estimate_tail(scores, tail, score)
        assert abs(estimate.precision - copies[scores >= score].mean()) < 0.05


def test_a_score_that_gives_the_share_stays():
    scores, _ = mixed(1, 2000, chance=1000)
    choice = choose_score(scores, 0.5, 0.95)
    assert (choice.score, choice.too_few) == (0.5, False)
    assert choice.estimate == choice.asked


@pytest.mark.parametrize("seed", range(4))
def test_no_score_gives_a_share_where_there_are_chance_matches_alone(seed):
    scores, _ = mixed(seed, 0, chance=3000, rate=9, start=0.25)
    choice = choose_score(scores, 0.5, 0.99)
    assert (choice.score, choice.too_few) == (None, True)
    assert choice.estimate == choice.asked
    assert choice.asked.precision < 0.3


def test_a_few_copies_in_a_tail_are_too_few_to_choose_a_score_by():
    scores, _ = mixed(0, 50, chance=3000, rate=9, start=0.25)
    choice = choose_score(scores, 0.5, 0.99)
    assert choice.too_few
    assert choice.score is None


@pytest.mark.parametrize("count", [0, 1, 19, 60])
def test_a_few_pairs_say_nothing(count):
    assert choose_score(np.full(count, 0.9, np.float32), 0.5, 0.99) is None


def test_bounds_that_are_far_apart_say_nothing():
    scores, _ = mixed(0, 20, chance=500)
    low, high = estimate_tail(scores, fit_tail(scores), 0.5).bounds
    assert high - low > 0.3
    for wanted in (0.5, 0.9, 0.99, 0.9999):
        assert choose_score(scores, 0.5, wanted) is None


def test_scores_that_do_not_fall_off_say_nothing():
    """Pictures in one template, or copies that score little: how many are by chance is unknown."""
    scores = np.concatenate((np.linspace(0.2, 0.7, 1000), np.linspace(0.9, 1, 300)))
    scores = scores.astype(np.float32)
    tail = fit_tail(scores)
    assert estimate_tail(scores, tail, 0.5).bounds[1] < 0.99
    assert not falls_off(scores, tail)
    assert choose_score(scores, 0.5, 0.99) is None


def test_what_falls_off_is_seen_to():
    rng = np.random.default_rng(0)
    for rate in (9, 13, 25):
        scores = (0.2 + rng.exponential(1 / rate, 3000)).astype(np.float32)
        assert falls_off(scores, fit_tail(scores))
    none = np.empty(0, np.float32)
    assert falls_off(none, fit_tail(none))

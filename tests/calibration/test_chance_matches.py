"""The tail of scores of chance matches."""

import numpy as np
import pytest
from scipy.optimize import brentq

from fastphash.calibration import chance_matches
from fastphash.calibration.chance_matches import BAND_END, LEAST_COPY_SCORE, fit_tail


@pytest.mark.parametrize("mean", [1e-5, 0.003, 0.02, 0.05, 0.07])
def test_the_rate_is_that_of_a_library(mean):
    width = BAND_END - LEAST_COPY_SCORE
    expected = brentq(lambda rate: chance_matches._cut_mean(rate, width) - mean, 9.0, 1e6)
    assert chance_matches._rate_of_mean(mean, width) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("rate", [15.0, 30.0])
def test_the_rate_of_drawn_scores_is_found(rate):
    drawn = np.random.default_rng(1).exponential(1 / rate, 200_000)
    tail = fit_tail((LEAST_COPY_SCORE + drawn).astype(np.float32))
    assert tail.rate == pytest.approx(rate, rel=0.03)


@pytest.mark.parametrize("size", [600, 1 << 20])
def test_scores_that_are_all_the_least_have_a_tail(size):
    tail = fit_tail(np.full(size, LEAST_COPY_SCORE, np.float32))
    assert tail.rate > 1000
    assert tail.chance == pytest.approx(size)

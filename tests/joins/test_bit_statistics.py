from itertools import pairwise

import numpy as np
import pytest

from fastphash.joins.bit_statistics import measure_bits, sample_distinct
from tests.joins.skewed import EMPTY, SKEWED, UNIFORM, uniform


@pytest.mark.parametrize("size", [1, 100, 2000, 100_000])
def test_uniform_hashes_are_measured_as_such(size):
    statistics = measure_bits(uniform(size), uniform(size, 1))
    assert not statistics.skewed
    assert statistics.agreement_probability(0) == 1
    assert statistics.agreement_probability(12) == pytest.approx(2**-12, rel=1e-3)


@pytest.mark.parametrize("hashes", [EMPTY, uniform(1), np.full(5000, 7, np.uint64)])
def test_too_few_hashes_are_taken_for_uniform(hashes):
    assert measure_bits(hashes, hashes) == UNIFORM
    assert measure_bits(hashes, EMPTY) == UNIFORM


@pytest.mark.parametrize("kind", SKEWED)
def test_skewed_hashes_are_measured_as_such(kind):
    hashes = SKEWED[kind]
    statistics = measure_bits(hashes, hashes)
    assert statistics.skewed
    assert statistics.agreement.shape == (64,)
    assert statistics.correlation.shape == (64, 64)
    assert np.isfinite(statistics.correlation).all()
    shares = [statistics.agreement_probability(bits) for bits in range(65)]
    assert shares[0] == 1
    assert all(0 < b < a for a, b in pairwise(shares))


def test_bits_that_go_together_correlate():
    hashes = uniform(100_000)
    halves = hashes & np.uint64(2**32 - 1)
    # bit 32 + i is bit i, and bit 63 the opposite of bit 31
    hashes = (halves | halves << np.uint64(32)) ^ np.uint64(1 << 63)
    correlation = measure_bits(hashes, hashes).correlation
    expected = np.tile(np.eye(32), (2, 2))
    assert correlation[expected == 1] == pytest.approx(1)
    assert np.abs(correlation[expected == 0]).max() < 0.1


def test_measured_agreement_is_that_of_the_bits():
    statistics = measure_bits(SKEWED["few bits"], SKEWED["few bits"])
    assert statistics.agreement[:32] == pytest.approx(0.5, abs=0.1)
    assert (statistics.agreement[32:] == 1).all()
    # three quarters agree; in twelve bits more pairs do than if bits were independent
    assert statistics.alpha / (statistics.alpha + statistics.beta) == pytest.approx(0.75, abs=0.02)
    assert statistics.agreement_probability(12) > 0.6**12


def test_measuring_is_repeatable():
    hashes = SKEWED["ball"]
    first, second = (measure_bits(hashes, hashes) for _ in range(2))
    assert np.array_equal(first.correlation, second.correlation)
    assert (first.alpha, first.beta) == (second.alpha, second.beta)


@pytest.mark.parametrize("words", [1, 4])
@pytest.mark.parametrize(("size", "blank"), [(60_000, 2 / 3), (500_000, 0.995)])
def test_hashes_that_come_often_count_once(size, blank, words):
    hashes = uniform(size * words).reshape(size, words)
    hashes[np.random.default_rng(1).random(size) < blank] = 7
    assert not measure_bits(hashes, hashes).skewed
    sample = sample_distinct(hashes)
    assert len(np.unique(sample.hashes, axis=0)) == len(sample.hashes)
    assert {*map(tuple, sample.hashes.tolist())} <= {*map(tuple, hashes.tolist())}
    assert sample.rows == size
    assert sample.total == pytest.approx(size * (1 - blank), rel=0.1)


@pytest.mark.parametrize("hashes", [EMPTY, uniform(1), uniform(5000) % np.uint64(3), uniform(5000)])
def test_few_distinct_hashes_are_counted(hashes):
    assert sample_distinct(hashes).total == np.unique(hashes).size
    assert sample_distinct(hashes).hashes.shape == (np.unique(hashes).size, 1)

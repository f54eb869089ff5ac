"""How the bits of hashes agree, measured on a sample of pairs.

Two uniform hashes agree in each bit with probability 1/2, and bits are independent. Other hashes
agree more often, so that partitions bring more of them together.

The model: each pair of hashes has a share s of bits in which it agrees, and s has a beta
distribution. Then the number of agreeing bits is beta-binomial; alpha and beta follow from its mean
and variance in a sample. A pair agrees in b given bits with probability s^b. The mean of s^b is the
product of (alpha + i) / (alpha + beta + i) for i from 0 to b - 1.
"""

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.kernels import row_keys

# pairs of hashes that are compared
_SAMPLE = 1 << 12
_MIN_SAMPLE = 64
# hashes that these are drawn from: more rows are read, up to the most, until enough differ
_FEW_ROWS, _MOST_ROWS = 1 << 13, 1 << 18
_ENOUGH_DISTINCT = 1 << 11
# standard errors by which a sample must depart from uniform hashes
_SIGNIFICANT = 6.0


@dataclass(frozen=True, slots=True)
class BitStatistics:
    """How the bits of two random hashes agree.

    Attributes
    ----------
    alpha, beta : float
        Of the beta distribution of the share of bits in which two hashes agree.
    agreement : float64 (bits,)
        Share of pairs that agree in each bit: word by word, in a word from the least significant.
    correlation : float64 (bits, bits)
        Correlation of agreement in one bit with agreement in another.
    skewed : bool
        Whether the hashes depart from uniform ones by more than a sample of these would.
    """

    alpha: float
    beta: float
    agreement: NDArray[np.float64]
    correlation: NDArray[np.float64]
    skewed: bool

    def agreement_probability(self, bits: int) -> float:
        """Probability that two hashes agree in `bits` given bits."""
        i = np.arange(bits)
        return float(np.prod((self.alpha + i) / (self.alpha + self.beta + i)))


class DistinctSample(NamedTuple):
    """Some hashes that differ.

    Attributes
    ----------
    hashes : uint64 (n, words)
    rows : int
        How many hashes there are in all.
    total : int
        How many of these are distinct, estimated.
    """

    hashes: NDArray[np.uint64]
    rows: int
    total: int


def sample_distinct(hashes: NDArray[np.uint64]) -> DistinctSample:
    """Some of hashes (n,) or (n, words), each once however often it comes.

    Of rows of which two thirds are blank, random ones tell how often blank ones meet. A search sees
    each hash once.
    """
    rows = hashes.reshape(len(hashes), math.prod(hashes.shape[1:]))
    wanted = _FEW_ROWS
    while True:
        some = rows
        if len(rows) > wanted:
            # no row twice: it would count as a repeat
            chosen = np.unique(np.random.default_rng(0).integers(0, len(rows), wanted))
            some = rows[chosen]
        some = np.ascontiguousarray(some)
        keys = np.zeros(len(some), np.uint64)
        row_keys.mix_rows(some, keys)
        _, first, counts = np.unique(keys, return_index=True, return_counts=True)
        if first.size >= _ENOUGH_DISTINCT or len(some) == len(rows) or wanted >= _MOST_ROWS:
            break
        wanted *= 8
    once = int(np.count_nonzero(counts == 1))
    # those that come several times here are few; of the others there are as many elsewhere
    total = first.size - once + once * len(rows) // max(len(some), 1)
    return DistinctSample(some[np.sort(first)], len(rows), total)


def measure_bits(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> BitStatistics:
    """Statistics of pairs of a left and a right hash, (n,) or (n, 4), perhaps of one array.

    Hashes that come several times count once.
    """
    left_sample = sample_distinct(left)
    return measure_samples(left_sample, left_sample if right is left else sample_distinct(right))


def measure_samples(left: DistinctSample, right: DistinctSample) -> BitStatistics:
    """Statistics of pairs of a left and a right hash."""
    agreeing = _sample_agreement(left, right)
    bits = 64 * agreeing.shape[1]
    if len(agreeing) < _MIN_SAMPLE:
        return uniform_bits(bits)
    share = np.bitwise_count(agreeing).sum(axis=1, dtype=np.int64) / bits
    agrees = np.unpackbits(agreeing.view(np.uint8), axis=1, bitorder="little")
    mean, variance = float(share.mean()), float(share.var())
    agreement = agrees.mean(axis=0)
    # both are about 0 and 1 for uniform hashes; pairs of complements agree in no bit
    excess_variance = variance / max(mean * (1 - mean) / bits, 1e-9) - 1
    unevenness = float(((agreement - 0.5) ** 2).mean()) * 4 * len(agrees)
    variance_noise = _SIGNIFICANT * math.sqrt(2 / len(agrees))
    unevenness_noise = _SIGNIFICANT * math.sqrt(2 / bits)
    # of hashes that differ, uniform ones have no word in common
    shares_word = bool((agreeing == ~np.uint64(0)).any())
    looks_uniform = excess_variance < variance_noise and unevenness < 1 + unevenness_noise
    if looks_uniform and not shares_word:
        return uniform_bits(bits)
    # a beta-binomial number of n bits has 1 + (n - 1) / (alpha + beta + 1) times the binomial
    # variance; a variance below that of uniform hashes counts as equal to it
    total = 1 / min(max(excess_variance / (bits - 1), 1e-6), 0.9) - 1
    correlation = _correlate(agrees, agreement)
    return BitStatistics(mean * total, (1 - mean) * total, agreement, correlation, skewed=True)


def _correlate(agrees: NDArray[np.uint8], agreement: NDArray[np.float64]) -> NDArray[np.float64]:
    """The correlation of agreement in two bits, whose means are given: (bits, bits).

    Counts of bits give the sums of products: a product of matrices would start the threads of
    numpy's library, and wait for them on a machine that is busy.
    """
    whole = np.zeros((agrees.shape[1], -(-len(agrees) // 64) * 64), np.uint8)
    whole[:, : len(agrees)] = agrees.T
    columns = np.packbits(whole, axis=1).view(np.uint64)
    both = np.stack([np.bitwise_count(column & columns).sum(axis=1) for column in columns])
    covariance = both / len(agrees) - np.outer(agreement, agreement)
    deviation = np.sqrt(agreement * (1 - agreement)) + 1e-9
    correlation: NDArray[np.float64] = covariance / np.outer(deviation, deviation)
    return correlation


def _sample_agreement(left: DistinctSample, right: DistinctSample) -> NDArray[np.uint64]:
    """The bits in which random pairs of different hashes agree: uint64 (pairs, words)."""
    one, other = left.hashes, right.hashes
    # a few hashes need no plan, and statistics take time; of many rows a few hashes may be distinct
    size = min(_SAMPLE, max(left.rows, right.rows) // 16)
    if size < _MIN_SAMPLE or not one.size or not other.size:
        return np.empty((0, one.shape[1]), np.uint64)
    rng = np.random.default_rng(0)
    differing = one[rng.integers(0, len(one), size)] ^ other[rng.integers(0, len(other), size)]
    agreeing: NDArray[np.uint64] = ~differing[(differing != 0).any(axis=1)]
    return agreeing


@functools.cache
def uniform_bits(bits: int) -> BitStatistics:
    """Statistics of uniform hashes."""
    return BitStatistics(5e8, 5e8, np.full(bits, 0.5), np.eye(bits), skewed=False)

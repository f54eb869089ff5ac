"""How the bits of hashes go together, measured on a sample."""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SAMPLE = 1 << 12
# standard errors of the variance by which distances must be spread wider than chance spreads them
_SKEWED = 6.0


@dataclass(frozen=True, slots=True)
class BitStatistics:
    """How alike two hashes picked at random are.

    Attributes
    ----------
    alpha, beta : float
        The share of bits in which two hashes agree is spread like a beta distribution with these.
    agreement : float64 (64,)
        Share of pairs that agree in each bit, 0 the least significant.
    together : float64 (64, 64)
        Correlation of agreement in one bit and in another.
    skewed : bool
        Whether this is further from chance than a sample of chance would be.
    """

    alpha: float
    beta: float
    agreement: NDArray[np.float64]
    together: NDArray[np.float64]
    skewed: bool

    def agree_in(self, bits: int) -> float:
        """Probability that two hashes agree in so many given bits."""
        places = np.arange(bits)
        return float(np.prod((self.alpha + places) / (self.alpha + self.beta + places)))


def measure_bits(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> BitStatistics:
    """Likeness of hashes (n,) of one side and the other (or the same), from a sample."""
    size = min(_SAMPLE, max(left.size, right.size) // 16)
    if size < 64 or not left.size or not right.size:
        return _chance()
    rng = np.random.default_rng(0)
    sample = left[rng.integers(0, left.size, size)] ^ right[rng.integers(0, right.size, size)]
    sample = sample[sample != 0]
    if sample.size < 64:
        return _chance()
    same = 1 - np.unpackbits(sample[:, None].view(np.uint8), axis=1, bitorder="little").astype(
        np.float64
    )
    share = same.mean(axis=1)
    mean, variance = float(share.mean()), float(share.var())
    by_chance = mean * (1 - mean) / 64
    agreement = same.mean(axis=0)
    spread = variance / by_chance - 1
    uneven = float(((agreement - 0.5) ** 2).mean()) * 4 * sample.size
    noise = _SKEWED * math.sqrt(2 / sample.size)
    if spread < noise and uneven < 1 + _SKEWED * math.sqrt(2 / 64):
        return _chance()
    # moments of the beta-binomial distribution; a spread below chance's is as good as chance's
    within = min(max(spread / 63, 1e-6), 0.9)
    total = 1 / within - 1
    centred = same - agreement
    deviation = np.sqrt((centred**2).mean(axis=0)) + 1e-9
    together = centred.T @ centred / sample.size / np.outer(deviation, deviation)
    return BitStatistics(mean * total, (1 - mean) * total, agreement, together, skewed=True)


@functools.cache
def _chance() -> BitStatistics:
    return BitStatistics(5e8, 5e8, np.full(64, 0.5), np.eye(64), skewed=False)

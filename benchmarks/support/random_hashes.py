"""Random hashes: uniform ones, and ones that resemble those of photos.

Those of 64 bits are (n,), those of 256 bits (n, 4).
"""

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
import scipy.special
from numpy.typing import NDArray

from fastphash import phash

Hashes = NDArray[np.uint64]
DrawHashes = Callable[[int], Hashes]
"""Draws so many hashes, different ones at each call."""

_BATCH = 1 << 16


def uniform_hashes(bits: int = 64) -> DrawHashes:
    rng = np.random.default_rng(0)
    row = () if bits == 64 else (bits // 64,)
    return lambda size: rng.integers(0, 2**64, (size, *row), dtype=np.uint64)


def skewed_hashes(pictures: Iterable[NDArray[np.uint8]], bits: int = 64) -> DrawHashes:
    """Hashes whose bits have the means and correlations of the pictures' hashes."""
    # each hash once, or blank crops would dominate
    hashes = [phash(own) if bits == 64 else phash(own, bits=256) for own in pictures]
    sample = np.unique(np.array(hashes, np.uint64), axis=0)
    return partial(draw_from_copula, np.random.default_rng(0), *fit_copula(sample))


def fit_copula(sample: Hashes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Gaussian copula of n bits: factor (n, n) of the normals' correlations, thresholds (n,).

    Signs of normals have correlation r if the normals have sin(pi / 2 * r): exactly where a bit's
    mean is one half, nearly elsewhere. Negative eigenvalues are set to zero.
    """
    rows = sample.reshape(len(sample), -1).view(np.uint8)
    bits = np.unpackbits(rows, axis=1, bitorder="little").astype(float)
    mean = np.clip(bits.mean(axis=0), 0.5 / len(bits), 1 - 0.5 / len(bits))
    spread = np.maximum(bits.std(axis=0), 1e-6)
    centred = (bits - bits.mean(axis=0)) / spread
    latent = np.sin(np.pi / 2 * (centred.T @ centred / len(bits)))
    np.fill_diagonal(latent, 1)
    values, vectors = np.linalg.eigh(latent)
    factor = vectors * np.sqrt(np.maximum(values, 0))
    factor /= np.linalg.norm(factor, axis=1, keepdims=True)
    return factor.astype(np.float32), scipy.special.ndtri(1 - mean).astype(np.float32)


def draw_from_copula(
    rng: np.random.Generator,
    factor: NDArray[np.float32],
    threshold: NDArray[np.float32],
    size: int,
) -> Hashes:
    out = np.empty((size, threshold.size // 64), np.uint64)
    for start in range(0, size, _BATCH):
        batch = out[start : start + _BATCH]
        normal = rng.standard_normal((len(batch), threshold.size), np.float32) @ factor.T
        batch[:] = np.packbits(normal > threshold, axis=1, bitorder="little").view(np.uint64)
    return out[:, 0] if threshold.size == 64 else out

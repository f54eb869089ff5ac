"""Stretches of lines of pixels, and the matrices that enlarge them."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.hashing.windows import LOW, low_cosines

# pixels on either side that Lanczos resampling weighs
_LOBES = 3
# stretches whose matrices are made at once
_STRETCHES = 1 << 9


def distinct_stretches(
    windows: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The different stretches of windows (n, 4), and which each window has.

    Returns
    -------
    stretches : float64 (m, 2)
        Where each begins and ends.
    numbers : int64 (n, 2)
        Of the rows of each window, then of its columns.
    """
    stretches = np.concatenate([windows[:, 1::2], windows[:, ::2]])
    # as complex numbers, which sort like pairs, eight times as fast as rows do
    pairs = np.ascontiguousarray(stretches, np.float64).view(np.complex128)[:, 0]
    distinct, numbers = np.unique(pairs, return_inverse=True)
    return distinct.view(np.float64).reshape(-1, 2), np.ascontiguousarray(numbers.reshape(2, -1).T)


def numbered_stretches(
    windows: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Matrices of the different stretches of windows (n, 4), and which each window has.

    They are float64 (m, 8, 32); the numbers are those of `distinct_stretches`.
    """
    distinct, numbers = distinct_stretches(windows)
    matrices = np.empty((len(distinct), LOW, THUMBNAIL_SIDE))
    for start in range(0, len(distinct), _STRETCHES):
        part = distinct[start : start + _STRETCHES]
        matrices[start : start + _STRETCHES] = low_cosines() @ resampling(part[:, 0], part[:, 1])
    return matrices, numbers


def resampling(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matrices that enlarge a stretch of a line of 32 pixels to 32 pixels, by Lanczos.

    `low` and `high` (m,) are the ends of each stretch, as shares of the line: float64 (m, 32, 32).
    The whole line is copied exactly.
    """
    middles = (np.arange(THUMBNAIL_SIDE) + 0.5) / THUMBNAIL_SIDE
    places = (low[:, None] + (high - low)[:, None] * middles) * THUMBNAIL_SIDE - 0.5
    x = places[..., None] - np.arange(THUMBNAIL_SIDE)
    weights, near = np.zeros_like(x), np.abs(x) < _LOBES
    weights[near] = np.sinc(x[near]) * np.sinc(x[near] / _LOBES)
    weights[np.abs(weights) < 1e-9] = 0
    scaled: NDArray[np.float64] = weights / weights.sum(axis=-1, keepdims=True)
    return scaled

"""Keys by which equal rows of words are found."""

import numpy as np
from numba import int64, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const


@compiled(const(uint64, 2), array(uint64))
def mix_rows(words: NDArray[np.uint64], key: NDArray[np.uint64]) -> None:
    """Mix each row of `words` (n, k) into its `key` (n,); equal rows with equal keys stay equal."""
    for i in range(words.shape[0]):
        row = words[i]
        value = key[i]
        for word in row:
            # splitmix64's finaliser (Steele, Lea, Flood: Fast splittable generators, 2014)
            value = (value ^ word) + np.uint64(0x9E3779B97F4A7C15)
            value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            value ^= value >> np.uint64(31)
        key[i] = value


@compiled(const(uint64, 2), const(int64), returns=int64)
def first_unequal(words: NDArray[np.uint64], like: NDArray[np.int64]) -> int:
    """The first row i of `words` that differs from row like[i], or -1."""
    for i in range(words.shape[0]):
        a = words[i]
        b = words[like[i]]
        for k in range(a.size):
            if a[k] != b[k]:
                return i
    return -1

"""Equal values in sorted arrays, and equal rows."""

import numpy as np
from numba import int64, uint8, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const


@compiled(const(uint64), const(int64), const(uint64), array(int64), returns=int64)
def count_equal(
    left: NDArray[np.uint64],
    left_rows: NDArray[np.int64],
    right: NDArray[np.uint64],
    per_row: NDArray[np.int64],
) -> int:
    """Add to ``per_row[left_rows[i]]`` how often left[i] is in `right`; both are sorted.

    Returns the sum of what was added.
    """
    total = 0
    low = 0
    high = 0
    for i in range(left.size):
        if i == 0 or left[i] != left[i - 1]:
            low = high
            while low < right.size and right[low] < left[i]:
                low += 1
            high = low
            while high < right.size and right[high] == left[i]:
                high += 1
        per_row[left_rows[i]] += high - low
        total += high - low
    return total


@compiled(
    const(uint64),
    const(int64),
    const(uint64),
    const(int64),
    uint8,
    int64,
    array(int64),
    array(int64),
    array(uint8),
    returns=int64,
)
def emit_equal(
    left: NDArray[np.uint64],
    left_rows: NDArray[np.int64],
    right: NDArray[np.uint64],
    right_rows: NDArray[np.int64],
    bit: int,
    at: int,
    out_left: NDArray[np.int64],
    out_right: NDArray[np.int64],
    out_bit: NDArray[np.uint8],
) -> int:
    """Write the rows of every equal pair of two sorted arrays from `at` on; return the new end."""
    low = 0
    high = 0
    for i in range(left.size):
        if i == 0 or left[i] != left[i - 1]:
            low = high
            while low < right.size and right[low] < left[i]:
                low += 1
            high = low
            while high < right.size and right[high] == left[i]:
                high += 1
        for j in range(low, high):
            out_left[at] = left_rows[i]
            out_right[at] = right_rows[j]
            out_bit[at] = bit
            at += 1
    return at


@compiled(const(uint64, 2), array(uint64))
def mix_rows(words: NDArray[np.uint64], key: NDArray[np.uint64]) -> None:
    """Stir each row of `words` (n, k) into its `key` (n,): equal rows keep equal keys."""
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

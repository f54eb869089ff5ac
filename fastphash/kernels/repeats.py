"""Values that may come twice, by a table of bits: most values of a large array come once."""

from typing import Any

import numpy as np
from numba import int64, uint32, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const, inner


@inner
def _place(value: int, shift: int) -> Any:
    """The bit of a value in a table of 2^(64 - shift) bits (Fibonacci hashing: Knuth 6.4)."""
    mixed = (value ^ (value >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    return mixed >> shift


@compiled(const(uint64), uint64, uint64, uint64, array(uint64), array(uint64))
def mark_repeats(
    values: NDArray[np.uint64],
    shift: int,
    first: int,
    last: int,
    seen: NDArray[np.uint64],
    again: NDArray[np.uint64],
) -> None:
    """Set the bits of values in `seen`, and in `again` those that were set before.

    Only words `first` up to `last` of the tables are written, so that threads can share them.
    """
    for value in values:
        place = _place(value, shift)
        word = place >> np.uint64(6)
        if word - first >= last - first:
            continue
        bit = np.uint64(1) << (place & np.uint64(63))
        if seen[word] & bit:
            again[word] |= bit
        seen[word] |= bit


@compiled(const(uint64), uint64, const(uint64), array(uint32), returns=int64)
def find_marked(
    values: NDArray[np.uint64], shift: int, again: NDArray[np.uint64], out: NDArray[np.uint32]
) -> int:
    """Write the numbers of the values whose bit is set, ascending; returns how many there are."""
    count = 0
    for i in range(values.size):
        place = _place(values[i], shift)
        if again[place >> np.uint64(6)] >> (place & np.uint64(63)) & np.uint64(1):
            out[count] = np.uint32(i)
            count += 1
    return count

"""Values of a batch by piece: their digits counted, scattered by part, and cut into tiles."""

from typing import Any

import numpy as np
from numba import int64, uint16, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const, inner


@inner
def mix(value: Any) -> Any:
    """A value whose top bits depend on all bits of `value`.

    This is splitmix64's finaliser (Steele, Lea, Flood: Fast splittable generators, 2014).
    """
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@compiled(const(uint64), const(uint16), uint64, array(int64))
def count_parts(
    values: NDArray[np.uint64], parts: NDArray[np.uint16], shift: int, counts: NDArray[np.int64]
) -> None:
    """Add to counts[p] how many values have a digit at `shift` of part p.

    Digit d is of part parts[d]; parts.size is a power of two.
    """
    mask = np.uint64(parts.size - 1)
    for value in values:
        counts[parts[(value >> shift) & mask]] += 1


@compiled(const(uint64), const(uint16), uint64, array(int64), array(uint64))
def scatter_parts(
    values: NDArray[np.uint64],
    parts: NDArray[np.uint16],
    shift: int,
    place: NDArray[np.int64],
    out: NDArray[np.uint64],
) -> None:
    """Scatter values by the part of their digit; place[p] is where the next one of part p goes."""
    mask = np.uint64(parts.size - 1)
    for value in values:
        part = parts[(value >> shift) & mask]
        at = np.uint64(place[part])
        place[part] += 1
        out[at] = value


@compiled(const(uint64), uint64, uint64, array(uint64), returns=int64)
def take_tile(values: NDArray[np.uint64], tile: int, tiles: int, out: NDArray[np.uint64]) -> int:
    """Write the values of one of so many tiles, by a hash of each; returns how many there are."""
    count = 0
    for value in values:
        if ((mix(value) >> np.uint64(32)) * tiles) >> np.uint64(32) == tile:
            out[count] = value
            count += 1
    return count


@compiled(const(uint64), uint64, array(uint64), array(uint64), returns=int64)
def drop_recent(
    values: NDArray[np.uint64], shift: int, recent: NDArray[np.uint64], out: NDArray[np.uint64]
) -> int:
    """Write the values but for repeats of recent ones; returns how many there are.

    `recent` has 2^(64 - shift) places. Each holds the last value whose hash names it, and at first
    one whose hash names another.
    """
    count = 0
    for value in values:
        place = mix(value) >> shift
        if recent[place] != value:
            recent[place] = value
            out[count] = value
            count += 1
    return count


@compiled(const(uint64), const(int64), array(uint64), array(uint64), array(int64))
def drop_repeats(
    values: NDArray[np.uint64],
    bounds: NDArray[np.int64],
    table: NDArray[np.uint64],
    out: NDArray[np.uint64],
    out_bounds: NDArray[np.int64],
) -> None:
    """Write the first of equal values of each segment; its own begin at its entry of `out_bounds`.

    Bounds count from the first; those written from 0. `table` has two places for each value of the
    longest segment, and their number is a power of two.
    """
    total = 0
    out_bounds[0] = 0
    for segment in range(bounds.size - 1):
        part = values[bounds[segment] - bounds[0] : bounds[segment + 1] - bounds[0]]
        bits = np.uint64(1)
        while (1 << bits) < 2 * part.size:
            bits += np.uint64(1)
        shift = np.uint64(64) - bits
        last = (np.uint64(1) << bits) - np.uint64(1)
        for i in range(np.int64(last) + 1):
            table[i] = 0
        zero_seen = False
        for value in part:
            if value == 0:
                # 0 stands for a free place
                repeated = zero_seen
                zero_seen = True
            else:
                place = mix(value) >> shift
                while table[place] != 0 and table[place] != value:
                    place = (place + np.uint64(1)) & last
                repeated = table[place] == value
                table[place] = value
            if not repeated:
                out[total] = value
                total += 1
        out_bounds[segment + 1] = total

"""Runs: the values of a segment by key, and scans for what is near within a run."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastphash.kernels import inner
from fastphash.kernels.simd import near, near_some
from fastphash.kernels.simd_lags import LAGS, near_lags
from fastphash.kernels.vectors import LANES

#: How far kernels here read beyond the end of arrays of hashes and labels.
PAD = 4 * LANES
#: Columns of `choices`: the blocks that must agree, and the bits that make a sort key.
CHOICE, SHIFT_HIGH, MASK_HIGH, SHIFT_LOW, MASK_LOW, BITS_LOW, BITS = range(7)
# the bits of all lanes.
_LANE_BITS = (1 << LANES) - 1
# from this length on, a run is compared four windows at a time
_LONG = 2 * PAD


@inner
def fold_key(choice: NDArray[np.uint64], drop: int) -> Any:
    """How a value makes a key without its `drop` lowest bits; see `sort_key`."""
    # scalars: loops that write arrays would read `choice` again for each value
    low_dropped = min(drop, choice[BITS_LOW])
    high_dropped = drop - low_dropped
    return (
        choice[SHIFT_HIGH] + high_dropped,
        choice[MASK_HIGH] >> high_dropped,
        choice[BITS_LOW] - low_dropped,
        choice[SHIFT_LOW] + low_dropped,
        choice[MASK_LOW] >> low_dropped,
    )


@inner
def sort_key(value: int, folded: Any) -> Any:
    """The key of a value: uint64."""
    shift_high, mask_high, up, shift_low, mask_low = folded
    high = ((value >> shift_high) & mask_high) << up
    return high | ((value >> shift_low) & mask_low)


@inner
def run_end(value: int, key_starts: NDArray[np.uint32], folded: Any) -> Any:
    """Where the run of a value's key ends."""
    return np.int64(key_starts[sort_key(value, folded) + np.uint64(1)])


@inner
def key_bits(folded: Any) -> Any:
    """The bits of a value that make its key."""
    shift_high, mask_high, _, shift_low, mask_low = folded
    return (mask_high << shift_high) | (mask_low << shift_low)


@inner
def sort_by_key(
    values: NDArray[np.uint64],
    labels: NDArray[np.uint32],
    choice: NDArray[np.uint64],
    key_starts: NDArray[np.uint32],
    out: NDArray[np.uint64],
    out_labels: NDArray[np.uint32],
) -> Any:
    """Group values by key into runs: key q stands at key_starts[q]:key_starts[q + 1] of `out`.

    Returns the folded key, of so few bits that a typical run fills half a window.
    """
    bits = np.uint64(1)
    while bits < choice[BITS] and (4 << bits) < values.size and (2 << bits) < key_starts.size - 1:
        bits += np.uint64(1)
    drop = choice[BITS] - bits if choice[BITS] > bits else np.uint64(0)
    folded = fold_key(choice, drop)
    keys = np.int64(1) << (choice[BITS] - drop)
    key_starts[: keys + 2] = 0
    # unsigned indices: a signed one costs a test
    for value in values:
        key_starts[sort_key(value, folded) + np.uint64(2)] += np.uint32(1)
    for q in range(2, keys + 2):
        key_starts[q] += key_starts[q - 1]
    for i in range(values.size):
        value = values[i]
        place = sort_key(value, folded) + np.uint64(1)
        at = key_starts[place]
        key_starts[place] = at + np.uint32(1)
        out[at] = value
        if labels.size > 0:
            out_labels[at] = labels[i]
    return folded


# Three scans with one loop over windows: as a function by itself it makes dense joins 6 % slower.
# It compares the first window without a look at the end of the run: most runs are no longer.
@inner
def scan_whole(
    run: NDArray[np.uint64], rows: int, size: int, radius: int, i: int, j: int
) -> tuple[int, int]:
    """From window (i, j) on, the first one with something near run[i]; i is `rows` at the end.

    A `j` before the first window of row i stands for that window, here and below.
    """
    while i < rows:
        value = run[i]
        j = max(j, i + 1)
        while True:
            while size - j > _LONG and not near_some(run, j, value, radius):
                j += PAD
            if near(run, j, value, radius):
                return i, j
            j += LANES
            if j >= size:
                break
        i += 1
        j = 0
    return i, j


@inner
def scan_lags(
    run: NDArray[np.uint64], rows: int, size: int, key_bits: int, radius: int, i: int, lag: int
) -> tuple[int, int]:
    """From (i, lag) on, the first rows and lags with something near; i is at least `rows` at last.

    LANES rows at once are compared with those LAGS lags and more behind them, while one has its
    key. A short run costs a third of what it costs row by row, a long one the same.
    """
    while i < rows:
        lag = max(lag, 1)
        while lag < size - i:
            found = near_lags(run, i, lag, radius, key_bits)
            if found & np.uint16(_LANE_BITS):
                return i, lag
            if found <= np.uint16(_LANE_BITS):
                break
            lag += LAGS
        i += LANES
        lag = 0
    return i, lag


@inner
def scan_across_whole(
    needles: NDArray[np.uint64], run: NDArray[np.uint64], size: int, radius: int, i: int, j: int
) -> tuple[int, int]:
    """From window (i, j) on, the first one of `run` with something near needles[i]."""
    while i < needles.size:
        value = needles[i]
        while True:
            while size - j > _LONG and not near_some(run, j, value, radius):
                j += PAD
            if near(run, j, value, radius):
                return i, j
            j += LANES
            if j >= size:
                break
        i += 1
        j = 0
    return i, j


@inner
def scan_across_runs(
    needles: NDArray[np.uint64],
    run: NDArray[np.uint64],
    key_starts: NDArray[np.uint32],
    folded: Any,
    radius: int,
    i: int,
    j: int,
) -> tuple[int, int]:
    """As `scan_across_whole`, each needle in its key's run."""
    while i < needles.size:
        value = needles[i]
        key = sort_key(value, folded)
        stop = np.int64(key_starts[key + np.uint64(1)])
        j = max(j, int(key_starts[key]))
        while True:
            while stop - j > _LONG and not near_some(run, j, value, radius):
                j += PAD
            if near(run, j, value, radius):
                return i, j
            j += LANES
            if j >= stop:
                break
        i += 1
        j = 0
    return i, j

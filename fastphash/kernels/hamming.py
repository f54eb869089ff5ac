"""Hamming search inside segments of values that agree in some blocks: a join's innermost loops."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import int64, uint32, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const, inner
from fastphash.kernels.simd import LANES, near, near_some, popcount, unlike

#: How far kernels here read beyond the end of arrays of hashes and labels.
PAD = 4 * LANES
#: Columns of `choices`: the blocks that must agree, and the bits that make a sort key.
CHOICE, SHIFT_HIGH, MASK_HIGH, SHIFT_LOW, MASK_LOW, BITS_LOW, BITS = range(7)
#: Entries of `state`: where to resume. SEGMENT is the number of segments when all is done. Rows
#: from STOP_ROW on are not searched. AS_VALUES is 1 where edges are written as pairs of values.
SEGMENT, CHOSEN, ROW, COLUMN, STOP_ROW, AS_VALUES, STATES = range(7)

# from this length on, a run is compared four windows at a time
_LONG = 2 * PAD


@inner
def _first_agreeing(differing: int, blocks: NDArray[np.uint64], wanted: int) -> Any:
    """The first blocks without a differing bit, as many as are set in `wanted`: a set of bits."""
    left = np.int64(popcount(wanted))
    agreeing = np.uint64(0)
    for b in range(blocks.size):
        if left == 0:
            break
        if differing & blocks[b] == np.uint64(0):
            agreeing |= np.uint64(1) << np.uint64(b)
            left -= 1
    return agreeing


@inner
def _sort_key(value: int, choice: NDArray[np.uint64], drop: int) -> Any:
    high = (value >> choice[SHIFT_HIGH]) & choice[MASK_HIGH]
    low = (value >> choice[SHIFT_LOW]) & choice[MASK_LOW]
    return np.int64(((high << choice[BITS_LOW]) | low) >> drop)


@inner
def _sort_by_key(
    values: NDArray[np.uint64],
    labels: NDArray[np.uint32],
    choice: NDArray[np.uint64],
    key_starts: NDArray[np.int32],
    out: NDArray[np.uint64],
    out_labels: NDArray[np.uint32],
) -> Any:
    """Group values by key into runs: key q stands at key_starts[q]:key_starts[q + 1] of `out`.

    Returns how many low bits of the key are dropped so that a typical run fills half a window.
    """
    bits = np.uint64(1)
    while bits < choice[BITS] and (4 << bits) < values.size and (2 << bits) < key_starts.size - 1:
        bits += np.uint64(1)
    drop = choice[BITS] - bits if choice[BITS] > bits else np.uint64(0)
    keys = np.int64(1) << (choice[BITS] - drop)
    key_starts[: keys + 2] = 0
    for value in values:
        key_starts[_sort_key(value, choice, drop) + 2] += np.int32(1)
    for q in range(2, keys + 2):
        key_starts[q] += key_starts[q - 1]
    for i in range(values.size):
        value = values[i]
        place = _sort_key(value, choice, drop) + 1
        at = key_starts[place]
        key_starts[place] = at + np.int32(1)
        out[at] = value
        if labels.size > 0:
            out_labels[at] = labels[i]
    return drop


@inner
def _have_one_number(labels: NDArray[np.uint32]) -> bool:
    for label in labels:  # noqa: SIM110 - numba doesn't compile generators
        if label ^ labels[0] > 1:
            return False
    return True


# Four scans with one loop over windows: as a function by itself it makes dense joins 6 % slower.
# It compares the first window without a look at the end of the run: most runs are no longer.
@inner
def _scan_whole(
    run: NDArray[np.uint64], rows: int, size: int, radius: int, i: int, j: int
) -> tuple[int, int]:
    """From window (i, j) on, the first one with something near run[i]; i is `rows` at the end.

    Here and below, a `j` before the first window of row i stands for that window.
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
def _scan_runs(
    run: NDArray[np.uint64],
    rows: int,
    key_starts: NDArray[np.int32],
    choice: NDArray[np.uint64],
    drop: int,
    radius: int,
    i: int,
    j: int,
) -> tuple[int, int]:
    """As `_scan_whole`, each row up to the end of its key's run."""
    while i < rows:
        value = run[i]
        stop = np.int64(key_starts[_sort_key(value, choice, drop) + 1])
        j = max(j, i + 1)
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


@inner
def _scan_across_whole(
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
def _scan_across_runs(
    needles: NDArray[np.uint64],
    run: NDArray[np.uint64],
    key_starts: NDArray[np.int32],
    choice: NDArray[np.uint64],
    drop: int,
    radius: int,
    i: int,
    j: int,
) -> tuple[int, int]:
    """As `_scan_across_whole`, each needle in its key's run."""
    while i < needles.size:
        value = needles[i]
        key = _sort_key(value, choice, drop)
        stop = np.int64(key_starts[key + 1])
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


# One flat list of 17: numba can't convert a named tuple of arrays, so it would refuse read-only
# ones, and unpacking such tuples makes a call take 9 us instead of 2.4.
_SIGNATURE = (
    array(uint64),
    const(int64),
    array(uint64),
    array(uint32),
    const(int64),
    const(uint32),
    const(uint64),
    uint64,
    const(uint64, 2),
    uint64,
    int64,
    array(uint64),
    array(uint32),
    array(numba.int32),
    array(int64),
    array(uint64),
    array(uint64),
)


def _compile_find(*, across: bool, labelled: bool) -> Callable[..., Any]:
    """The loop of a Hamming search, compiled for one of three tasks.

    `find_within` pairs two of `haystack` in one segment. `find_across` pairs one of `needles` with
    one of `haystack` in segments of one number. `find_edges` searches within and pairs numbers: a
    label is twice a number, plus 1 for hashes that must not pair with one another. An edge joins
    different hashes, at most one of them with an odd label, whose numbers have different roots;
    with state[AS_VALUES] the hashes are written.

    Segments begin at the bounds, counted from the first bound. Their values agree in the blocks
    `prefix`, a set of bits. Segments of up to `whole_size` values are compared whole, once. For
    larger ones, each row of `choices` says which blocks must agree, and how to sort by them into
    `sorted_values`. A pair is written to `left` and `right` if it is within `radius` and the first
    blocks that it agrees in are the chosen ones, so that it is written once. When there is no room
    for another window of pairs, `state` says where to resume. Returns how many were written.
    """

    @compiled(*_SIGNATURE, returns=int64)
    def find(
        needles: NDArray[np.uint64],
        needle_bounds: NDArray[np.int64],
        haystack: NDArray[np.uint64],
        labels: NDArray[np.uint32],
        bounds: NDArray[np.int64],
        roots: NDArray[np.uint32],
        blocks: NDArray[np.uint64],
        prefix: int,
        choices: NDArray[np.uint64],
        radius: int,
        whole_size: int,
        sorted_values: NDArray[np.uint64],
        sorted_labels: NDArray[np.uint32],
        key_starts: NDArray[np.int32],
        state: NDArray[np.int64],
        left: NDArray[np.uint64],
        right: NDArray[np.uint64],
    ) -> int:
        count = 0
        for segment in range(state[SEGMENT], needle_bounds.size - 1):
            begin = bounds[segment] - bounds[0]
            size = bounds[segment + 1] - bounds[segment]
            values = haystack[begin : begin + size + PAD]
            value_labels = labels[begin : begin + size + PAD] if labelled else labels
            outer = values[: size - 1]
            if across:
                first = needle_bounds[segment] - needle_bounds[0]
                outer = needles[first : needle_bounds[segment + 1] - needle_bounds[0]]
            rows = min(outer.size, state[STOP_ROW])
            if size == 0 or (labelled and _have_one_number(value_labels[:size])):
                rows = 0
            outer = outer[:rows]
            whole = size <= whole_size or (across and rows <= LANES)
            for c in range(state[CHOSEN], 1 if whole or rows == 0 else choices.shape[0]):
                choice = choices[c]
                run = values
                run_labels = value_labels
                drop = np.uint64(0)
                if rows > 0 and not whole:
                    drop = _sort_by_key(
                        values[:size],
                        value_labels[:size] if labelled else labels,
                        choice,
                        key_starts,
                        sorted_values,
                        sorted_labels,
                    )
                    run = sorted_values
                    run_labels = sorted_labels
                    if not across:
                        outer = run[: size - 1]
                wanted = prefix if whole else choice[CHOICE]
                i = state[ROW]
                j = state[COLUMN]
                while True:
                    if across and whole:
                        i, j = _scan_across_whole(outer, run, size, radius, i, j)
                    elif across:
                        i, j = _scan_across_runs(outer, run, key_starts, choice, drop, radius, i, j)
                    elif whole:
                        i, j = _scan_whole(run, rows, size, radius, i, j)
                    else:
                        i, j = _scan_runs(run, rows, key_starts, choice, drop, radius, i, j)
                    if i >= rows:
                        break
                    if count + LANES > left.size:
                        state[SEGMENT] = segment
                        state[CHOSEN] = c
                        state[ROW] = i
                        state[COLUMN] = j
                        return count
                    value = outer[i]
                    stop = (
                        size if whole else np.int64(key_starts[_sort_key(value, choice, drop) + 1])
                    )
                    hits = near(run, j, value, radius)
                    if labelled:
                        hits &= unlike(run_labels, j, run_labels[i])
                    for lane in range(min(LANES, stop - j)):
                        if not hits >> np.uint8(lane) & np.uint8(1):
                            continue
                        candidate = run[j + lane]
                        if _first_agreeing(value ^ candidate, blocks, wanted) != wanted:
                            continue
                        if labelled:
                            a = run_labels[i]
                            b = run_labels[j + lane]
                            odd = a & b & np.uint32(1)
                            a >>= np.uint32(1)
                            b >>= np.uint32(1)
                            if value != candidate and not odd and roots[a] != roots[b]:
                                left[count] = value if state[AS_VALUES] else np.uint64(a)
                                right[count] = candidate if state[AS_VALUES] else np.uint64(b)
                                count += 1
                        else:
                            left[count] = value
                            right[count] = candidate
                            count += 1
                    j += LANES
                    if j >= stop:
                        i += 1
                        j = 0
                state[ROW] = 0
                state[COLUMN] = 0
            state[CHOSEN] = 0
        state[SEGMENT] = needle_bounds.size - 1
        return count

    return find


find_within = _compile_find(across=False, labelled=False)
find_across = _compile_find(across=True, labelled=False)
find_edges = _compile_find(across=False, labelled=True)

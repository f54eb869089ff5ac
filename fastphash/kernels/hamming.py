"""Pairs within a radius inside segments that share some blocks: the innermost loops of a join."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import int64, uint32, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const, inner
from fastphash.kernels.simd import LANES, near, near_some, popcount, unlike

#: What kernels here read beyond the end of arrays of hashes and labels.
PAD = 4 * LANES
#: Columns of `choices`.
CHOICE, SHIFT_HIGH, MASK_HIGH, SHIFT_LOW, MASK_LOW, BITS_LOW, BITS = range(7)
#: Entries of `state`: where to go on. The first is the number of segments when all is done.
#: LAST is no row that is to be looked at, nor any after it.
SEGMENT, CHOSEN, ROW, COLUMN, LAST, STATES = range(6)

# a run this long is worth looking at four windows at once
_LONG = 2 * PAD


@inner
def _agreeing(differing: int, blocks: NDArray[np.uint64], wanted: int) -> Any:
    """The first blocks without a differing bit, as many as are set in `wanted`: a set of bits."""
    left = np.int64(popcount(wanted))
    found = np.uint64(0)
    for b in range(blocks.size):
        if left == 0:
            break
        if differing & blocks[b] == np.uint64(0):
            found |= np.uint64(1) << np.uint64(b)
            left -= 1
    return found


@inner
def _key(value: int, choice: NDArray[np.uint64], drop: int) -> Any:
    high = (value >> choice[SHIFT_HIGH]) & choice[MASK_HIGH]
    low = (value >> choice[SHIFT_LOW]) & choice[MASK_LOW]
    return np.int64(((high << choice[BITS_LOW]) | low) >> drop)


@inner
def _sort(
    values: NDArray[np.uint64],
    labels: NDArray[np.uint32],
    choice: NDArray[np.uint64],
    start: NDArray[np.int32],
    spare: NDArray[np.uint64],
    spare_labels: NDArray[np.uint32],
) -> Any:
    """Bring values of one key together in `spare`: key q stands at start[q]:start[q + 1].

    Returns how many low bits the key goes without, so that an even run is half a window long.
    """
    bits = np.uint64(1)
    while bits < choice[BITS] and (4 << bits) < values.size and (2 << bits) < start.size - 1:
        bits += np.uint64(1)
    drop = choice[BITS] - bits if choice[BITS] > bits else np.uint64(0)
    keys = np.int64(1) << (choice[BITS] - drop)
    start[: keys + 2] = 0
    for value in values:
        start[_key(value, choice, drop) + 2] += np.int32(1)
    for q in range(2, keys + 2):
        start[q] += start[q - 1]
    for i in range(values.size):
        value = values[i]
        place = _key(value, choice, drop) + 1
        at = start[place]
        start[place] = at + np.int32(1)
        spare[at] = value
        if labels.size > 0:
            spare_labels[at] = labels[i]
    return drop


@inner
def _all_alike(labels: NDArray[np.uint32]) -> bool:
    for label in labels:  # noqa: SIM110 - numba compiles no generator
        if label ^ labels[0] > 1:
            return False
    return True


@inner
def _scan_whole(
    run: NDArray[np.uint64], rows: int, size: int, radius: int, i: int, j: int
) -> tuple[int, int]:
    """From window (i, j) on, the first one with something near run[i]; i is `rows` at the end.

    A `j` of no window stands for the first of row i, here and below.
    """
    while i < rows:
        value = run[i]
        j = max(j, i + 1)
        while j < size:
            while size - j > _LONG and not near_some(run, j, value, radius):
                j += PAD
            if near(run, j, value, radius):
                return i, j
            j += LANES
        i += 1
        j = 0
    return i, j


@inner
def _scan_runs(
    run: NDArray[np.uint64],
    rows: int,
    start: NDArray[np.int32],
    choice: NDArray[np.uint64],
    drop: int,
    radius: int,
    i: int,
    j: int,
) -> tuple[int, int]:
    """As `_scan_whole`, each row as far as the run of its key goes."""
    while i < rows:
        value = run[i]
        stop = np.int64(start[_key(value, choice, drop) + 1])
        j = max(j, i + 1)
        # the first window without a look at the end of the run: most runs are as short
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
def _scan_across(
    values: NDArray[np.uint64],
    rows: int,
    run: NDArray[np.uint64],
    size: int,
    whole: bool,
    start: NDArray[np.int32],
    choice: NDArray[np.uint64],
    drop: int,
    radius: int,
    i: int,
    j: int,
) -> tuple[int, int]:
    """From window (i, j) on, the first one of `run` with something near values[i]."""
    while i < rows:
        value = values[i]
        stop = np.int64(size)
        if not whole:
            key = _key(value, choice, drop)
            j = max(j, int(start[key]))
            stop = np.int64(start[key + 1])
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


_FIND = (
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


def _find(*, across: bool, labelled: bool) -> Callable[..., Any]:
    """One loop, compiled for each of the three things that are looked for.

    `find_within` looks for pairs of two of `others` in one segment, `find_across` for pairs of one
    of `values` and one of `others` in segments of one number. `find_edges` looks within, for pairs
    of numbers: a label is twice a number, and one more for a turned hash; an edge lies between
    different hashes of which one at least is not turned, and whose numbers have different roots.

    Segments begin at `bounds`, counted from the first of them, and agree in the blocks `prefix`,
    a set of bits. Those of up to `direct` values are compared whole, once. For others, rows of
    `choices` say which blocks are to agree, and how to sort for it. A pair is written to `left` and
    `right` if it is within `radius` and the blocks chosen are the first that it agrees in. Where
    there is no room for another window of pairs, `state` says where to go on. Returns how many
    were written.
    """

    @compiled(*_FIND, returns=int64)
    def find(
        values: NDArray[np.uint64],
        bounds: NDArray[np.int64],
        others: NDArray[np.uint64],
        labels: NDArray[np.uint32],
        other_bounds: NDArray[np.int64],
        root: NDArray[np.uint32],
        blocks: NDArray[np.uint64],
        prefix: int,
        choices: NDArray[np.uint64],
        radius: int,
        direct: int,
        spare: NDArray[np.uint64],
        spare_labels: NDArray[np.uint32],
        start: NDArray[np.int32],
        state: NDArray[np.int64],
        left: NDArray[np.uint64],
        right: NDArray[np.uint64],
    ) -> int:
        found = 0
        for segment in range(state[SEGMENT], bounds.size - 1):
            begin = other_bounds[segment] - other_bounds[0]
            size = other_bounds[segment + 1] - other_bounds[segment]
            whole = others[begin : begin + size + PAD]
            whole_labels = labels[begin : begin + size + PAD] if labelled else labels
            own = whole[: size - 1]
            if across:
                first = bounds[segment] - bounds[0]
                own = values[first : first + bounds[segment + 1] - bounds[segment]]
            rows = min(own.size, state[LAST])
            if size == 0 or (labelled and _all_alike(whole_labels[:size])):
                rows = 0
            plain = size <= direct or (across and rows <= LANES)
            for c in range(state[CHOSEN], 1 if plain or rows == 0 else choices.shape[0]):
                choice = choices[c]
                run = whole
                run_labels = whole_labels
                drop = np.uint64(0)
                if rows > 0 and not plain:
                    drop = _sort(
                        whole[:size],
                        whole_labels[:size] if labelled else labels,
                        choice,
                        start,
                        spare,
                        spare_labels,
                    )
                    run = spare
                    run_labels = spare_labels
                    if not across:
                        own = run[: size - 1]
                wanted = prefix if plain else choice[CHOICE]
                i = state[ROW]
                j = state[COLUMN]
                while True:
                    if across:
                        i, j = _scan_across(
                            own, rows, run, size, plain, start, choice, drop, radius, i, j
                        )
                    elif plain:
                        i, j = _scan_whole(run, rows, size, radius, i, j)
                    else:
                        i, j = _scan_runs(run, rows, start, choice, drop, radius, i, j)
                    if i >= rows:
                        break
                    if found + LANES > left.size:
                        state[SEGMENT] = segment
                        state[CHOSEN] = c
                        state[ROW] = i
                        state[COLUMN] = j
                        return found
                    value = own[i]
                    stop = size if plain else np.int64(start[_key(value, choice, drop) + 1])
                    hits = near(run, j, value, radius)
                    if labelled:
                        hits &= unlike(run_labels, j, run_labels[i])
                    for lane in range(min(LANES, stop - j)):
                        if not hits >> np.uint8(lane) & np.uint8(1):
                            continue
                        other = run[j + lane]
                        if _agreeing(value ^ other, blocks, wanted) != wanted:
                            continue
                        if labelled:
                            a = run_labels[i]
                            b = run_labels[j + lane]
                            turned = a & b & np.uint32(1)
                            a >>= np.uint32(1)
                            b >>= np.uint32(1)
                            if value != other and not turned and root[a] != root[b]:
                                left[found] = a
                                right[found] = b
                                found += 1
                        else:
                            left[found] = value
                            right[found] = other
                            found += 1
                    j += LANES
                    if j >= stop:
                        i += 1
                        j = 0
                state[ROW] = 0
                state[COLUMN] = 0
            state[CHOSEN] = 0
        state[SEGMENT] = bounds.size - 1
        return found

    return find


find_within = _find(across=False, labelled=False)
find_across = _find(across=True, labelled=False)
find_edges = _find(across=False, labelled=True)

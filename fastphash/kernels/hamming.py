"""Hamming search inside segments of values that agree in some blocks: a join's innermost loops."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import int64, uint32, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const, inner
from fastphash.kernels.runs import (
    BITS,
    CHOICE,
    PAD,
    fold_key,
    key_bits,
    run_end,
    scan_across_runs,
    scan_across_whole,
    scan_lags,
    scan_whole,
    sort_by_key,
)
from fastphash.kernels.simd import near, popcount, unlike
from fastphash.kernels.simd_lags import LAGS, near_lag, unlike_lag
from fastphash.kernels.vectors import LANES

#: Entries of `state`: where to resume. SEGMENT is the number of segments when all is done. Rows
#: from STOP_ROW on are not searched. AS_VALUES is 1 where edges are written as pairs of values.
SEGMENT, CHOSEN, ROW, COLUMN, STOP_ROW, AS_VALUES, STATES = range(7)


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
def _have_one_number(labels: NDArray[np.uint32]) -> bool:
    for label in labels:  # noqa: SIM110 - numba doesn't compile generators
        if label ^ labels[0] > 1:
            return False
    return True


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
    array(uint32),
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
        key_starts: NDArray[np.uint32],
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
            outer = needles
            rows = size - 1
            if across:
                first = needle_bounds[segment] - needle_bounds[0]
                outer = needles[first : needle_bounds[segment + 1] - needle_bounds[0]]
                rows = outer.size
            rows = min(rows, state[STOP_ROW])
            if size == 0 or (labelled and _have_one_number(value_labels[:size])):
                rows = 0
            whole = size <= whole_size or (across and rows <= LANES)
            for c in range(state[CHOSEN], 1 if whole or rows == 0 else choices.shape[0]):
                run = values
                run_labels = value_labels
                wanted = prefix
                folded = fold_key(choices[c], choices[c][BITS])
                if rows > 0 and not whole:
                    wanted = choices[c][CHOICE]
                    folded = sort_by_key(
                        values[:size],
                        value_labels[:size] if labelled else labels,
                        choices[c],
                        key_starts,
                        sorted_values,
                        sorted_labels,
                    )
                    run = sorted_values
                    run_labels = sorted_labels
                i = state[ROW]
                j = state[COLUMN]
                by_row = across or whole
                if not across:
                    outer = run
                while True:
                    if across and whole:
                        i, j = scan_across_whole(outer[:rows], run, size, radius, i, j)
                    elif across:
                        i, j = scan_across_runs(outer[:rows], run, key_starts, folded, radius, i, j)
                    elif whole:
                        i, j = scan_whole(run, rows, size, radius, i, j)
                    else:
                        i, j = scan_lags(run, rows, size, key_bits(folded), radius, i, j)
                    if i >= rows:
                        break
                    # a window, or lags that were looked at together
                    for at in range(j, j + 1 if by_row else min(j + LAGS, size - i)):
                        if by_row:
                            hits = near(run, at, outer[i], radius)
                            lanes = size - at
                            if labelled:
                                hits &= unlike(run_labels, at, run_labels[i])
                        else:
                            hits = near_lag(run, i, at, radius)
                            lanes = min(rows - i, size - at - i)
                            if labelled:
                                hits &= unlike_lag(run_labels, i, at)
                        if hits and count + LANES > left.size:
                            state[SEGMENT] = segment
                            state[CHOSEN] = c
                            state[ROW] = i
                            state[COLUMN] = at
                            return count
                        for lane in range(min(LANES, lanes) if hits else 0):
                            if not hits >> np.uint8(lane) & np.uint8(1):
                                continue
                            row = i if by_row else i + lane
                            column = at + lane if by_row else row + at
                            value = outer[row]
                            candidate = run[column]
                            if _first_agreeing(value ^ candidate, blocks, wanted) != wanted:
                                continue
                            if labelled:
                                a = run_labels[row]
                                b = run_labels[column]
                                odd = a & b & np.uint32(1)
                                a >>= np.uint32(1)
                                b >>= np.uint32(1)
                                if value == candidate or odd or roots[a] == roots[b]:
                                    continue
                                if not state[AS_VALUES]:
                                    value = np.uint64(a)
                                    candidate = np.uint64(b)
                            left[count] = value
                            right[count] = candidate
                            count += 1
                    j += LANES if by_row else LAGS
                    if by_row and j >= (size if whole else run_end(outer[i], key_starts, folded)):
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

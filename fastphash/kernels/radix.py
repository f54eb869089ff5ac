"""Radix sort and radix partition of hashes, and searches among sorted ones."""

import numpy as np
from numba import int64, uint32, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const, inner

# runs of up to this length are sorted faster by insertion than by digits
_SHORT = 24
_DIGIT_BITS = 8
_DIGITS = 1 << _DIGIT_BITS


@compiled(const(uint64), const(uint64, 2), array(uint64))
def permute(values: NDArray[np.uint64], table: NDArray[np.uint64], out: NDArray[np.uint64]) -> None:
    """Permute the bits of each value: table[b, v] is where byte b takes its bits if it is v."""
    for i in range(values.size):
        value = values[i]
        permuted = np.uint64(0)
        for b in range(8):
            permuted |= table[b, (value >> np.uint64(8 * b)) & np.uint64(255)]
        out[i] = permuted


@compiled(const(uint64), uint64, array(int64))
def count_digits(values: NDArray[np.uint64], shift: int, counts: NDArray[np.int64]) -> None:
    """Add to counts[d] how many values have digit d at `shift`; counts.size is a power of two."""
    mask = np.uint64(counts.size - 1)
    for value in values:
        counts[(value >> shift) & mask] += 1


@compiled(const(uint64), const(uint32), uint64, array(int64), array(uint64), array(uint32))
def scatter_rows(
    values: NDArray[np.uint64],
    rows: NDArray[np.uint32],
    shift: int,
    place: NDArray[np.int64],
    out: NDArray[np.uint64],
    out_rows: NDArray[np.uint32],
) -> None:
    """Scatter values and rows by digit; place[d] is where the next one of digit d goes."""
    mask = np.uint64(place.size - 1)
    for i in range(values.size):
        value = values[i]
        digit = (value >> shift) & mask
        at = np.uint64(place[digit])
        place[digit] += 1
        out[at] = value
        out_rows[at] = rows[i]


@compiled(const(uint64), uint64, array(int64), array(uint64))
def scatter(
    values: NDArray[np.uint64], shift: int, place: NDArray[np.int64], out: NDArray[np.uint64]
) -> None:
    """Scatter values by digit; place[d] is where the next one of digit d goes."""
    mask = np.uint64(place.size - 1)
    for value in values:
        digit = (value >> shift) & mask
        at = np.uint64(place[digit])
        place[digit] += 1
        out[at] = value


@inner
def _sort_by_insertion(values: NDArray[np.uint64], rows: NDArray[np.uint32]) -> None:
    for i in range(1, values.size):
        value = values[i]
        row = rows[i]
        j = i
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            rows[j] = rows[j - 1]
            j -= 1
        values[j] = value
        rows[j] = row


@inner
def _sort_by_digit(
    values: NDArray[np.uint64],
    rows: NDArray[np.uint32],
    shift: int,
    digits: int,
    spare: NDArray[np.uint64],
    spare_rows: NDArray[np.uint32],
    place: NDArray[np.int64],
) -> None:
    """Sort stably by one digit; afterwards digit d ends at place[d]."""
    mask = np.uint64(digits) - np.uint64(1)
    for digit in range(digits):
        place[digit] = 0
    for value in values:
        place[(value >> shift) & mask] += 1
    one_digit = place[(values[0] >> shift) & mask] == values.size
    total = 0
    for digit in range(digits):
        count = place[digit]
        place[digit] = total + count if one_digit else total
        total += count
    if one_digit:
        return
    for i in range(values.size):
        value = values[i]
        digit = (value >> shift) & mask
        at = np.uint64(place[digit])
        place[digit] += 1
        spare[at] = value
        spare_rows[at] = rows[i]
    for i in range(values.size):
        values[i] = spare[i]
        rows[i] = spare_rows[i]


@compiled(
    array(uint64), array(uint32), const(int64), uint64, array(uint64), array(uint32), array(int64)
)
def sort_segments(
    values: NDArray[np.uint64],
    rows: NDArray[np.uint32],
    bounds: NDArray[np.int64],
    bits: int,
    spare: NDArray[np.uint64],
    spare_rows: NDArray[np.uint32],
    place: NDArray[np.int64],
) -> None:
    """Sort each segment stably by its lowest `bits`; spare arrays are as long as the longest.

    The first pass takes enough of the top bits to leave short runs where hashes are evenly spread.
    Longer runs take a pass for each digit below, from the lowest up.
    """
    digit_place = np.empty(_DIGITS, np.int64)
    for segment in range(bounds.size - 1):
        part = values[bounds[segment] : bounds[segment + 1]]
        part_rows = rows[bounds[segment] : bounds[segment + 1]]
        if part.size <= _SHORT:
            _sort_by_insertion(part, part_rows)
            continue
        top = np.uint64(1)
        while (2 << top) < part.size and (2 << top) <= place.size and top < bits:
            top += np.uint64(1)
        low = bits - top
        _sort_by_digit(part, part_rows, low, 1 << top, spare, spare_rows, place)
        start = 0
        digit = 0
        while start < part.size:
            while place[digit] == start:
                digit += 1
            run = part[start : place[digit]]
            run_rows = part_rows[start : place[digit]]
            start = place[digit]
            if run.size <= _SHORT:
                _sort_by_insertion(run, run_rows)
                continue
            shift = np.uint64(0)
            while shift < low:
                _sort_by_digit(run, run_rows, shift, _DIGITS, spare, spare_rows, digit_place)
                shift += np.uint64(_DIGIT_BITS)


@compiled(array(uint64), array(uint32), returns=int64)
def collapse_sorted(values: NDArray[np.uint64], starts: NDArray[np.uint32]) -> int:
    """Move the distinct ones of sorted values to the front, and return how many there are.

    Distinct value i stood at starts[i]:starts[i + 1]; `starts` is one longer than `values`.
    """
    distinct = 0
    for i in range(values.size):
        if i == 0 or values[i] != values[distinct - 1]:
            values[distinct] = values[i]
            starts[distinct] = np.uint32(i)
            distinct += 1
    starts[distinct] = np.uint32(values.size)
    return distinct


@compiled(const(uint64), uint64, array(int64))
def find_bounds(values: NDArray[np.uint64], shift: int, bounds: NDArray[np.int64]) -> None:
    """Fill bounds of sorted values: those with value >> shift == t are bounds[t]:bounds[t + 1]."""
    top = 0
    for i in range(values.size):
        value_top = np.int64(values[i] >> shift)
        while top <= value_top:
            bounds[top] = i
            top += 1
    while top < bounds.size:
        bounds[top] = values.size
        top += 1


@compiled(const(uint64), const(int64), uint64, const(uint64), array(int64))
def find_places(
    values: NDArray[np.uint64],
    bounds: NDArray[np.int64],
    shift: int,
    wanted: NDArray[np.uint64],
    out: NDArray[np.int64],
) -> None:
    """The place of each of `wanted` among sorted `values`, with the bounds of `find_bounds`."""
    for i in range(wanted.size):
        value = wanted[i]
        low = bounds[np.int64(value >> shift)]
        high = bounds[np.int64(value >> shift) + 1]
        while low < high:
            middle = (low + high) // 2
            if values[middle] < value:
                low = middle + 1
            else:
                high = middle
        out[i] = low


@compiled(
    const(uint64),
    const(uint32),
    const(int64),
    uint64,
    uint64,
    array(int64),
    array(uint64),
    array(uint32),
    array(int64),
)
def split_segments(
    values: NDArray[np.uint64],
    labels: NDArray[np.uint32],
    bounds: NDArray[np.int64],
    shift: int,
    digits: int,
    place: NDArray[np.int64],
    out: NDArray[np.uint64],
    out_labels: NDArray[np.uint32],
    out_bounds: NDArray[np.int64],
) -> None:
    """Radix partition of each segment by one digit, into `digits` segments in its place in `out`.

    Positions count from the start of the first segment. `labels`, if not empty, go with the values.
    """
    mask = np.uint64(digits) - np.uint64(1)
    labelled = labels.size > 0
    first = bounds[0]
    for segment in range(bounds.size - 1):
        start = bounds[segment] - first
        stop = bounds[segment + 1] - first
        place[:] = 0
        for value in values[start:stop]:
            place[(value >> shift) & mask] += 1
        total = start
        for digit in range(np.int64(digits)):
            count = place[digit]
            place[digit] = total
            out_bounds[segment * np.int64(digits) + digit] = total + first
            total += count
        for i in range(start, stop):
            value = values[i]
            digit = (value >> shift) & mask
            at = np.uint64(place[digit])
            place[digit] += 1
            out[at] = value
            if labelled:
                out_labels[at] = labels[i]
    out_bounds[(bounds.size - 1) * np.int64(digits)] = bounds[bounds.size - 1]

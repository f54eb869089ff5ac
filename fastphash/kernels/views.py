"""Hashes of windows of thumbnails: the lowest frequencies of a window are linear in the thumbnail.

A matrix (8, 32) takes a column of a thumbnail to the eight lowest frequencies of a stretch of it.
So the 64 frequencies of a window are ``down @ thumbnail @ across.T``, with one matrix for the
window's rows and one for its columns.
"""

import numpy as np
from numba import float64, int64, uint8, uint64
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels import array, compiled, const, inner
from fastphash.kernels.simd import LINES, combine, combine_few, order_lines

LOW = 8
_FREQUENCIES = LOW * LOW
_HALF = _FREQUENCIES // 2
_TURNS = 8

_Matrix = NDArray[np.float64]


def _sorting_network(size: int) -> NDArray[np.int64]:
    """Pairs (n, 2) of places to put in order, one after the other: Batcher's odd-even mergesort.

    Knuth, The Art of Computer Programming 3, section 5.2.2, algorithm M; `size` is a power of two.
    """
    pairs = []
    step = size // 2
    while step:
        top, rest, distance = size // 2, 0, step
        while True:
            pairs += [(i, i + distance) for i in range(size - distance) if i & step == rest]
            if top == step:
                break
            distance, top, rest = top - step, top // 2, step
        step //= 2
    return np.array(pairs, np.int64)


def _turned_places() -> tuple[NDArray[np.int64], _Matrix]:
    """Where each frequency of a turned picture comes from, and its sign: (8, 64) both.

    Bits 4, 2 and 1 of a turn: a picture is transposed, turned upside down, mirrored, in this order.
    """
    k, m = (axis.reshape(-1) for axis in np.indices((LOW, LOW)))
    turns = range(_TURNS)
    places = [m * LOW + k if turn & 4 else k * LOW + m for turn in turns]
    odd = [(k & turn >> 1 & 1) ^ (m & turn & 1) for turn in turns]
    return np.array(places), 1.0 - 2.0 * np.array(odd)


_PAIRS = _sorting_network(_HALF)
_PLACES, _SIGNS = _turned_places()


@inner
def _load(pixels: NDArray[np.uint8], plane: _Matrix) -> None:
    for i in range(THUMBNAIL_SIDE):
        line = plane[i]
        for j in range(THUMBNAIL_SIDE):
            line[j] = pixels[i * THUMBNAIL_SIDE + j]


@inner
def _put(low: _Matrix, turn: int, lines: _Matrix, lane: int) -> None:
    """Write the frequencies of a turned picture to a column of `lines`."""
    places, signs = _PLACES[turn], _SIGNS[turn]
    flat = low.reshape(_FREQUENCIES)
    for i in range(_FREQUENCIES):
        lines[i, lane] = signs[i] * flat[places[i]]


@inner
def _hash_columns(lines: _Matrix, work: _Matrix, hashes: NDArray[np.uint64]) -> None:
    """Bits that say which of 64 values are above their median, the first the most significant.

    A value is above the median if at least half of the values are less than it: if it exceeds the
    largest of the smaller half. `lines` (64, LINES) has the values of one hash in each column;
    `work` is as large.
    """
    for i in range(_FREQUENCIES):
        for lane in range(LINES):
            work[i, lane] = lines[i, lane]
    for p in range(_PAIRS.shape[0]):
        order_lines(work, _PAIRS[p, 0], _PAIRS[p, 1])
        order_lines(work, _HALF + _PAIRS[p, 0], _HALF + _PAIRS[p, 1])
    # of two sorted halves, the smallest 32 are the lesser ones of the first with the last
    middle = work[0]
    for lane in range(LINES):
        middle[lane] = min(middle[lane], work[_FREQUENCIES - 1, lane])
        hashes[lane] = 0
    for i in range(1, _HALF):
        for lane in range(LINES):
            lesser = min(work[i, lane], work[_FREQUENCIES - 1 - i, lane])
            middle[lane] = max(middle[lane], lesser)
    for i in range(_FREQUENCIES):
        for lane in range(LINES):
            above = np.uint64(lines[i, lane] > middle[lane])
            hashes[lane] = (hashes[lane] << np.uint64(1)) | above


@compiled(
    const(uint8, 2),
    const(float64, 3),
    const(float64, 3),
    const(int64, 3),
    array(uint64, 2),
)
def hash_views(
    thumbnails: NDArray[np.uint8],
    down: NDArray[np.float64],
    across: NDArray[np.float64],
    views: NDArray[np.int64],
    hashes: NDArray[np.uint64],
) -> None:
    """Hash windows of all thumbnails.

    Parameters
    ----------
    thumbnails : uint8 (n, 1024)
    down, across : float64 (m, 8, 32), (m, 32, 8)
        Of each stretch, for the rows of a window; and for its columns, transposed.
    views : int64 (n or 1, v, 3)
        The stretch of a window's rows, that of its columns, and the orientation: 4 for transposed,
        then 2 for upside down, then 1 for mirrored, added up. For each thumbnail, or the same for
        all. Those that follow one of equal rows, and of equal columns, share its work.
    hashes : uint64 (n, v)
    """
    plane = np.empty((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    rows = np.empty((LOW, THUMBNAIL_SIDE))
    low = np.empty((LOW, LOW))
    lines, work = np.zeros((_FREQUENCIES, LINES)), np.empty((_FREQUENCIES, LINES))
    found = np.empty(LINES, np.uint64)
    flat = hashes.reshape(hashes.size)
    # hashes are made once all columns of `lines` are filled, whichever thumbnails they are of
    first = lane = 0
    for n in range(thumbnails.shape[0]):
        _load(thumbnails[n], plane)
        own = views[n if views.shape[0] > 1 else 0]
        last_rows = last_columns = -1
        for v in range(own.shape[0]):
            if own[v, 0] != last_rows:
                last_rows, last_columns = own[v, 0], -1
                for k in range(LOW):
                    combine(down[last_rows], k, plane, rows)
            if own[v, 1] != last_columns:
                last_columns = own[v, 1]
                for k in range(LOW):
                    combine_few(rows, k, across[last_columns], low)
            _put(low, own[v, 2], lines, lane)
            lane += 1
            if lane == LINES or first + lane == flat.size:
                _hash_columns(lines, work, found)
                for i in range(lane):
                    flat[first + i] = found[i]
                first, lane = first + lane, 0

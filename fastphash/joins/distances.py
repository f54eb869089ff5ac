"""Exact distances of pairs of rows over all orientations."""

from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fastphash.base.threads import run_all
from fastphash.base.vocabulary import INVERSE, ORIENTATIONS
from fastphash.joins.index import Index
from fastphash.kernels import pair_distance


def row_distances(
    left: Index, left_rows: NDArray[np.int64], right: Index, right_rows: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Distance of each pair of rows, and a mask of the orientations that give it: uint8 (n,).

    256 bits count as 255.
    """
    distance = np.empty(left_rows.size, np.uint8)
    mask = np.empty(left_rows.size, np.uint8)
    columns = _compared_columns(left.known, right.known)
    relate = pair_distance.relate[left.words]
    relate(left.matrix, left_rows, right.matrix, right_rows, columns, distance, mask)
    return distance, mask


def count_pairs_by_distance(
    rows: Index, threads: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count all pairs i < j of rows by their least distance, and by their greatest.

    The least and the greatest are over the orientations of a pair: int64 (bits + 1,) both.
    """
    columns = _compared_columns(rows.known, rows.known)
    # ranges of about as many pairs each: the first rows have the most
    cuts = len(rows) * (1 - np.sqrt(1 - np.linspace(0, 1, 8 * threads + 1)))
    bounds = np.round(cuts).astype(np.int64).tolist()
    counts = np.zeros((len(bounds) - 1, 2, rows.bits + 1), np.int64)
    count_distances = pair_distance.count_distances[rows.words]
    jobs = (
        partial(count_distances, rows.matrix, columns, start, stop, *count)
        for (start, stop), count in zip(pairwise(bounds), counts, strict=True)
    )
    run_all(threads, jobs)
    least, greatest = counts.sum(axis=0)
    return least, greatest


def _compared_columns(left: tuple[int, ...], right: tuple[int, ...]) -> NDArray[np.uint8]:
    """Which columns of known orientations to compare: uint8 (n, 3).

    An entry is a column of the left side, one of the right, and the orientation that turns the
    left image into the right one where these two agree. Column t of the left agrees with the
    right's identity, or the left's identity with the right's column of the inverse of t.
    """
    columns = [(t, 0, t) for t in left]
    columns += [(0, INVERSE[t], t) for t in range(1, len(ORIENTATIONS)) if INVERSE[t] in right]
    return np.array(columns, np.uint8)

"""Pairs of rows: their exact distances and orientations."""

from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.threads import run_all
from fastphash.base.vocabulary import INVERSE, ORIENTATIONS
from fastphash.joins.index import Index
from fastphash.kernels import pair_distance


class Matches(NamedTuple):
    """Pairs of rows in order of (left, right).

    Attributes
    ----------
    left, right : int64 (n,)
    distance : uint8 (n,)
    mask : uint8 (n,)
        Bit t is set if orientation t gives this distance.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    distance: NDArray[np.uint8]
    mask: NDArray[np.uint8]

    def take(self, chosen: "NDArray[Any] | slice") -> "Matches":
        """Some of the pairs."""
        return Matches(
            self.left[chosen], self.right[chosen], self.distance[chosen], self.mask[chosen]
        )


def row_distances(
    left: Index, left_rows: NDArray[np.int64], right: Index, right_rows: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Distance of each pair of rows, and a mask of the orientations that give it: uint8 (n,)."""
    distance = np.empty(left_rows.size, np.uint8)
    mask = np.empty(left_rows.size, np.uint8)
    ways = np.array(_ways(left.known, right.known), np.uint8)
    pair_distance.relate(left.hashes, left_rows, right.hashes, right_rows, ways, distance, mask)
    return distance, mask


def count_pairs_by_distance(
    rows: Index, threads: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many pairs i < j of rows are at each distance, and at each greatest distance of any
    orientation: int64 (65,) both. Every pair is looked at.
    """
    ways = np.array(_ways(rows.known, rows.known), np.uint8)
    # pieces of about as many pairs each: the first rows have the most
    cuts = len(rows) * (1 - np.sqrt(1 - np.linspace(0, 1, 8 * threads + 1)))
    bounds = np.round(cuts).astype(np.int64).tolist()
    counts = np.zeros((len(bounds) - 1, 2, 65), np.int64)
    jobs = (
        partial(pair_distance.count_distances, rows.hashes, ways, start, stop, *count)
        for (start, stop), count in zip(pairwise(bounds), counts, strict=True)
    )
    run_all(threads, jobs)
    least, most = counts.sum(axis=0)
    return least, most


def first_orientation(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The lowest orientation of each mask (uint8, none empty)."""
    lowest = mask & (~mask + np.uint8(1))
    return np.bitwise_count(lowest - np.uint8(1))


def _ways(left: tuple[int, ...], right: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Which columns to compare: (left's, right's, the orientation that their likeness means)."""
    ways = [(t, 0, t) for t in left]
    ways += [(0, INVERSE[t], t) for t in range(1, len(ORIENTATIONS)) if INVERSE[t] in right]
    return ways


def concatenated(blocks: list[Matches]) -> Matches:
    """All pairs of several blocks, or of none, one after the other."""
    if len(blocks) == 1:
        return blocks[0]
    none = np.empty(0, np.int64), np.empty(0, np.uint8)
    return Matches(
        np.concatenate([none[0], *(block.left for block in blocks)]),
        np.concatenate([none[0], *(block.right for block in blocks)]),
        np.concatenate([none[1], *(block.distance for block in blocks)]),
        np.concatenate([none[1], *(block.mask for block in blocks)]),
    )


def in_order(found: Matches, columns: int) -> Matches:
    """Matches by (left, right), where right counts up to `columns`."""
    return found.take(np.argsort(found.left * max(columns, 1) + found.right))


# the mask of a pair (b, a) by that of (a, b)
UNDONE = np.array(
    [sum(1 << INVERSE[t] for t in range(8) if mask >> t & 1) for mask in range(256)], np.uint8
)

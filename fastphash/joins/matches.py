"""Matches: pairs of rows with their distances and orientations."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import INVERSE


class Matches(NamedTuple):
    """Pairs of rows, ordered by (left, right).

    Attributes
    ----------
    left, right : int64 (n,)
    distance : uint8 (n,)
        Bits, the least over all orientations.
    mask : uint8 (n,)
        Bit t is set if orientation t gives this distance.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    distance: NDArray[np.uint8]
    mask: NDArray[np.uint8]

    def take(self, chosen: "NDArray[Any] | slice") -> "Matches":
        """The chosen pairs."""
        return Matches(
            self.left[chosen], self.right[chosen], self.distance[chosen], self.mask[chosen]
        )


#: The mask of a pair (b, a), indexed by that of (a, b).
INVERSE_MASKS = np.array(
    [sum(1 << INVERSE[t] for t in range(8) if mask >> t & 1) for mask in range(256)], np.uint8
)


def first_orientation(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The lowest orientation of each mask (uint8, none empty)."""
    lowest = mask & (~mask + np.uint8(1))
    return np.bitwise_count(lowest - np.uint8(1))


def concatenate_matches(batches: list[Matches]) -> Matches:
    """The pairs of all batches, if any, one batch after the other."""
    if len(batches) == 1:
        return batches[0]
    no_rows, no_bytes = np.empty(0, np.int64), np.empty(0, np.uint8)
    return Matches(
        np.concatenate([no_rows, *(batch.left for batch in batches)]),
        np.concatenate([no_rows, *(batch.right for batch in batches)]),
        np.concatenate([no_bytes, *(batch.distance for batch in batches)]),
        np.concatenate([no_bytes, *(batch.mask for batch in batches)]),
    )


def sort_matches(matches: Matches, right_rows: int) -> Matches:
    """Order matches by (left, right), where the right side has `right_rows` rows."""
    return matches.take(np.argsort(matches.left * max(right_rows, 1) + matches.right))

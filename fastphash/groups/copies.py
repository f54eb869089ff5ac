"""Rows to be grouped, and which pairs of them are copies."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import COLLISION
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.store.content import Content
from fastphash.verification.comparison import Comparison, compare_images
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import decide_kinds

# pairs that are compared at once, each in some 200 bytes
_COMPARED_AT_ONCE = 1 << 17


class IsCopy(Protocol):
    """Says which pairs of rows within the radius are copies; the same for (a, b) and (b, a)."""

    def __call__(
        self,
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        distance: NDArray[np.uint8],
        comparison: Comparison,
    ) -> NDArray[np.bool_]:
        """Whether rows left[i] and right[i] are copies: bool (n,)."""


class RankedRows(NamedTuple):
    """Distinct rows to be grouped, in order of priority.

    Attributes
    ----------
    hashes : Index
    content : Content
        Of all rows that there are: thumbnails are too large for copies of some.
    number : int64 (n,)
        The number of each row in `content`, and in calls of `is_copy`.
    is_copy : IsCopy or None
        None if all pairs within the radius are copies.
    criteria : CopyCriteria
    """

    hashes: Index
    content: Content
    number: NDArray[np.int64]
    is_copy: IsCopy | None
    criteria: CopyCriteria

    def take(self, rows: NDArray[np.int64]) -> "RankedRows":
        """These rows, in this order; without a copy if they are all of them."""
        if np.array_equal(rows, np.arange(self.number.size)):
            return self
        return self._replace(hashes=self.hashes.choose(rows), number=self.number[rows])


def filter_copies(block: Matches, left: RankedRows, right: RankedRows) -> Matches:
    """The pairs of a block that are copies."""
    if left.is_copy is None:
        return block
    copies = [np.empty(0, np.bool_)]
    for start in range(0, block.left.size, _COMPARED_AT_ONCE):
        some = block.take(slice(start, start + _COMPARED_AT_ONCE))
        pairs = some._replace(left=left.number[some.left], right=right.number[some.right])
        comparison = compare_images(
            pairs, left.content, right.content, score_near=left.criteria.score_near
        )
        copies.append(left.is_copy(pairs.left, pairs.right, pairs.distance, comparison))
    return block.take(np.flatnonzero(np.concatenate(copies)))


def copies_by_kind(min_score: float | None) -> IsCopy:
    """Pairs of a kind before `collision` are copies."""

    def is_copy(
        left: NDArray[np.int64],
        right: NDArray[np.int64],  # noqa: ARG001 - the comparison is enough
        distance: NDArray[np.uint8],
        comparison: Comparison,
    ) -> NDArray[np.bool_]:
        unknown = np.zeros(left.size, np.bool_)
        return decide_kinds(distance, comparison, unknown, min_score) < COLLISION

    return is_copy

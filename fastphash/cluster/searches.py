"""The searches of a join: which hashes of which side are searched in which."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.external.searches import searches_of
from fastphash.joins.pieces import PiecePlan, choose_piece_plan, make_pieces
from fastphash.joins.search_plan import DIGIT_BITS, SearchPlan
from fastphash.store.rows import HashTable

#: Values of a sample from which a plan is made, about.
SAMPLE_VALUES = 1 << 16

# values of a piece of both sides: 32 MB; smaller ones where there are few values, so that every
# core has some
_MOST_VALUES = 1 << 22
_LEAST_VALUES = 1 << 16
_MANY_PIECES = 64


class Columns(NamedTuple):
    """Hashes of one side: which of the columns of its shares."""

    side: int
    columns: tuple[int, ...]


class Search(NamedTuple):
    """A search of left values in right ones; within the left ones if right is None."""

    left: Columns
    right: Columns | None = None

    @property
    def within(self) -> bool:
        """Whether pairs are of two left values."""
        return self.right is None

    @property
    def columns(self) -> int:
        """How many columns there are, of the side that has more."""
        return max(len(side.columns) for side in (self.left, self.right) if side)

    def sides_of(self, side: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Which columns of a side are left values (0), and which are right ones (1)."""
        for place, chosen in enumerate((self.left, self.right)):
            if chosen is not None and chosen.side == side:
                yield place, chosen.columns


def list_searches(left: HashTable, right: HashTable | None) -> list[Search]:
    """The searches that find all pairs of rows, as `fastphash.joins.oriented` makes them.

    Columns of a share are the known orientations, the upright one first.
    """
    known = [tuple(range(len(side.known))) for side in (left, right) if side is not None]
    other = len(known) - 1
    return [
        Search(Columns(0, search.left), Columns(other, search.right) if search.is_across else None)
        for search in searches_of(known[0], None if right is None else known[1])
    ]


def sample_values(values: NDArray[np.uint64], share: float) -> NDArray[np.uint64]:
    """About this share of the distinct values (n,), ascending: the same ones of every batch.

    A value is chosen by its mixed bits (splitmix64's finaliser), however often it comes. So the
    samples of batches make one of all, and its size divided by the share tells how many distinct
    values there are.
    """
    if share >= 1:
        return np.unique(values)
    mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return np.unique(values[mixed < np.uint64(int(share * 2**64))])


def plan_search(
    search: Search, data: Sequence[Sequence[bytes]], share: float, radius: int
) -> SearchPlan:
    """The plan of a search, from samples of its left and right values from all shares.

    `share` is that of `sample_values`.
    """
    left, right = (np.unique(np.frombuffer(b"".join(side), np.uint64)) for side in data)
    # the distinct values that there are of each side
    sizes = [round(values.size / min(share, 1)) for values in (left, right)]
    if search.within:
        return choose_piece_plan(left, None, sizes[0], None, radius, threads=1)
    return choose_piece_plan(left, right, sizes[0], sizes[1], radius, threads=1)


def cut_pieces(
    plan: SearchPlan, data: Sequence[Sequence[bytes]], most_values: int | None = None
) -> PiecePlan:
    """The pieces of a search, from the counts of its left and right values in all shares.

    `most_values` are those of a piece; by default as many as a task takes well.
    """
    counts = [
        np.sum([np.frombuffer(one, np.int64) for one in side], axis=0).reshape(-1, 1 << DIGIT_BITS)
        for side in data
        if side
    ]
    if most_values is None:
        total = sum(int(side.sum()) for side in counts)
        most_values = min(max(total // _MANY_PIECES, _LEAST_VALUES), _MOST_VALUES)
    return make_pieces(plan, counts[0], counts[1] if len(counts) > 1 else None, most_values)

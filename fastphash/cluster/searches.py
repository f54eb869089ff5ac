"""The searches of a join: which hashes of which side they take, and their pieces."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from fastphash.external.searches import Search
from fastphash.joins.pieces import PiecePlan, make_pieces
from fastphash.joins.search_plan import DIGIT_BITS, SearchPlan

#: What a search takes of each side: (0, orientations) for left values, (1, ...) for right ones.
Uses = Mapping[int, Sequence[tuple[int, tuple[int, ...]]]]

# values of a piece of both sides: 32 MB; smaller ones where there are few values, so that every
# core has some. A task takes longer to start than to search 2^16
_MOST_VALUES = 1 << 22
_LEAST_VALUES = 1 << 20
_MANY_PIECES = 64


def uses_of(search: Search, sides: int) -> Uses:
    """What a search takes, in a join of two sides or of one with itself.

    >>> uses_of(Search(1, (1, 2), (0,)), sides=1)
    {0: [(0, (1, 2)), (1, (0,))]}
    """
    uses = {0: [(0, search.left)]}
    if search.is_across:
        uses.setdefault(sides - 1, []).append((1, search.right))
    return uses


def wanted_by(uses: Iterable[Uses]) -> dict[int, tuple[int, ...]]:
    """The orientations of each side that some searches take, ascending."""
    wanted: dict[int, set[int]] = {}
    for one in uses:
        for side, places in one.items():
            wanted.setdefault(side, set()).update(*(orientations for _, orientations in places))
    return {side: tuple(sorted(orientations)) for side, orientations in wanted.items()}


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

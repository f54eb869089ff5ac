"""The search of a piece: arrays in, pairs of values out. See `pieces`."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fastphash.base.threads import interleave
from fastphash.joins.bit_order import restore_bits
from fastphash.joins.block_search import BlockSearch
from fastphash.joins.brute_force import BruteForce
from fastphash.joins.leaves import Leaves, ValuePairs
from fastphash.joins.options import JoinOptions
from fastphash.joins.pieces import Piece, PiecePlan, take_tile
from fastphash.joins.search_plan import SearchPlan
from fastphash.joins.segments import one_segment


def search_piece(
    piece_plan: PiecePlan,
    number: int,
    left: NDArray[np.uint64],
    right: NDArray[np.uint64] | None = None,
    options: JoinOptions | None = None,
) -> Iterator[ValuePairs]:
    """Every pair of different values, or of a left and a right one, that a piece has to report.

    It takes 8 bytes for each value beyond them, and some MB for each thread.

    Parameters
    ----------
    piece_plan : PiecePlan
    number : int
        Of the piece.
    left, right : uint64 (n,)
        All values that `scatter` gives for this piece, in any order, perhaps several times; `right`
        only where the plan is for a join across two sides.
    options : JoinOptions, optional
        How many threads it may use; those of all cores by default.

    Yields
    ------
    left, right : uint64 (n,)
        Pairs of values with their bits in the usual order. In a join across two sides the two may
        be equal; within one side either of the two may come first.
    """
    options = options or JoinOptions()
    plan, piece = piece_plan.plan, piece_plan.pieces[number]
    sides = [one_segment(side) for side in _sides_of(piece, left, right)]
    leaves = Leaves(plan)
    if plan.widths:
        search = BlockSearch(plan, sides, leaves, options.threads, distinct=False)
        tasks = search.tasks_of(piece.block, (piece.low, piece.high))
    else:
        tasks = BruteForce([side.without_repeats() for side in sides], leaves).tasks()
    for pairs in interleave(options.threads, tasks):
        yield _restore(pairs, plan)


def _sides_of(
    piece: Piece, left: NDArray[np.uint64], right: NDArray[np.uint64] | None
) -> list[NDArray[np.uint64]]:
    """One side to search within, or two to search across."""
    if right is not None:
        return [left, right]
    if piece.left_tile is None or piece.left_tile == piece.right_tile:
        return [left]
    return [take_tile(left, tile) for tile in (piece.left_tile, piece.right_tile) if tile]


def _restore(pairs: ValuePairs, plan: SearchPlan) -> ValuePairs:
    left, right = pairs
    return restore_bits(left, plan), restore_bits(right, plan)

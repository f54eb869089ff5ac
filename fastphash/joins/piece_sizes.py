"""How large pieces are together, before they are cut."""

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.pieces import PiecePlan


def count_scattered(
    piece_plan: PiecePlan,
    left_counts: NDArray[np.int64],
    right_counts: NDArray[np.int64] | None,
) -> NDArray[np.int64]:
    """How many values of both sides the pieces of each block have: int64 (blocks,).

    A value of a digit that is cut into tiles is in several pieces.

    Parameters
    ----------
    piece_plan : PiecePlan
    left_counts, right_counts : int64 (blocks, 4096)
        Those that the pieces were made from.
    """
    totals = np.zeros(len(left_counts))
    for piece in piece_plan.pieces:
        digits = slice(piece.low, piece.high)
        left = int(left_counts[piece.block, digits].sum())
        right = 0 if right_counts is None else int(right_counts[piece.block, digits].sum())
        if piece.left_tile is None or piece.right_tile is None:
            totals[piece.block] += left + right
        elif right_counts is None:
            taken = len({piece.left_tile, piece.right_tile})
            totals[piece.block] += left * taken / piece.left_tile.tiles
        else:
            totals[piece.block] += left / piece.left_tile.tiles + right / piece.right_tile.tiles
    return np.rint(totals).astype(np.int64)

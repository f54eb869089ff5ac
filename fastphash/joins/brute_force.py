"""The tasks of a plan that compares every pair, tile by tile."""

from collections.abc import Iterator, Sequence

import numpy as np

from fastphash.joins.leaves import Leaves, ValuePairs
from fastphash.joins.segments import Segments

# values of a tile: two tiles, of 64 kB each, stay in the cache of a core
_TILE = 1 << 13
# tiles between checks whether to go on
_TILES_BETWEEN_CHECKS = 64
_NO_PAIRS: ValuePairs = (np.empty(0, np.uint64), np.empty(0, np.uint64))


class BruteForce:
    """The tasks of a search that compares every pair.

    Attributes
    ----------
    done, total : int
        Values of the left side that were compared so far, and all of them.
    """

    def __init__(self, sides: Sequence[Segments], leaves: Leaves) -> None:
        self._sides = sides
        self._leaves = leaves
        self.done = 0
        self.total = sides[0].size

    def tasks(self) -> Iterator[Iterator[ValuePairs]]:
        """Tasks that threads can work on side by side."""
        return self._row_tasks() if self._leaves.labelled else self._tile_tasks()

    def _row_tasks(self) -> Iterator[Iterator[ValuePairs]]:
        """A task for some rows, each compared with all behind it."""
        rows = max(_TILE * _TILE // self.total, 1)
        for start in range(0, self.total, rows):
            stop = min(start + rows, self.total)
            yield self._leaves.find_pairs(self._sides, (), rows=(start, stop))
            self.done += rows

    def _tile_tasks(self) -> Iterator[Iterator[ValuePairs]]:
        """A task for each tile of the left side: with itself and those behind it, or across."""
        tiles = self._sides[0].tiles(_TILE)
        for i, tile in enumerate(tiles):
            if len(self._sides) == 1:
                pairs = [[tile], *([tile, other] for other in tiles[i + 1 :])]
            else:
                pairs = [[tile, other] for other in self._sides[1].tiles(_TILE)]
            yield self._compare_tiles(tile, pairs)

    def _compare_tiles(self, tile: Segments, pairs: list[list[Segments]]) -> Iterator[ValuePairs]:
        for i, sides in enumerate(pairs, 1):
            yield from self._leaves.find_pairs(sides, ())
            if i % _TILES_BETWEEN_CHECKS == 0:
                yield _NO_PAIRS
        self.done += tile.size

"""The tasks of a plan with blocks: partition by agreeing blocks, level by level, then the leaves.

The first level is one partition of all values, with all threads, for each block that can be the
first of those that agree. A task takes some of its segments through the other levels and the
leaves, in one thread.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from fastphash.joins.leaves import Leaves, ValuePairs
from fastphash.joins.partitions import task_ranges
from fastphash.joins.search_plan import SearchPlan
from fastphash.joins.segments import Segments


class BlockSearch:
    """The tasks of a search by a plan with blocks.

    Attributes
    ----------
    done, total : int
        Values searched so far and in the end, each once for every first block.
    """

    def __init__(
        self,
        plan: SearchPlan,
        sides: Sequence[Segments],
        leaves: Leaves,
        threads: int,
        *,
        distinct: bool = True,
    ) -> None:
        """`distinct` says that the values of each side ascend, and are distinct or labelled."""
        self._levels = plan.levels
        self._sides = sides
        self._leaves = leaves
        self._blocks = leaves.blocks
        self._threads = threads
        self._distinct = distinct
        self.done = 0
        self.total = sum(side.size for side in sides) * len(self._blocks.following(()))

    def tasks(self) -> Iterator[Iterator[ValuePairs]]:
        """Tasks that threads can work on side by side."""
        for block in self._blocks.following(()):
            yield from self.tasks_of(block)

    def tasks_of(
        self, block: int, digits: tuple[int, int] | None = None
    ) -> Iterator[Iterator[ValuePairs]]:
        """The tasks of the pairs that agree in this block first.

        Without `digits`, low and high, values have any digit of the block.
        """
        low, high = digits or (0, 1 << self._blocks.partition_digit(block).bits)
        # deeper levels would begin every segment of a digit that no value has
        sides = [self._partition(side, block).take(low, high) for side in self._sides]
        bounds = np.sum([side.bounds for side in sides], axis=0)
        for first, last in task_ranges(bounds):
            yield self._task([side.take(first, last) for side in sides], block)

    def _partition(self, side: Segments, block: int) -> Segments:
        digit = self._blocks.partition_digit(block)
        # ascending values of the first block stand together already
        if self._distinct and not block:
            return side.partition_sorted(digit)
        return side.partition(digit, self._threads)

    def _task(self, sides: Sequence[Segments], block: int) -> Iterator[ValuePairs]:
        values = sum(side.size for side in sides)
        if not self._distinct:
            sides = [side.without_repeats() for side in sides]
        yield from self._descend(sides, (block,))
        self.done += values

    def _descend(self, sides: Sequence[Segments], chosen: tuple[int, ...]) -> Iterator[ValuePairs]:
        """Partition by each block that can follow those chosen, down to the leaves."""
        if len(chosen) == self._levels:
            yield from self._leaves.find_pairs(sides, chosen)
            return
        for block in self._blocks.following(chosen):
            digit = self._blocks.partition_digit(block)
            yield from self._descend([side.split(digit) for side in sides], (*chosen, block))

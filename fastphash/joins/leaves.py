"""Leaves: the pairs inside the segments that partitions leave, found in the cache of a core."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.blocks import Blocks, block_set
from fastphash.joins.partitions import allocate_padded
from fastphash.joins.search_plan import KEY_BITS, SearchPlan
from fastphash.joins.segments import Segments
from fastphash.kernels import hamming, runs

# pairs that a thread finds before it hands them over
_BATCH_PAIRS = 1 << 17
# keys that a segment is sorted by
_KEYS = 1 << KEY_BITS

#: Pairs of values, or of the numbers in labels: uint64 (n,) and uint64 (n,).
ValuePairs = tuple[NDArray[np.uint64], NDArray[np.uint64]]


class Edges(NamedTuple):
    """How edges are found; see `fastphash.joins.word_search.find_edges`.

    Attributes
    ----------
    roots : uint32
    as_values : bool
        Whether they are pairs of values instead of the numbers in labels.
    """

    roots: NDArray[np.uint32]
    as_values: bool


class Leaves:
    """Finds the pairs of segments by a plan, or the edges."""

    def __init__(self, plan: SearchPlan, edges: Edges | None = None) -> None:
        self.blocks = Blocks(plan)
        self._plan = plan
        self._edges = edges or Edges(np.empty(0, np.uint32), as_values=False)

    @property
    def labelled(self) -> bool:
        """Whether to find edges."""
        return self._edges.roots.size > 0

    def find_pairs(
        self,
        sides: Sequence[Segments],
        chosen: tuple[int, ...],
        rows: tuple[int, int] | None = None,
    ) -> Iterator[ValuePairs]:
        """All pairs inside each segment, in batches.

        Parameters
        ----------
        sides : one or two Segments
            One side to search within, or needles and haystack to search across.
        chosen : tuple of int
            Blocks in which the values of a segment agree.
        rows : (start, stop), optional
            Pair only these rows of a segment with those behind them.
        """
        needles, haystack = sides[0], sides[-1]
        choices = self.blocks.leaf_choices(chosen)
        longest = haystack.longest
        nothing_to_sort_by = len(chosen) == self._plan.agree and not choices[:, runs.BITS].any()
        whole_size = longest if nothing_to_sort_by else self._plan.whole_size
        sorted_values = allocate_padded(longest)
        sorted_labels = np.empty(sorted_values.size if self.labelled else 0, np.uint32)
        key_starts = np.empty(_KEYS + 2, np.uint32)
        state = np.zeros(hamming.STATES, np.int64)
        state[hamming.ROW], state[hamming.STOP_ROW] = rows or (0, longest + needles.longest)
        state[hamming.AS_VALUES] = self._edges.as_values
        find = hamming.find_across if len(sides) == 2 else hamming.find_within
        if self.labelled:
            find = hamming.find_edges
        while state[hamming.SEGMENT] < haystack.bounds.size - 1:
            left, right = (np.empty(_BATCH_PAIRS, np.uint64) for _ in range(2))
            count = find(
                needles.values,
                needles.bounds,
                haystack.values,
                haystack.labels,
                haystack.bounds,
                self._edges.roots,
                self.blocks.masks,
                block_set(chosen),
                choices,
                self._plan.radius,
                whole_size,
                sorted_values,
                sorted_labels,
                key_starts,
                state,
                left,
                right,
            )
            if count:
                yield left[:count].copy(), right[:count].copy()

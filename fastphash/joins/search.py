"""Hamming search: all pairs of values within a radius, by a search plan."""

import itertools
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.threads import interleave
from fastphash.joins.bit_statistics import measure_bits
from fastphash.joins.options import JoinOptions, SearchReport
from fastphash.joins.partitions import allocate_padded, segment_ranges
from fastphash.joins.planner import DIGIT_BITS, SearchPlan, choose_plan
from fastphash.joins.segments import TILE, Segments, one_segment
from fastphash.kernels import hamming, radix

# pairs that a thread finds before it hands them over
_HANDED_OVER = 1 << 17
# handing tasks to threads takes a tenth of a thousandth of a second each
_WORTH_THREADS = 0.008
# tiles between looks whether to go on
_TILES = 64
# keys that values inside a segment are sorted by
_KEYS = 1 << 14

# pairs found: values, or labels, of the left and of the right
_Block = tuple[NDArray[np.uint64], NDArray[np.uint64]]
_NOTHING: _Block = (np.empty(0, np.uint64), np.empty(0, np.uint64))


def plan_for(
    left: NDArray[np.uint64], right: NDArray[np.uint64] | None, radius: int, options: JoinOptions
) -> SearchPlan:
    """The cheapest plan for these values."""
    likeness = measure_bits(left, left if right is None else right)
    size = None if right is None else right.size
    return options.plan(choose_plan(likeness, left.size, size, radius, options.threads))


class Found(NamedTuple):
    """Pairs of places among values, int64 (n,)."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]


def find_within(
    values: NDArray[np.uint64], plan: SearchPlan, options: JoinOptions
) -> Iterator[Found]:
    """Every pair of different places, once each, in blocks and any order.

    Parameters
    ----------
    values : uint64 (n,)
        All different, ascending, as `sort_values` gives them.
    """
    search = _HammingSearch(plan, options.threads, one_segment(values))
    yield from _find(search, options, values, values)


def find_across(
    values: NDArray[np.uint64], others: NDArray[np.uint64], plan: SearchPlan, options: JoinOptions
) -> Iterator[Found]:
    """Every pair of a place in `values` and one in `others`; otherwise as `find_within`."""
    search = _HammingSearch(plan, options.threads, one_segment(values), one_segment(others))
    yield from _find(search, options, values, others)


def find_edges(
    values: NDArray[np.uint64],
    labels: NDArray[np.uint32],
    root: NDArray[np.uint32],
    plan: SearchPlan,
    options: JoinOptions,
) -> Iterator[Found]:
    """Pairs of numbers whose values differ, within the radius, unless `root` has joined them.

    Pairs come as often as they are found. `root` may change while this runs, and so spare work.

    Parameters
    ----------
    values : uint64 (n,)
        Ascending.
    labels : uint32 (n,)
        Twice the number of each value, and one more for such as are never paired with each other.
    root : uint32
        Of each number; with equal ones nothing is to be found.
    """
    search = _HammingSearch(plan, options.threads, one_segment(values, labels), root=root)
    for left, right in _run(search, options):
        yield Found(left.astype(np.int64), right.astype(np.int64))


def _find(
    search: "_HammingSearch",
    options: JoinOptions,
    values: NDArray[np.uint64],
    others: NDArray[np.uint64],
) -> Iterator[Found]:
    place = _Places(values)
    other_place = place if others is values else _Places(others)
    for left, right in _run(search, options):
        yield Found(place(left), other_place(right))


def _run(search: "_HammingSearch", options: JoinOptions) -> Iterator[_Block]:
    told = SearchReport(search.plan, search.sizes[0], search.sizes[1])
    options.explain(told)
    start = time.perf_counter()

    def tasks() -> Iterator[Iterator[_Block]]:
        for task in search.tasks():
            options.advance(search.done, search.total)
            yield task

    threads = 1 if search.plan.seconds < _WORTH_THREADS else options.threads
    for left, right in interleave(threads, tasks()):
        told.pairs += left.size
        yield left, right
    told.seconds, told.ended = time.perf_counter() - start, True
    options.explain(told)


class _Places:
    """Looks up where values stand among ascending ones."""

    def __init__(self, values: NDArray[np.uint64]) -> None:
        bits = min(max(values.size.bit_length() - 3, 1), 20)
        self._values = values
        self._shift = 64 - bits
        self._bounds = np.empty((1 << bits) + 1, np.int64)
        radix.find_bounds(values, self._shift, self._bounds)

    def __call__(self, wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
        out = np.empty(wanted.size, np.int64)
        radix.find_places(self._values, self._bounds, self._shift, wanted, out)
        return out


class _HammingSearch:
    """The tasks of a plan: prefixes of agreeing blocks, deeper and deeper, then the leaves.

    One side is searched within, two are searched across. Tasks are iterators of pairs of values,
    or, with `root`, of labels.
    """

    def __init__(
        self,
        plan: SearchPlan,
        threads: int,
        *sides: Segments,
        root: NDArray[np.uint32] | None = None,
    ) -> None:
        self.plan = plan
        self.done = 0
        self._threads = threads
        self._sides = sides
        self._root = np.empty(0, np.uint32) if root is None else root
        self._widths = plan.widths or (64,)
        self._shifts = [64 - sum(self._widths[: b + 1]) for b in range(len(self._widths))]
        masks = zip(self._widths, self._shifts, strict=True)
        self._blocks = np.array([((1 << w) - 1) << s for w, s in masks], np.uint64)

    @property
    def sizes(self) -> tuple[int, int]:
        """Values of the two sides; 0 where there is no other."""
        return self._sides[0].size, sum(side.size for side in self._sides[1:])

    @property
    def total(self) -> int:
        """What `done` will be at the end, in values looked at."""
        return sum(self.sizes) * len(self._later(())) if self.plan.widths else self.sizes[0]

    def tasks(self) -> Iterator[Iterator[_Block]]:
        """What can be done side by side."""
        if not self.plan.widths:
            yield from self._every_pair()
            return
        for block in self._later(()):
            digit = self._digit(block)
            cut = [
                side.scattered_by(*digit, self._threads) if block else side.sorted_by(*digit)
                for side in self._sides
            ]
            for low, high in segment_ranges(np.sum([side.bounds for side in cut], axis=0)):
                yield self._explore([side.part(low, high) for side in cut], (block,))

    def _every_pair(self) -> Iterator[Iterator[_Block]]:
        if self._root.size:
            size = self.sizes[0]
            rows = max(TILE * TILE // size, 1)
            for start in range(0, size, rows):
                yield self._leaf(self._sides, (), size, rows=(start, min(start + rows, size)))
                self.done += rows
            return
        tiles = self._sides[0].tiles()
        for i, tile in enumerate(tiles):
            others = tiles[i + 1 :] if len(self._sides) == 1 else self._sides[1].tiles()
            own = [[tile]] if len(self._sides) == 1 else []
            yield self._tiles([*own, *([tile, other] for other in others)])

    def _tiles(self, several: list[list[Segments]]) -> Iterator[_Block]:
        for i, sides in enumerate(several):
            yield from self._leaf(sides, (), direct=TILE)
            if i % _TILES == _TILES - 1:
                yield _NOTHING  # time to look whether to go on
        self.done += several[0][0].size if several else 0

    def _explore(self, sides: list[Segments], chosen: tuple[int, ...]) -> Iterator[_Block]:
        if len(chosen) < self.plan.levels:
            for block in self._later(chosen):
                digit = self._digit(block)
                yield from self._explore([side.split(*digit) for side in sides], (*chosen, block))
        else:
            yield from self._leaf(sides, chosen, direct=self.plan.direct)
        if len(chosen) == 1:
            self.done += sum(side.size for side in sides)

    def _leaf(
        self,
        sides: Sequence[Segments],
        chosen: tuple[int, ...],
        direct: int,
        rows: tuple[int, int] | None = None,
    ) -> Iterator[_Block]:
        haystack = sides[-1]
        choices = self._choices(chosen)
        if len(chosen) == self.plan.agree and not choices[:, hamming.BITS].any():
            direct = haystack.longest
        spare = allocate_padded(haystack.longest)
        spare_labels = np.empty(spare.size if self._root.size else 0, np.uint32)
        keys = np.empty(_KEYS + 2, np.int32)
        state = np.zeros(hamming.STATES, np.int64)
        state[hamming.ROW], state[hamming.LAST] = rows or (0, haystack.longest + sides[0].longest)
        find = hamming.find_across if len(sides) == 2 else hamming.find_within
        if self._root.size:
            find = hamming.find_edges
        while state[hamming.SEGMENT] < haystack.bounds.size - 1:
            left, right = (np.empty(_HANDED_OVER, np.uint64) for _ in range(2))
            found = find(
                sides[0].values,
                sides[0].bounds,
                haystack.values,
                haystack.labels,
                haystack.bounds,
                self._root,
                self._blocks,
                self._prefix(chosen),
                choices,
                self.plan.radius,
                direct,
                spare,
                spare_labels,
                keys,
                state,
                left,
                right,
            )
            if found:
                yield left[:found].copy(), right[:found].copy()

    def _digit(self, block: int) -> tuple[int, int]:
        """Shift and bits of what a partition takes of a block."""
        bits = min(self._widths[block], DIGIT_BITS)
        return self._shifts[block] + self._widths[block] - bits, bits

    def _later(self, chosen: tuple[int, ...]) -> range:
        """Blocks that can be chosen next."""
        start = chosen[-1] + 1 if chosen else 0
        return range(start, len(self._widths) - self.plan.agree + len(chosen) + 1)

    @staticmethod
    def _prefix(chosen: tuple[int, ...]) -> int:
        """Chosen blocks as a set of bits."""
        return sum(1 << b for b in chosen)

    def _choices(self, chosen: tuple[int, ...]) -> NDArray[np.uint64]:
        """What the leaf kernels read: the ways to go on, and what of each to sort by.

        That is what the last partition left of its block, and the next blocks, two pieces at most.
        """
        after = range(chosen[-1] + 1 if chosen else 0, len(self._widths))
        pieces = []
        if chosen and (left_over := self._widths[chosen[-1]] - self._digit(chosen[-1])[1]):
            pieces = [(self._shifts[chosen[-1]], left_over)]
        rows = []
        for more in itertools.combinations(after, self.plan.agree - len(chosen)):
            own = [*pieces, *((self._shifts[b], self._widths[b]) for b in more), (0, 0), (0, 0)]
            (high, high_bits), (low, low_bits) = own[:2]
            # the key must fit, and its top is what counts
            cut = max(0, min(low_bits, low_bits + high_bits - 32))
            low, low_bits = low + cut, low_bits - cut
            masks = [(1 << bits) - 1 for bits in (high_bits, low_bits)]
            choice = self._prefix((*chosen, *more))
            rows.append([choice, high, masks[0], low, masks[1], low_bits, high_bits + low_bits])
        return np.array(rows, np.uint64)

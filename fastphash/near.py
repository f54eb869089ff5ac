"""All pairs of values within a radius, by a plan: partition, look into the cache, compare."""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.kernels import leaf, partition
from fastphash.kernels.leaf import PAD
from fastphash.plans import DIGIT_BITS, Plan, choose, measure, order_table
from fastphash.threads import core_count, free_memory, interleave, run_all

# pairs that a thread finds before it hands them over
_HANDED_OVER = 1 << 17
# hashes of a task: some thousandths of a second, so that threads end together and Ctrl-C is quick
_TASK = 1 << 17
_LEAST_TASK = 1 << 15
# handing tasks to threads takes a tenth of a thousandth of a second each
_WORTH_THREADS = 0.008
_TILE = 1 << 13
# tiles between looks whether to go on
_TILES = 64
# keys that values inside a segment are sorted by
_KEYS = 1 << 14
_SORT_BITS = 14

# pairs found: values, or labels, of the left and of the right
_Block = tuple[NDArray[np.uint64], NDArray[np.uint64]]
_NOTHING: _Block = (np.empty(0, np.uint64), np.empty(0, np.uint64))

#: Called as progress(done, total), in hashes looked at.
Advance = Callable[[int, int], None]


@dataclass(slots=True)
class Explained:
    """What was planned and what came of it.

    Attributes
    ----------
    plan : Plan
    left, right : int
        Values of either side; right is 0 where values were joined with one another.
    seconds : float
    pairs : int
        Pairs of values found.
    """

    plan: Plan
    left: int
    right: int
    seconds: float = 0.0
    pairs: int = 0
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Effort:
    """What a join may use, and whom it tells.

    Attributes
    ----------
    threads : int
    memory : int
        Bytes that it may take beyond its input; half of what is free by default.
    advance : callable
        Told how far it is.
    explain : callable
        Told of every search, before it begins and when it has ended.
    plan : callable, optional
        Chooses another plan than the cheapest: of the plan, another.
    """

    threads: int = field(default_factory=core_count)
    memory: int = field(default_factory=lambda: free_memory() // 2)
    advance: Advance = lambda done, total: None  # noqa: ARG005 - says nothing
    explain: Callable[[Explained], None] = lambda search: None  # noqa: ARG005
    plan: Callable[[Plan], Plan] = lambda plan: plan


class Values(NamedTuple):
    """The different ones of many values, ascending, and which rows they came from.

    Attributes
    ----------
    values : uint64 (n,)
        With room for `PAD` more behind them in memory.
    starts : uint32 (n + 1,)
    rows : uint32 (m,)
        Value i came from rows[starts[i]:starts[i + 1]], ascending.
    """

    values: NDArray[np.uint64]
    starts: NDArray[np.uint32]
    rows: NDArray[np.uint32]


def sort_values(values: NDArray[np.uint64], rows: NDArray[np.uint32], threads: int = 1) -> Values:
    """Sort values (n,) with their rows (n,), and collapse equal ones."""
    size = values.size
    threads = threads if size > _TASK else 1
    bits = min(max(size.bit_length() - 4, 1), _SORT_BITS)
    shift = 64 - bits
    kept = _padded(size)
    kept_rows = np.empty(size, np.uint32)
    bounds = _scatter(values, rows, shift, 1 << bits, kept, kept_rows, threads)

    def sort(low: int, high: int) -> None:
        longest = int(np.diff(bounds[low : high + 1]).max(initial=0))
        partition.sort_segments(
            kept,
            kept_rows,
            bounds[low : high + 1],
            shift,
            np.empty(longest, np.uint64),
            np.empty(longest, np.uint32),
            np.empty(1 << DIGIT_BITS, np.int64),
        )

    run_all(threads, (partial(sort, *task) for task in _tasks(bounds)))
    starts = np.empty(size + 1, np.uint32)
    found = partition.collapse_sorted(kept[:size], starts)
    return Values(kept[:found], starts[: found + 1], kept_rows)


def permuted(values: NDArray[np.uint64], plan: Plan) -> NDArray[np.uint64]:
    """Values (n,) with their bits in the plan's order: distances stay what they are."""
    if not plan.order:
        return values
    out = np.empty_like(values)
    partition.permute(values, order_table(plan.order), out)
    return out


def plan_for(
    left: NDArray[np.uint64], right: NDArray[np.uint64] | None, radius: int, effort: Effort
) -> Plan:
    """The cheapest plan for these values."""
    likeness = measure(left, left if right is None else right)
    size = None if right is None else right.size
    return effort.plan(choose(likeness, left.size, size, radius, effort.threads))


class Found(NamedTuple):
    """Pairs of places among values, int64 (n,)."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]


def find_within(values: NDArray[np.uint64], plan: Plan, effort: Effort) -> Iterator[Found]:
    """Every pair of different places, once each, in blocks and any order.

    Parameters
    ----------
    values : uint64 (n,)
        All different, ascending, as `sort_values` gives them.
    """
    search = _Search(plan, effort.threads, _side(values))
    yield from _find(search, effort, values, values)


def find_across(
    values: NDArray[np.uint64], others: NDArray[np.uint64], plan: Plan, effort: Effort
) -> Iterator[Found]:
    """Every pair of a place in `values` and one in `others`; otherwise as `find_within`."""
    search = _Search(plan, effort.threads, _side(values), _side(others))
    yield from _find(search, effort, values, others)


def find_edges(
    values: NDArray[np.uint64],
    labels: NDArray[np.uint32],
    root: NDArray[np.uint32],
    plan: Plan,
    effort: Effort,
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
    search = _Search(plan, effort.threads, _side(values, labels), root=root)
    for left, right in _run(search, effort):
        yield Found(left.astype(np.int64), right.astype(np.int64))


def _find(
    search: "_Search",
    effort: Effort,
    values: NDArray[np.uint64],
    others: NDArray[np.uint64],
) -> Iterator[Found]:
    place = _Places(values)
    other_place = place if others is values else _Places(others)
    for left, right in _run(search, effort):
        yield Found(place(left), other_place(right))


def _run(search: "_Search", effort: Effort) -> Iterator[_Block]:
    told = Explained(search.plan, search.sizes[0], search.sizes[1])
    effort.explain(told)
    start = time.perf_counter()

    def tasks() -> Iterator[Iterator[_Block]]:
        for task in search.tasks():
            effort.advance(search.done, search.total)
            yield task

    threads = 1 if search.plan.seconds < _WORTH_THREADS else effort.threads
    for left, right in interleave(threads, tasks()):
        told.pairs += left.size
        yield left, right
    told.seconds, told.ended = time.perf_counter() - start, True
    effort.explain(told)


class _Places:
    """Looks up where values stand among ascending ones."""

    def __init__(self, values: NDArray[np.uint64]) -> None:
        bits = min(max(values.size.bit_length() - 3, 1), 20)
        self._values = values
        self._shift = 64 - bits
        self._bounds = np.empty((1 << bits) + 1, np.int64)
        partition.find_bounds(values, self._shift, self._bounds)

    def __call__(self, wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
        out = np.empty(wanted.size, np.int64)
        partition.find_places(self._values, self._bounds, self._shift, wanted, out)
        return out


@dataclass(frozen=True, slots=True)
class _Side:
    """Values in segments: those of segment s are values[bounds[s] - bounds[0]:...].

    Labels go with them, or there are none of any.
    """

    values: NDArray[np.uint64]
    labels: NDArray[np.uint32]
    bounds: NDArray[np.int64]

    @property
    def size(self) -> int:
        """How many values there are."""
        return int(self.bounds[-1] - self.bounds[0])

    @property
    def longest(self) -> int:
        """Values of the largest segment."""
        return int(np.diff(self.bounds).max(initial=0))

    def part(self, low: int, high: int) -> "_Side":
        """Some of the segments."""
        start, stop = (int(self.bounds[i] - self.bounds[0]) for i in (low, high))
        labels = self.labels[start : stop + PAD] if self.labels.size else self.labels
        return _Side(self.values[start : stop + PAD], labels, self.bounds[low : high + 1])

    def tiles(self) -> list["_Side"]:
        """The one segment cut into several, whatever the values."""
        ends = [*range(0, self.size, _TILE), self.size]
        whole = _Side(self.values, self.labels, np.array(ends, np.int64))
        return [whole.part(i, i + 1) for i in range(len(ends) - 1)]

    def sorted_by(self, shift: int, bits: int) -> "_Side":
        """The one segment of ascending values cut by their top bits."""
        bounds = np.empty((1 << bits) + 1, np.int64)
        partition.find_bounds(self.values[: self.size], shift, bounds)
        return _Side(self.values, self.labels, bounds)

    def scattered_by(self, shift: int, bits: int, threads: int) -> "_Side":
        """The one segment cut by a digit, with all threads."""
        out, labels = _padded(self.size), np.empty(self.labels.size, np.uint32)
        own_labels = self.labels[: self.size] if labels.size else None
        own = self.values[: self.size]
        bounds = _scatter(own, own_labels, shift, 1 << bits, out, labels, threads)
        return _Side(out, labels, bounds)

    def split(self, shift: int, bits: int) -> "_Side":
        """Every segment cut by a digit."""
        digits = 1 << bits
        made = _Side(
            _padded(self.size),
            np.empty(self.labels.size and self.size + PAD, np.uint32),
            np.empty((self.bounds.size - 1) * digits + 1, np.int64),
        )
        partition.split_segments(
            self.values,
            self.labels,
            self.bounds,
            shift,
            digits,
            np.empty(digits, np.int64),
            made.values,
            made.labels,
            made.bounds,
        )
        return made


class _Search:
    """The tasks of a plan: prefixes of agreeing blocks, deeper and deeper, then the leaves.

    One side is searched within, two are searched across. Tasks are iterators of pairs of values,
    or, with `root`, of labels.
    """

    def __init__(
        self, plan: Plan, threads: int, *sides: _Side, root: NDArray[np.uint32] | None = None
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
            for low, high in _tasks(np.sum([side.bounds for side in cut], axis=0)):
                yield self._explore([side.part(low, high) for side in cut], (block,))

    def _every_pair(self) -> Iterator[Iterator[_Block]]:
        if self._root.size:
            size = self.sizes[0]
            rows = max(_TILE * _TILE // size, 1)
            for start in range(0, size, rows):
                yield self._leaf(self._sides, (), size, rows=(start, min(start + rows, size)))
                self.done += rows
            return
        tiles = self._sides[0].tiles()
        for i, tile in enumerate(tiles):
            others = tiles[i + 1 :] if len(self._sides) == 1 else self._sides[1].tiles()
            own = [[tile]] if len(self._sides) == 1 else []
            yield self._tiles([*own, *([tile, other] for other in others)])

    def _tiles(self, several: list[list[_Side]]) -> Iterator[_Block]:
        for i, sides in enumerate(several):
            yield from self._leaf(sides, (), direct=_TILE)
            if i % _TILES == _TILES - 1:
                yield _NOTHING  # time to look whether to go on
        self.done += several[0][0].size if several else 0

    def _explore(self, sides: list[_Side], chosen: tuple[int, ...]) -> Iterator[_Block]:
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
        sides: Sequence[_Side],
        chosen: tuple[int, ...],
        direct: int,
        rows: tuple[int, int] | None = None,
    ) -> Iterator[_Block]:
        haystack = sides[-1]
        choices = self._choices(chosen)
        if len(chosen) == self.plan.agree and not choices[:, leaf.BITS].any():
            direct = haystack.longest
        spare = _padded(haystack.longest)
        spare_labels = np.empty(spare.size if self._root.size else 0, np.uint32)
        keys = np.empty(_KEYS + 2, np.int32)
        state = np.zeros(leaf.STATES, np.int64)
        state[leaf.ROW], state[leaf.LAST] = rows or (0, haystack.longest + sides[0].longest)
        find = leaf.find_across if len(sides) == 2 else leaf.find_within
        if self._root.size:
            find = leaf.find_edges
        while state[leaf.SEGMENT] < haystack.bounds.size - 1:
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


def _scatter(
    values: NDArray[np.uint64],
    rows: NDArray[np.uint32] | None,
    shift: int,
    digits: int,
    out: NDArray[np.uint64],
    out_rows: NDArray[np.uint32],
    threads: int,
) -> NDArray[np.int64]:
    """Partition values, and rows if any, by a digit, stably; the bounds of the parts."""
    chunk = max(math.ceil(values.size / threads), _TASK)
    starts = range(0, values.size, chunk)
    threads = min(threads, len(starts))
    counts = np.zeros((len(starts), digits), np.int64)
    run_all(
        threads,
        (
            partial(partition.count_digits, values[a : a + chunk], shift, counts[i])
            for i, a in enumerate(starts)
        ),
    )
    bounds = np.concatenate(([0], np.cumsum(counts.sum(axis=0))))
    place = bounds[:-1] + np.cumsum(counts, axis=0) - counts

    def scatter(i: int, a: int) -> None:
        own = values[a : a + chunk]
        if rows is None:
            partition.scatter(own, shift, place[i], out)
        else:
            partition.scatter_rows(own, rows[a : a + chunk], shift, place[i], out, out_rows)

    run_all(threads, (partial(scatter, i, a) for i, a in enumerate(starts)))
    return bounds


def _tasks(bounds: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges of segments of about so many values that all threads have some; none is empty."""
    segments = bounds.size - 1
    size = int(min(max(bounds[-1] // 8, _LEAST_TASK), _TASK))
    low = 0
    while low < segments:
        high = int(np.searchsorted(bounds, bounds[low] + size, side="right")) - 1
        high = min(max(high, low + 1), segments)
        if bounds[high] > bounds[low]:
            yield low, high
        low = high


def _padded(size: int) -> NDArray[np.uint64]:
    out = np.empty(size + PAD, np.uint64)
    out[size:] = 0
    return out


def _with_pad(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The same values with room behind them: the array they are the front of, or a copy."""
    whole = values.base
    if (
        isinstance(whole, np.ndarray)
        and whole.dtype == np.uint64
        and whole.ndim == 1
        and whole.ctypes.data == values.ctypes.data
        and whole.size >= values.size + PAD
    ):
        return whole
    out = _padded(values.size)
    out[: values.size] = values
    return out


def _side(values: NDArray[np.uint64], labels: NDArray[np.uint32] | None = None) -> _Side:
    """Values, and labels if any, with room behind them, as one segment."""
    padded = np.empty(0, np.uint32)
    if labels is not None:
        padded = np.concatenate((labels, np.zeros(PAD, np.uint32)))
    return _Side(_with_pad(values), padded, np.array([0, values.size], np.int64))

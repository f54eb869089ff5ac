"""Hamming search of values of one word: all pairs within a radius, by a search plan.

1. `plan_search` measures how the bits of the values agree, and chooses the cheapest plan.
2. The plan's tasks partition the values by agreeing blocks (`BlockSearch`), or cut all pairs into
   tiles (`BruteForce`).
3. `Leaves` compare the values inside each segment. Threads work on tasks side by side and hand
   over pairs of values in batches.
4. A look-up turns pairs of values into pairs of their numbers, and a caller may check these: both
   in the threads that found them.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fastphash.base.threads import interleave
from fastphash.joins.bit_statistics import BitStatistics, measure_samples, sample_distinct
from fastphash.joins.block_search import BlockSearch
from fastphash.joins.brute_force import BruteForce
from fastphash.joins.leaves import Edges, Leaves, ValuePairs
from fastphash.joins.options import JoinOptions, SearchReport
from fastphash.joins.planner import choose_plan
from fastphash.joins.search_plan import SearchPlan
from fastphash.joins.segments import Segments, one_segment
from fastphash.joins.values import NumberLookup, NumberPairs

#: Checks pairs of numbers; yields those that are meant, in batches.
Check = Callable[[NumberPairs], Iterable[NumberPairs]]

# handing a task to a thread takes 0.1 ms: shorter searches are faster in one thread
_PARALLEL_SECONDS = 0.008


def plan_search(
    left: NDArray[np.uint64],
    right: NDArray[np.uint64] | None,
    radius: int,
    options: JoinOptions,
    statistics: BitStatistics | None = None,
) -> SearchPlan:
    """The plan for all pairs of a left and a right value, or of two left ones without `right`.

    Values may come several times: a search sees each once. Their statistics are measured, unless
    given.
    """
    if statistics is not None:
        sizes = left.size, None if right is None else right.size
    else:
        left_sample = sample_distinct(left)
        right_sample = left_sample if right is None else sample_distinct(right)
        statistics = measure_samples(left_sample, right_sample)
        sizes = left_sample.total, None if right is None else right_sample.total
    return options.plan(choose_plan(statistics, *sizes, radius, options.threads))


def find_within(
    values: NDArray[np.uint64], plan: SearchPlan, options: JoinOptions, check: Check | None = None
) -> Iterator[NumberPairs]:
    """Every pair of two values within the plan's radius, once, in batches and any order.

    Parameters
    ----------
    values : uint64 (n,)
        Distinct and ascending, as `sort_values` gives them.
    plan : SearchPlan
    options : JoinOptions
    check : callable, optional
        What becomes of each batch.

    Yields
    ------
    NumberPairs
        The numbers of the two values, in either order.
    """
    lookup = NumberLookup(values)

    def find_numbers(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> Iterable[NumberPairs]:
        numbers = NumberPairs(lookup.numbers(left), lookup.numbers(right))
        return check(numbers) if check else (numbers,)

    yield from _search([one_segment(values)], plan, options, find_numbers)


def find_across(
    left: NDArray[np.uint64],
    right: NDArray[np.uint64],
    plan: SearchPlan,
    options: JoinOptions,
    check: Check | None = None,
) -> Iterator[NumberPairs]:
    """Every pair of a left and a right value; otherwise as `find_within`."""
    left_lookup, right_lookup = NumberLookup(left), NumberLookup(right)

    def find_numbers(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> Iterable[NumberPairs]:
        numbers = NumberPairs(left_lookup.numbers(one), right_lookup.numbers(other))
        return check(numbers) if check else (numbers,)

    yield from _search([one_segment(left), one_segment(right)], plan, options, find_numbers)


def find_edges(
    values: NDArray[np.uint64],
    labels: NDArray[np.uint32],
    roots: NDArray[np.uint32],
    plan: SearchPlan,
    options: JoinOptions,
    check: Check | None = None,
) -> Iterator[NumberPairs]:
    """Pairs of numbers that have different values within the radius, and different roots.

    A pair may come several times. The caller may write `roots` meanwhile, which leaves out pairs of
    numbers that have the same root by then.

    Parameters
    ----------
    values : uint64 (n,)
        Ascending; equal ones are allowed, unless there is a `check`.
    labels : uint32 (n,)
        Twice the number of each value, plus 1 for values that must not pair with one another.
    roots : uint32
        The root of each number in a union-find forest.
    plan : SearchPlan
    options : JoinOptions
    check : callable, optional
        What becomes of each batch: of places in `values` instead of the numbers in labels.
    """
    side = one_segment(values, labels)
    if check is None:
        yield from _search([side], plan, options, _as_numbers, Edges(roots, as_values=False))
        return
    lookup = NumberLookup(values)

    def find_places(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> Iterable[NumberPairs]:
        return check(NumberPairs(lookup.numbers(left), lookup.numbers(right)))

    yield from _search([side], plan, options, find_places, Edges(roots, as_values=True))


def _as_numbers(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> Iterable[NumberPairs]:
    return (NumberPairs(left.astype(np.int64), right.astype(np.int64)),)


def _search(
    sides: Sequence[Segments],
    plan: SearchPlan,
    options: JoinOptions,
    find_numbers: Callable[[NDArray[np.uint64], NDArray[np.uint64]], Iterable[NumberPairs]],
    edges: Edges | None = None,
) -> Iterator[NumberPairs]:
    """Run the tasks of a plan within one side or across two, and report on them."""
    report = SearchReport(plan, sides[0].size, sum(side.size for side in sides[1:]))
    options.explain(report)
    start = time.perf_counter()
    leaves = Leaves(plan, edges)
    search: BlockSearch | BruteForce
    if plan.widths:
        search = BlockSearch(plan, sides, leaves, options.threads)
    else:
        search = BruteForce(sides, leaves)
    threads = 1 if plan.seconds < _PARALLEL_SECONDS else options.threads
    tasks = (_numbers_of(task, find_numbers) for task in _reported_tasks(search, options))
    for pairs in interleave(threads, tasks):
        report.pairs += pairs.left.size
        yield pairs
    report.seconds, report.ended = time.perf_counter() - start, True
    options.explain(report)


def _numbers_of(
    task: Iterator[ValuePairs],
    find_numbers: Callable[[NDArray[np.uint64], NDArray[np.uint64]], Iterable[NumberPairs]],
) -> Iterator[NumberPairs]:
    """What a task finds, as pairs of numbers."""
    for left, right in task:
        yield from find_numbers(left, right)


def _reported_tasks(
    search: BlockSearch | BruteForce, options: JoinOptions
) -> Iterator[Iterator[ValuePairs]]:
    """The tasks of a search, with a report of progress before each."""
    for task in search.tasks():
        options.advance(search.done, search.total)
        yield task

"""Hamming search of values of one word, or of several: all pairs within a radius, by a plan.

Hashes of 256 bits have four words. Each is searched by itself (`word_search`), up to its threshold
in the plan; of what that proposes, the pairs within the radius remain (`WordSearch`).
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from fastphash.base.threads import interleave
from fastphash.joins import word_search
from fastphash.joins.bit_statistics import measure_bits
from fastphash.joins.options import JoinOptions, SearchReport
from fastphash.joins.planner import choose_words
from fastphash.joins.proposals import Forest, WordSearch
from fastphash.joins.search_plan import Plan, SearchPlan, WordsPlan
from fastphash.joins.values import NumberPairs

# of so few values, a search of a word up to such a threshold takes 0.1 s or so, and leaves threads
# waiting: all words are searched at once. At larger thresholds that takes up to twice as long.
_FEW_VALUES = 1 << 18
_SMALL_THRESHOLD = 7


def plan_search(
    left: NDArray[np.uint64], right: NDArray[np.uint64] | None, radius: int, options: JoinOptions
) -> Plan:
    """The plan for all pairs of a left and a right hash, or of two left ones without `right`.

    Hashes are (n,), or (n, words). Those of several words are planned word by word once a search of
    the word begins.
    """
    if left.ndim == 1:
        return word_search.plan_search(left, right, radius, options)
    statistics = measure_bits(left, left if right is None else right)
    return choose_words(statistics, left.shape[1], radius)


def find_within(
    values: NDArray[np.uint64], plan: Plan, options: JoinOptions
) -> Iterator[NumberPairs]:
    """Every pair of two values within the plan's radius, once, in batches and any order.

    Parameters
    ----------
    values : uint64 (n,) or (n, words)
        Distinct, and if of one word ascending, as `sort_values` gives them.
    plan : Plan
        Of `plan_search`.
    options : JoinOptions

    Yields
    ------
    NumberPairs
        The numbers of the two values, in either order.
    """
    if isinstance(plan, SearchPlan):
        yield from word_search.find_within(values, plan, options)
        return
    yield from _search_words(plan, options, len(values), lambda word: word.within(values))


def find_across(
    left: NDArray[np.uint64], right: NDArray[np.uint64], plan: Plan, options: JoinOptions
) -> Iterator[NumberPairs]:
    """Every pair of a left and a right value; otherwise as `find_within`."""
    if isinstance(plan, SearchPlan):
        yield from word_search.find_across(left, right, plan, options)
        return
    size = len(left) + len(right)
    yield from _search_words(plan, options, size, lambda word: word.across(left, right))


def find_edges(
    values: NDArray[np.uint64],
    labels: NDArray[np.uint32],
    roots: NDArray[np.uint32],
    plan: Plan,
    options: JoinOptions,
) -> Iterator[NumberPairs]:
    """Pairs of numbers that have different values within the radius, and different roots.

    A pair may come several times. The caller may write `roots` between batches, which leaves out
    pairs of numbers that have the same root by then.

    Parameters
    ----------
    values : uint64 (n,) or (n, words)
        Those of one word ascend; equal ones are allowed.
    labels : uint32 (n,)
        Twice the number of each value, plus 1 for values that must not pair with one another.
    roots : uint32
        The root of each number in a union-find forest.
    plan : Plan
        Of `plan_search`.
    options : JoinOptions
    """
    if isinstance(plan, SearchPlan):
        yield from word_search.find_edges(values, labels, roots, plan, options)
        return
    forest = Forest(labels, roots)
    yield from _search_words(plan, options, len(values), lambda word: word.edges(values, forest))


def _search_words(
    plan: WordsPlan,
    options: JoinOptions,
    size: int,
    search: Callable[[WordSearch], Iterator[NumberPairs]],
) -> Iterator[NumberPairs]:
    """Search all words, of so many values: one after the other, or each in a thread."""
    takes_long = size > _FEW_VALUES or max(plan.thresholds) > _SMALL_THRESHOLD
    if takes_long or options.threads == 1:
        for word in plan.searched_words:
            yield from search(WordSearch(plan, word, options))
        return
    reports: dict[int, SearchReport] = {}
    in_thread = JoinOptions(
        threads=1,
        memory=options.memory,
        explain=lambda report: reports.update({report.word: report}),
        plan=options.plan,
    )
    words = (search(WordSearch(plan, word, in_thread)) for word in plan.searched_words)
    yield from interleave(options.threads, words)
    for _, report in sorted(reports.items()):
        for report.ended in (False, True):
            options.explain(report)

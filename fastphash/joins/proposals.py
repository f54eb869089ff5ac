"""The search of one word of hashes of several: what is near in the word is checked as a whole.

Values that are equal in the word have a list. Two words within the threshold propose all pairs of a
value of one list and a value of the other. These are checked one by one as they come up, in the
threads of the search, and never kept: a word that many values share proposes a great many.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.threads import interleave
from fastphash.joins import word_search
from fastphash.joins.bit_order import reorder_bits
from fastphash.joins.bit_statistics import uniform_bits
from fastphash.joins.options import JoinOptions, SearchReport
from fastphash.joins.repeats import find_repeated
from fastphash.joins.search_plan import SearchPlan, WordsPlan
from fastphash.joins.values import DistinctValues, NumberPairs, sort_values
from fastphash.kernels import proposals

# pairs that a check finds before it hands them over
_BATCH_PAIRS = 1 << 16
# pairs of equal words that a task checks, about
_TASK_PAIRS = 1 << 20
_NO_LABELS = np.empty(0, np.uint32)


class Forest(NamedTuple):
    """The labels of values and the roots of their numbers, as for `find_edges`; empty for none."""

    labels: NDArray[np.uint32] = _NO_LABELS
    roots: NDArray[np.uint32] = _NO_LABELS


class _Side(NamedTuple):
    """Values (n, words) of one side, and the lists of those that are equal in the word."""

    values: NDArray[np.uint64]
    lists: DistinctValues


class WordSearch:
    """Finds the pairs within the radius that are within the threshold of one word.

    Pairs within the threshold of an earlier word are left out: its search finds them.
    """

    def __init__(self, plan: WordsPlan, word: int, options: JoinOptions) -> None:
        self._plan = plan
        self._word = word
        self._threshold = plan.thresholds[word]
        self._options = _options_of_word(options, word, len(plan.searched_words))

    def within(self, values: NDArray[np.uint64]) -> Iterator[NumberPairs]:
        """The pairs of two values (n, words), by their numbers."""
        if not self._threshold:
            yield from self._find_equal(self._repeated_words(values), Forest())
            return
        plan, (side,) = self._sort_words(values)
        yield from self._find_equal(side, Forest())
        check = self._check(side, side, Forest())
        yield from word_search.find_within(side.lists.values, plan, self._options, check)

    def across(self, left: NDArray[np.uint64], right: NDArray[np.uint64]) -> Iterator[NumberPairs]:
        """The pairs of a left and a right value, by their numbers."""
        plan, (one, other) = self._sort_words(left, right)
        check = self._check(one, other, Forest())
        yield from word_search.find_across(
            one.lists.values, other.lists.values, plan, self._options, check
        )

    def edges(self, values: NDArray[np.uint64], forest: Forest) -> Iterator[NumberPairs]:
        """Pairs of numbers; the caller may write the roots between batches."""
        if not self._threshold:
            for pairs in self._find_equal(self._repeated_words(values), forest):
                yield _numbers(pairs, forest)
            return
        plan, (side,) = self._sort_words(values)
        for pairs in self._find_equal(side, forest):
            yield _numbers(pairs, forest)
        check = self._check(side, side, forest)
        of_lists = _forest_of_lists(side.lists, forest)
        batches = word_search.find_edges(
            side.lists.values, of_lists.labels, of_lists.roots, plan, self._options, check
        )
        for pairs in batches:
            yield _numbers(pairs, forest)
            of_lists.roots[: forest.roots.size] = forest.roots

    def _sort_words(self, *sides: NDArray[np.uint64]) -> tuple[SearchPlan, list[_Side]]:
        """The plan to search the word, and one side or two with their lists."""
        words = [np.ascontiguousarray(values[:, self._word]) for values in sides]
        right = words[1] if len(words) == 2 else None
        # bits stay in their order where the hashes as a whole are uniform
        statistics = None if self._plan.bit_order else uniform_bits(64)
        plan = word_search.plan_search(words[0], right, self._threshold, self._options, statistics)
        threads = self._options.threads
        return plan, [
            _Side(values, sort_values(reorder_bits(own, plan), threads=threads))
            for values, own in zip(sides, words, strict=True)
        ]

    def _repeated_words(self, values: NDArray[np.uint64]) -> _Side:
        """Values with the lists of words that come several times, and of a few others."""
        words = np.ascontiguousarray(values[:, self._word])
        repeated = find_repeated(words, self._options.threads)
        return _Side(values, sort_values(words[repeated], repeated, self._options.threads))

    def _check(self, left: _Side, right: _Side, forest: Forest) -> "_Check":
        earlier = np.array(self._plan.thresholds[: self._word], np.int64)
        return _Check(left, right, forest, earlier, self._plan.radius)

    def _find_equal(self, side: _Side, forest: Forest) -> Iterator[NumberPairs]:
        """The pairs of two values of one list."""
        counts = side.lists.counts.astype(np.int64)
        shared = np.flatnonzero(counts > 1)
        pairs = np.cumsum(counts[shared] * (counts[shared] - 1) // 2)
        total = int(pairs[-1]) if pairs.size else 0
        cuts = np.searchsorted(pairs, np.arange(_TASK_PAIRS, total, _TASK_PAIRS))
        check = self._check(side, side, forest)
        tasks = map(check.inside, np.split(shared, cuts)) if total else iter(())
        yield from interleave(self._options.threads if cuts.size else 1, tasks)


class _Check:
    """Checks pairs of lists: yields the pairs of their values that are within the radius."""

    def __init__(
        self,
        left: _Side,
        right: _Side,
        forest: Forest,
        earlier_thresholds: NDArray[np.int64],
        radius: int,
    ) -> None:
        self._left = left
        self._right = right
        self._forest = forest
        self._earlier_thresholds = earlier_thresholds
        self._radius = radius

    def __call__(self, pairs: NumberPairs) -> Iterator[NumberPairs]:
        return self._near(pairs, inside=False)

    def inside(self, numbers: NDArray[np.int64]) -> Iterator[NumberPairs]:
        """The pairs of two values of one list, for each of these lists."""
        return self._near(NumberPairs(numbers, numbers), inside=True)

    def _near(self, pairs: NumberPairs, *, inside: bool) -> Iterator[NumberPairs]:
        state = np.zeros(proposals.STATES, np.int64)
        state[proposals.INSIDE] = inside
        while state[proposals.PROPOSAL] < pairs.left.size:
            left, right = (np.empty(_BATCH_PAIRS, np.int64) for _ in range(2))
            count = proposals.check(
                self._left.values,
                self._left.lists.starts,
                self._left.lists.rows,
                pairs.left,
                self._right.values,
                self._right.lists.starts,
                self._right.lists.rows,
                pairs.right,
                self._forest.labels,
                self._forest.roots,
                self._earlier_thresholds,
                self._radius,
                state,
                left,
                right,
            )
            # nothing, too: a caller that waits may want to end
            yield NumberPairs(left[:count].copy(), right[:count].copy())


def _numbers(places: NumberPairs, forest: Forest) -> NumberPairs:
    """The numbers that values have in their labels."""
    left, right = ((forest.labels[own] >> 1).astype(np.int64) for own in places)
    return NumberPairs(left, right)


def _forest_of_lists(lists: DistinctValues, forest: Forest) -> Forest:
    """A label for each list, and roots of their numbers.

    A list of one number has that number; one of several has a number of its own, without a parent.
    Its label is odd if those of all its values are.
    """
    labels = forest.labels[lists.rows]
    starts = lists.starts[:-1]
    if not starts.size:
        return Forest(labels, forest.roots)
    number = np.minimum.reduceat(labels >> 1, starts)
    several = number != np.maximum.reduceat(labels >> 1, starts)
    own = np.arange(np.count_nonzero(several), dtype=np.uint32) + np.uint32(forest.roots.size)
    number[several] = own
    odd = np.bitwise_and.reduceat(labels & np.uint32(1), starts)
    return Forest(2 * number + odd, np.concatenate([forest.roots, own]))


def _options_of_word(options: JoinOptions, word: int, words: int) -> JoinOptions:
    """Options whose reports name the word, and whose progress is that of all words."""

    def explain(report: SearchReport) -> None:
        report.word, report.words = word + 1, words
        options.explain(report)

    def advance(done: int, total: int) -> None:
        options.advance(word * total + done, words * total)

    return replace(options, explain=explain, advance=advance)

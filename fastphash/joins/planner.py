"""The planner: the cheapest search plan, by estimated cost."""

from dataclasses import replace

from fastphash.joins.bit_order import deal_bits
from fastphash.joins.bit_statistics import BitStatistics
from fastphash.joins.costs import estimate_cost
from fastphash.joins.search_plan import DIGIT_BITS, SearchPlan, WordsPlan

# two values agree in a narrower block so often that it hardly separates them
_MIN_BLOCK_BITS = 3
_MAX_AGREE = 7


def choose_plan(
    statistics: BitStatistics, left: int, right: int | None, radius: int, threads: int
) -> SearchPlan:
    """The cheapest plan for all pairs of `left` values, or of `left` and `right` of them."""
    plans = candidate_plans(statistics, left, right, radius, threads)
    plan = min(plans, key=lambda plan: plan.seconds)
    if statistics.skewed and plan.widths:
        bit_order, widths = deal_bits(statistics, len(plan.widths))
        plan = replace(plan, bit_order=bit_order, widths=widths)
    return plan


def choose_words(statistics: BitStatistics, words: int, radius: int) -> WordsPlan:
    """The plan for hashes of several words: thresholds that are even, and words of equal worth."""
    even, more = divmod(radius + 1, words)
    thresholds = tuple(even + (word < more) - 1 for word in range(words))
    bit_order: tuple[int, ...] = ()
    if statistics.skewed:
        # of many bits, squares: the absolute values of chance correlations add up to much
        shared = replace(statistics, correlation=statistics.correlation**2)
        bit_order, _ = deal_bits(shared, words, most=64)
    return WordsPlan(radius, thresholds, bit_order)


def candidate_plans(
    statistics: BitStatistics, left: int, right: int | None, radius: int, threads: int
) -> list[SearchPlan]:
    """All plans to consider, with their costs: first every pair, then blocks of even widths."""
    plans = [SearchPlan(radius)]
    for agree in range(1, _MAX_AGREE + 1):
        blocks = radius + agree
        if blocks > 1 and 64 // blocks < _MIN_BLOCK_BITS:
            break
        widths = tuple(64 // blocks + (block < 64 % blocks) for block in range(blocks))
        # a deeper partition would leave a segment for every fraction of a value
        value_bits = max(left, right or 0).bit_length()
        deepest = max(1, (value_bits + 2) // min(max(widths), DIGIT_BITS))
        plans += [
            SearchPlan(radius, widths, agree, levels)
            for levels in range(1, min(agree, deepest) + 1)
        ]
    return [estimate_cost(plan, statistics, left, right, threads) for plan in plans]

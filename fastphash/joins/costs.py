"""The cost model: how long a search plan takes.

For a plan of m blocks of about equal width, k of which must agree, and n values:

- Level i partitions all n values once for each way to choose i blocks: (m - k + i choose i) ways.
- Each way at the last level leaves 2^b segments, where b is the number of bits partitioned by. A
  segment has n P(b) values: P(b) is the probability that two values agree in b given bits
  (`BitStatistics`).
- A small segment is compared whole. A larger one is sorted by the other blocks of each choice, and
  runs of values with equal keys are compared.
- A comparison costs a constant for each value, and one for each window of 8 values in its run. In
  sorted runs of one side eight values begin at once.
"""

import math
from dataclasses import replace

from fastphash.joins.bit_statistics import BitStatistics
from fastphash.joins.search_plan import DIGIT_BITS, KEY_BITS, SearchPlan

# Nanoseconds on one core, fitted by benchmarks/speed/planner.py on two cores of an AMD EPYC
# (Zen 4).
#: To move a value in a partition.
NS_PARTITION = 3.15
#: To begin a segment.
NS_SEGMENT = 25.0
#: To sort a value inside a segment.
NS_SORT = 1.8
#: To begin to compare a value with others of its side, in a whole segment,
NS_VALUE = 3.0
#: or in a sorted run,
NS_RUN = 1.95
#: or a needle with a run.
NS_NEEDLE = 5.4
#: To compare a value with a window of others of its side,
NS_WINDOW = 0.33
#: or a needle,
NS_NEEDLE_WINDOW = 1.2
#: and with a further window of a long run, four of which are compared at once.
NS_LONG_WINDOW = 0.6
_SECONDS_TO_START = 0.0005

#: Values compared at once.
WINDOW = 8
# windows of a run before four are compared at once
_SHORT_RUN = 8
# values of a segment that fit into the cache of a core together with their copy
_CACHED = 1 << 16


def estimate_cost(
    plan: SearchPlan, statistics: BitStatistics, left: int, right: int | None, threads: int
) -> SearchPlan:
    """The plan with its estimated seconds and comparisons."""
    if plan.widths:
        nanoseconds, comparisons = _block_search_cost(plan, statistics, left, right)
    else:
        comparisons = left * (left - 1) / 2 if right is None else float(left * right)
        nanoseconds = comparisons / WINDOW * NS_LONG_WINDOW
    start = _SECONDS_TO_START * (1 + len(plan.widths) / 4)
    return replace(
        plan, seconds=start + nanoseconds / threads / 1e9, comparisons=float(comparisons)
    )


def _block_search_cost(
    plan: SearchPlan, statistics: BitStatistics, left: int, right: int | None
) -> tuple[float, float]:
    """Nanoseconds on one core, and comparisons."""
    block_bits = 64 / len(plan.widths)
    haystack = left if right is None else right
    partition_bits = round(plan.levels * min(block_bits, DIGIT_BITS))
    segment = haystack * statistics.agreement_probability(partition_bits) + 1
    nothing_to_sort_by = plan.levels == plan.agree and block_bits <= DIGIT_BITS
    nanoseconds = _partition_cost(plan, left + (right or 0), partition_bits)
    compared_whole = segment <= plan.whole_size or nothing_to_sort_by
    if compared_whole:
        passes, run = plan.partial_choices(plan.levels), segment
    else:
        passes = plan.choices
        key_bits = min(
            plan.agree * block_bits - partition_bits, KEY_BITS, max(1.0, math.log2(segment / 4))
        )
        run = haystack * statistics.agreement_probability(round(partition_bits + key_bits))
        cache_misses = 1 + max(0.0, math.log2(segment / _CACHED)) / 2
        nanoseconds += passes * haystack * NS_SORT * cache_misses
    # within one side, a value is compared with those behind it: half of the run on average
    windows = max(1.0, run / WINDOW / (2 if right is None else 1))
    if right is not None:
        nanoseconds += passes * left * _comparison_cost(windows, NS_NEEDLE, NS_NEEDLE_WINDOW)
    elif compared_whole:
        nanoseconds += passes * left * _comparison_cost(windows, NS_VALUE, NS_WINDOW)
    else:
        nanoseconds += passes * left * (NS_RUN + run / WINDOW / 2 * NS_LONG_WINDOW)
    return nanoseconds, passes * left * windows * WINDOW


def _partition_cost(plan: SearchPlan, values: int, partition_bits: int) -> float:
    """Nanoseconds to partition all values level by level, and to begin the segments."""
    passes = sum(plan.partial_choices(level) for level in range(1, plan.levels + 1))
    segments = plan.partial_choices(plan.levels) * 2.0**partition_bits
    return passes * values * NS_PARTITION + segments * NS_SEGMENT


def _comparison_cost(windows: float, begin: float, window: float) -> float:
    """Nanoseconds to compare a value with so many windows of one run."""
    short = min(windows, _SHORT_RUN)
    return begin + (short * window + (windows - short) * NS_LONG_WINDOW)

"""The search plan: which blocks to partition by, chosen by estimated cost.

Two hashes within r bits, cut into m blocks, agree in at least m - r of them. A plan says how many
blocks, and how many of them, k <= m - r, a comparison takes for granted: more of them means fewer
comparisons and more passes over the hashes, one for each of the (m choose k) choices.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.bit_statistics import BitStatistics

#: Nanoseconds on one core, fitted by benchmarks/speed/planner.py on two cores of an AMD EPYC
#: (Zen 4): to put a hash where its digit goes, to sort it inside a segment, to look at it at all,
#: to compare it with `WINDOW` others, with as many more in a long run, and to begin a segment.
NS_PARTITION = 4.6
NS_PER_CHOICE = 2.9
NS_ROW = 5.4
NS_WINDOW = 1.2
NS_LONG_WINDOW = 0.65
NS_PER_SEGMENT = 9.9
_SECONDS_TO_START = 0.0005

#: Hashes compared at once.
WINDOW = 8
#: The most bits that one pass sorts by: the ends of so many parts fit into the cache.
DIGIT_BITS = 12
#: A segment of at most this many hashes for each choice is compared whole, unsorted.
DIRECT = 32
# hashes of a segment that stay in the cache of a core, with their copy
_CACHED = 1 << 16
# windows after which four are looked at together
_LONG_RUN = 8
# blocks of fewer bits would bring nearly everything together
_LEAST_BITS = 3
_MOST_AGREEING = 4


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How to find the pairs within a radius.

    Attributes
    ----------
    radius : int
    widths : tuple of int
        Bits of each block, from the most significant; none where every pair is compared.
    agree : int
        Blocks that a pair is known to agree in before it is compared.
    levels : int
        Of these, how many the hashes are partitioned by before they are looked at in the cache.
    order : tuple of int
        Which bit (0 the least significant) stands where, from the most significant; empty where
        none moves.
    seconds : float
        Estimate for all threads together.
    comparisons : float
        Estimate of pairs compared.
    """

    radius: int
    widths: tuple[int, ...]
    agree: int
    levels: int
    order: tuple[int, ...]
    seconds: float
    comparisons: float

    @property
    def direct(self) -> int:
        """Hashes of a segment that is compared whole."""
        choices = math.comb(len(self.widths), self.agree) if self.widths else 1
        first = math.comb(max(len(self.widths) - 1, 0), max(self.agree - 1, 0))
        return DIRECT * min(max(first, 1), choices)

    def __str__(self) -> str:
        if not self.widths:
            return "compare every pair"
        names = ", ".join(map(str, self.widths))
        moved = "bits grouped by how they go together" if self.order else "bits in their order"
        return (
            f"{len(self.widths)} blocks of {names} bits ({moved}); compare where "
            f"{self.agree} agree: {math.comb(len(self.widths), self.agree)} choices"
        )


def choose_plan(
    likeness: BitStatistics, left: int, right: int | None, radius: int, threads: int
) -> SearchPlan:
    """The cheapest plan for all pairs of `left` hashes, or of `left` and `right` of them."""
    found = min(
        candidate_plans(likeness, left, right, radius, threads), key=lambda plan: plan.seconds
    )
    if not likeness.skewed or not found.widths:
        return found
    order, widths = _grouped(likeness, len(found.widths))
    return replace(found, order=order, widths=widths)


def candidate_plans(
    likeness: BitStatistics, left: int, right: int | None, radius: int, threads: int
) -> list[SearchPlan]:
    """All plans worth a thought, with their estimates; bits in their order."""
    pairs = left * (left - 1) / 2 if right is None else float(left * right)
    found = [
        SearchPlan(
            radius,
            (),
            0,
            0,
            (),
            _SECONDS_TO_START + pairs / WINDOW * NS_LONG_WINDOW / threads / 1e9,
            pairs,
        )
    ]
    for agree in range(1, _MOST_AGREEING + 1):
        blocks = radius + agree
        if 64 // blocks < _LEAST_BITS and blocks > 1:
            break
        bits = min(math.ceil(64 / blocks), DIGIT_BITS)
        deepest = max(1, (max(left, right or 0).bit_length() + 2) // bits)
        found.extend(
            _with_blocks(likeness, left, right, radius, threads, agree, levels)
            for levels in range(1, min(agree, deepest) + 1)
        )
    return found


def _with_blocks(
    likeness: BitStatistics,
    left: int,
    right: int | None,
    radius: int,
    threads: int,
    agree: int,
    levels: int,
) -> SearchPlan:
    blocks = radius + agree
    widths = tuple(64 // blocks + (i < 64 % blocks) for i in range(blocks))
    mean = 64 / blocks
    across = right is not None
    size = left + (right or 0)
    cut = sum(min(math.ceil(mean), DIGIT_BITS) for _ in range(levels))
    shared = likeness.agree_in(cut)
    haystack = left if right is None else right
    segment = haystack * shared + 1
    nanoseconds = 0.0
    # partitioning, level by level
    passes = 0.0
    for level in range(1, levels + 1):
        passes += math.comb(blocks - agree + level, level)
    nanoseconds += passes * size * NS_PARTITION
    nanoseconds += math.comb(blocks - agree + levels, levels) * 2.0**cut * NS_PER_SEGMENT
    whole = SearchPlan(radius, widths, agree, levels, (), 0, 0).direct
    if segment <= whole or (levels == agree and mean <= DIGIT_BITS):
        looks = math.comb(blocks - agree + levels, levels)
        run = segment
    else:
        looks = math.comb(blocks, agree)
        key = min(agree * mean - cut, 14, max(1.0, math.log2(segment / 4)))
        run = haystack * likeness.agree_in(round(cut + key))
        slow = 1 + max(0.0, math.log2(segment / _CACHED)) / 2
        nanoseconds += looks * haystack * NS_PER_CHOICE * slow
    windows = max(1.0, run / WINDOW / (1 if across else 2))
    comparisons = looks * left * windows * WINDOW
    short = min(windows, _LONG_RUN)
    compare = short * NS_WINDOW + (windows - short) * NS_LONG_WINDOW
    nanoseconds += looks * left * (NS_ROW + compare)
    seconds = _SECONDS_TO_START * (1 + blocks / 4) + nanoseconds / threads / 1e9
    return SearchPlan(radius, widths, agree, levels, (), seconds, comparisons)


def _grouped(likeness: BitStatistics, blocks: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Bits dealt to blocks so that each tells as much as another, and its own bits little twice.

    The bits that tell most are dealt first, each to the block that knows least so far; what a bit
    tells is -log2 of its agreement, less what its block tells already by correlation.
    """
    tells = -np.log2(np.clip(likeness.agreement, 1e-6, 1 - 1e-9))
    knows = np.zeros(blocks)
    members: list[list[int]] = [[] for _ in range(blocks)]
    for bit in np.argsort(-tells, kind="stable").tolist():
        news = [
            tells[bit] * (1 - min(sum(abs(likeness.together[bit, own]) for own in group), 1.0))
            for group in members
        ]
        block = int(np.argmin([knows[b] - news[b] / 2 for b in range(blocks)]))
        members[block].append(bit)
        knows[block] += news[block]
    ranked = [members[b] for b in np.argsort(-knows, kind="stable").tolist()]
    return tuple(bit for group in ranked for bit in group), tuple(len(group) for group in ranked)


def order_table(order: tuple[int, ...]) -> NDArray[np.uint64]:
    """What `partition.permute` looks up: uint64 (8, 256)."""
    goes = np.zeros(64, np.uint64)
    for place, bit in enumerate(order):
        goes[bit] = np.uint64(1) << np.uint64(63 - place)
    table = np.zeros((8, 256), np.uint64)
    for byte in range(8):
        for bit in range(8):
            table[byte, np.arange(256) >> bit & 1 == 1] |= goes[8 * byte + bit]
    return table

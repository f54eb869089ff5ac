"""Search plans: which blocks of bits to partition by.

Cut 64 bits into m blocks. Two hashes that differ in up to r bits differ in up to r blocks, so they
agree in m - r blocks at least (the pigeonhole principle). A plan has m = r + k blocks and compares
two hashes only where they agree in some k of them: one search for each of the (m choose k) choices.
A greater k means fewer comparisons and more choices.

Hashes of several words are searched word by word. If two of them are within r, some word of the two
is within its threshold, where thresholds, each plus 1, add up to r + 1: else the words would differ
in r + 1 bits at least. At 256 bits and r = 31 each of the four has 7; at r = 2 three words are to
be equal, and the fourth is not searched.
"""

import math
from dataclasses import dataclass

#: The most bits that one partition takes: the ends of 4096 parts fit into the cache.
DIGIT_BITS = 12
#: The most bits that a segment is sorted by.
KEY_BITS = 14
#: A segment of up to this many values for each choice is compared whole, unsorted.
WHOLE_PER_CHOICE = 32


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How to find the pairs within a radius.

    Attributes
    ----------
    radius : int
    widths : tuple of int
        Bits of each block, from the most significant; empty to compare every pair.
    agree : int
        Blocks that two values must agree in to be compared.
    levels : int
        How many of these blocks the values are partitioned by. Segments, which then fit into the
        cache, are sorted by the others.
    bit_order : tuple of int
        Which bit (0 the least significant) stands at each place, from the most significant; empty
        to leave bits where they are.
    seconds : float
        Estimated time with all threads.
    comparisons : float
        Estimated number of pairs compared.
    """

    radius: int
    widths: tuple[int, ...] = ()
    agree: int = 0
    levels: int = 0
    bit_order: tuple[int, ...] = ()
    seconds: float = 0.0
    comparisons: float = 0.0

    @property
    def choices(self) -> int:
        """Ways to choose the blocks that must agree."""
        return math.comb(len(self.widths), self.agree)

    def partial_choices(self, level: int) -> int:
        """Ways to choose the first `level` of these blocks, with enough blocks left behind them."""
        return math.comb(len(self.widths) - self.agree + level, level)

    @property
    def whole_size(self) -> int:
        """Values of the largest segment that is compared whole, unsorted."""
        with_first_block = math.comb(len(self.widths) - 1, self.agree - 1) if self.widths else 1
        return WHOLE_PER_CHOICE * with_first_block

    def __str__(self) -> str:
        if not self.widths:
            return "compare every pair"
        widths = ", ".join(map(str, self.widths))
        moved = "bits grouped by how they go together" if self.bit_order else "bits in their order"
        return (
            f"{len(self.widths)} blocks of {widths} bits ({moved}); compare where "
            f"{self.agree} agree: {self.choices} choices"
        )


@dataclass(frozen=True, slots=True)
class WordsPlan:
    """How to find the pairs within a radius of hashes of several words.

    Attributes
    ----------
    radius : int
    thresholds : tuple of int
        The distance up to which pairs are proposed by each word; -1 for a word that isn't searched.
    bit_order : tuple of int
        Which bit stands at each place of the words; empty to leave bits where they are. Bits count
        from 0, word by word, in a word from the least significant; places from the most
        significant.
    """

    radius: int
    thresholds: tuple[int, ...]
    bit_order: tuple[int, ...] = ()

    @property
    def searched_words(self) -> list[int]:
        """The words that propose pairs."""
        return [word for word, threshold in enumerate(self.thresholds) if threshold >= 0]


#: A plan for hashes of one word, or of several.
Plan = SearchPlan | WordsPlan

"""The blocks of a plan: where they are in a value, and how to choose those that agree.

A search chooses agreeing blocks one by one, in ascending order. Two values that agree in more
blocks than the plan asks for meet in several choices. They are reported for the first one only, so
that no pair comes twice.
"""

from itertools import accumulate, combinations

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.partitions import Digit
from fastphash.joins.search_plan import DIGIT_BITS, SearchPlan

# a key packs two digits into so many bits; the kernels sort by its top `KEY_BITS` at most
_PACKED_BITS = 32


class Blocks:
    """The blocks of a plan, numbered from the most significant; one of all bits if it has none.

    Attributes
    ----------
    masks : uint64 (m,)
        The bits of each block.
    """

    def __init__(self, plan: SearchPlan) -> None:
        self._agree = plan.agree
        self._widths = plan.widths or (64,)
        shifts = [64 - end for end in accumulate(self._widths)]
        self._digits = [Digit(*place) for place in zip(shifts, self._widths, strict=True)]
        self.masks = np.array(
            [((1 << bits) - 1) << shift for shift, bits in self._digits], np.uint64
        )

    def following(self, chosen: tuple[int, ...]) -> range:
        """Blocks that can be chosen next: enough of them are left behind each."""
        first = chosen[-1] + 1 if chosen else 0
        return range(first, len(self._digits) - self._agree + len(chosen) + 1)

    def partition_digit(self, block: int) -> Digit:
        """What a partition takes of a block: its top bits, `DIGIT_BITS` at most."""
        shift, bits = self._digits[block]
        taken = min(bits, DIGIT_BITS)
        return Digit(shift + bits - taken, taken)

    def leaf_choices(self, chosen: tuple[int, ...]) -> NDArray[np.uint64]:
        """The ways to choose the blocks that are left, for values partitioned by `chosen`.

        Returns
        -------
        uint64 (n, 7)
            `choices` of the kernels: the blocks as a set of bits, and the digits to sort by. These
            are the bits that the last partition left of its block, and the next blocks, two digits
            at most.
        """
        left_over = []
        if chosen:
            shift, bits = self._digits[chosen[-1]]
            untaken = bits - self.partition_digit(chosen[-1]).bits
            left_over = [Digit(shift, untaken)] if untaken else []
        following = range(chosen[-1] + 1 if chosen else 0, len(self._digits))
        choices = []
        for others in combinations(following, self._agree - len(chosen)):
            digits = [*left_over, *(self._digits[block] for block in others)]
            high, low = [*digits, Digit(0, 0), Digit(0, 0)][:2]
            # where the key is too long, the low digit goes without its low bits
            dropped = max(0, min(low.bits, low.bits + high.bits - _PACKED_BITS))
            low = Digit(low.shift + dropped, low.bits - dropped)
            choices.append([block_set((*chosen, *others)), *_sort_key(high, low)])
        return np.array(choices, np.uint64)


def block_set(chosen: tuple[int, ...]) -> int:
    """Chosen blocks as a set of bits."""
    return sum(1 << block for block in chosen)


def _sort_key(high: Digit, low: Digit) -> tuple[int, ...]:
    """A key of two digits, in the columns that the kernels read."""
    masks = [(1 << digit.bits) - 1 for digit in (high, low)]
    return high.shift, masks[0], low.shift, masks[1], low.bits, high.bits + low.bits

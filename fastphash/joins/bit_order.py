"""The order of bits that suits a plan. Moving the bits of all hashes alike changes no distance."""

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.bit_statistics import BitStatistics
from fastphash.joins.search_plan import Plan
from fastphash.kernels import radix

# a bit gains a block a hundredth of its information at least: else all blocks with much in common
# with it would be equal, and the first would get all such bits
_MOST_SHARED = 0.99


def deal_bits(
    statistics: BitStatistics, blocks: int, most: int | None = None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Deal bits to blocks so that all blocks separate hashes about equally well.

    A bit has -log2 of its agreement as information. A block gains that, less the share by which the
    bit correlates with those that the block has. Bits with the most information are dealt first,
    each to a block with little information that gains much, and that has less than `most` bits.

    Returns
    -------
    bit_order, widths : tuple of int
        As in a `SearchPlan`; the block with the most information comes first.
    """
    information = -np.log2(np.clip(statistics.agreement, 1e-6, 1 - 1e-9))
    correlation = np.abs(statistics.correlation)
    block_information = np.zeros(blocks)
    block_bits: list[list[int]] = [[] for _ in range(blocks)]
    for bit in np.argsort(-information, kind="stable").tolist():
        shared = np.array([sum(correlation[bit, bits]) for bits in block_bits])
        gains = information[bit] * (1 - np.minimum(shared, _MOST_SHARED))
        need = block_information - gains / 2
        need[[len(bits) == most for bits in block_bits]] = np.inf
        block = int(np.argmin(need))
        block_bits[block].append(bit)
        block_information[block] += gains[block]
    ranked = [block_bits[block] for block in np.argsort(-block_information, kind="stable").tolist()]
    return tuple(bit for bits in ranked for bit in bits), tuple(len(bits) for bits in ranked)


def reorder_bits(hashes: NDArray[np.uint64], plan: Plan) -> NDArray[np.uint64]:
    """Hashes (n,) or (n, words) with their bits in the plan's order."""
    if not plan.bit_order:
        return hashes
    if hashes.ndim == 1:
        return _gather_bits([hashes], plan.bit_order)
    columns = [np.ascontiguousarray(column) for column in hashes.T]
    out = np.empty_like(hashes)
    for word in range(len(columns)):
        out[:, word] = _gather_bits(columns, plan.bit_order[64 * word : 64 * word + 64])
    return out


def restore_bits(values: NDArray[np.uint64], plan: Plan) -> NDArray[np.uint64]:
    """Values (n,) with their bits in the usual order again, after `reorder_bits`."""
    if not plan.bit_order:
        return values
    # place p has bit 63 - p of the reordered value
    place_of_bit = np.argsort(plan.bit_order)[::-1]
    return _gather_bits([values], tuple((63 - place_of_bit).tolist()))


def _gather_bits(columns: list[NDArray[np.uint64]], order: tuple[int, ...]) -> NDArray[np.uint64]:
    """The word made of the given 64 bits, which are numbered over all columns (n,)."""
    out = np.empty_like(columns[0])
    radix.permute(columns[0], bit_table(order), out)
    for word, column in enumerate(columns[1:], 1):
        part = np.empty_like(out)
        radix.permute(column, bit_table(order, word), part)
        out |= part
    return out


def bit_table(bit_order: tuple[int, ...], word: int = 0) -> NDArray[np.uint64]:
    """Where the bits of each byte of a word go, as `radix.permute` looks it up: uint64 (8, 256)."""
    moved = np.zeros(64, np.uint64)
    for place, bit in enumerate(bit_order):
        if bit // 64 == word:
            moved[bit % 64] = np.uint64(1) << np.uint64(63 - place)
    table = np.zeros((8, 256), np.uint64)
    for byte in range(8):
        for bit in range(8):
            table[byte, np.arange(256) >> bit & 1 == 1] |= moved[8 * byte + bit]
    return table

"""The order of bits that suits a plan. Moving the bits of all hashes alike changes no distance."""

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.bit_statistics import BitStatistics
from fastphash.joins.search_plan import SearchPlan
from fastphash.kernels import radix


def deal_bits(statistics: BitStatistics, blocks: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Deal bits to blocks so that all blocks separate hashes about equally well.

    A bit has -log2 of its agreement as information. A block gains that, less the share by which the
    bit correlates with those that the block has. Bits with the most information are dealt first,
    each to a block with little information that gains much.

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
        gains = information[bit] * (1 - np.minimum(shared, 1.0))
        block = int(np.argmin(block_information - gains / 2))
        block_bits[block].append(bit)
        block_information[block] += gains[block]
    ranked = [block_bits[block] for block in np.argsort(-block_information, kind="stable").tolist()]
    return tuple(bit for bits in ranked for bit in bits), tuple(len(bits) for bits in ranked)


def reorder_bits(hashes: NDArray[np.uint64], plan: SearchPlan) -> NDArray[np.uint64]:
    """Hashes (n,) with their bits in the plan's order."""
    if not plan.bit_order:
        return hashes
    out = np.empty_like(hashes)
    radix.permute(hashes, bit_table(plan.bit_order), out)
    return out


def bit_table(bit_order: tuple[int, ...]) -> NDArray[np.uint64]:
    """Where the bits of each byte of a hash go, as `radix.permute` looks it up: uint64 (8, 256)."""
    moved = np.zeros(64, np.uint64)
    for place, bit in enumerate(bit_order):
        moved[bit] = np.uint64(1) << np.uint64(63 - place)
    table = np.zeros((8, 256), np.uint64)
    for byte in range(8):
        for bit in range(8):
            table[byte, np.arange(256) >> bit & 1 == 1] |= moved[8 * byte + bit]
    return table

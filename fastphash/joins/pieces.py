"""Pieces: the values that a worker searches alone, so that any number of hashes can be joined.

A piece has all values whose digit, the top bits of one block, lies in a range. Two values within
the radius agree in several blocks of a plan; only the first `radius` + 1 blocks can be the first of
these. A pair is found in the piece of the first block that it agrees in and nowhere else: each pair
comes once, and no piece needs another. A value is in a piece of each of these blocks, so pieces
hold 8 (radius + 1) bytes for each value.

A digit with more values than a piece may have is cut into tiles, by a hash of the value. Each piece
then has two of the tiles, or one by itself.

1. `choose_piece_plan` chooses the blocks, from a sample.
2. `count_digits` counts the digits of a batch. Counts of all batches are added.
3. `make_pieces` cuts the digits into pieces of about equal size.
4. `scatter` yields the values of a batch by piece.
5. `piece_search.search_piece` finds the pairs of a piece.

Repeats of a value within a batch are left out of counts and pieces, most of them: of hashes of
which two thirds are blank, a piece has few blank ones.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.joins.bit_order import reorder_bits
from fastphash.joins.bit_statistics import measure_bits
from fastphash.joins.blocks import Blocks
from fastphash.joins.partitions import Digit, scatter_by_lines
from fastphash.joins.planner import choose_plan
from fastphash.joins.search_plan import DIGIT_BITS, SearchPlan
from fastphash.kernels import line_scatter
from fastphash.kernels import pieces as kernel

_DIGITS = 1 << DIGIT_BITS
# places for recent values: 128 kB stay in the cache of a core
_RECENT_BITS = 14


class Tile(NamedTuple):
    """One of so many tiles of a digit, numbered from 0."""

    number: int
    tiles: int


class Piece(NamedTuple):
    """The values of a piece.

    Attributes
    ----------
    block : int
        The first block in which its pairs agree.
    low, high : int
        It has the values with low <= digit < high.
    left_tile, right_tile : Tile or None
        Of the left and the right values of its one digit; None for all of them. Within one side,
        pairs have a value of each tile, which may be the same.
    """

    block: int
    low: int
    high: int
    left_tile: Tile | None = None
    right_tile: Tile | None = None


@dataclass(frozen=True)
class PiecePlan:
    """All pieces of a join.

    Attributes
    ----------
    plan : SearchPlan
    across : bool
        Whether pairs have a left and a right value, instead of two of one side.
    pieces : tuple of Piece
        By block and digit.
    """

    plan: SearchPlan
    across: bool
    pieces: tuple[Piece, ...]

    def to_json(self) -> str:
        """The plan as JSON: equal plans give equal text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "PiecePlan":
        """The plan that `to_json` wrote."""
        read = json.loads(text)
        plan: dict[str, Any] = {
            key: tuple(x) if isinstance(x, list) else x for key, x in read["plan"].items()
        }
        pieces = tuple(
            Piece(*digits, *(Tile(*tile) if tile else None for tile in (left, right)))
            for *digits, left, right in read["pieces"]
        )
        return cls(SearchPlan(**plan), read["across"], pieces)


def choose_piece_plan(
    left: NDArray[np.uint64],
    right: NDArray[np.uint64] | None,
    left_size: int,
    right_size: int | None,
    radius: int,
    threads: int,
) -> SearchPlan:
    """The plan for a join of so many values, of which samples are given.

    Parameters
    ----------
    left, right : uint64 (n,)
        Random hashes of each side, 65,536 or so; `right` is None for pairs of one side.
    left_size, right_size : int
        Number of distinct hashes.
    radius : int
    threads : int
    """
    statistics = measure_bits(left, left if right is None else right)
    return choose_plan(statistics, left_size, right_size, radius, threads)


def count_digits(values: NDArray[np.uint64], plan: SearchPlan) -> NDArray[np.int64]:
    """How many values of a batch have each digit of each block that can be the first to agree.

    Parameters
    ----------
    values : uint64 (n,)
        Hashes, their bits in their usual order.
    plan : SearchPlan

    Returns
    -------
    int64 (blocks, 4096)
        `radius` + 1 blocks, or one whose digits are all 0 if the plan is to compare every pair.
    """
    values = reorder_bits(without_repeats(values), plan)
    digits = first_digits(plan)
    counts = np.zeros((len(digits), _DIGITS), np.int64)
    for digit, count in zip(digits, counts, strict=True):
        itself = np.arange(1 << digit.bits, dtype=np.uint16)
        kernel.count_parts(values, itself, digit.shift, count)
    return counts


def make_pieces(
    plan: SearchPlan,
    left_counts: NDArray[np.int64],
    right_counts: NDArray[np.int64] | None,
    most_values: int,
) -> PiecePlan:
    """Cut the digits of each block into pieces of up to about `most_values` values of both sides.

    Parameters
    ----------
    plan : SearchPlan
    left_counts, right_counts : int64 (blocks, 4096)
        Of all batches; `right_counts` is None for pairs of one side.
    most_values : int
        A single value that comes more often makes a larger piece.
    """
    pieces: list[Piece] = []
    for block in range(len(left_counts)):
        left = left_counts[block]
        right = None if right_counts is None else right_counts[block]
        pieces += _cut_block(block, left, right, most_values)
    return PiecePlan(plan, right_counts is not None, tuple(pieces))


def scatter(
    values: NDArray[np.uint64],
    piece_plan: PiecePlan,
    block: int | None = None,
    *,
    right: bool = False,
) -> Iterator[tuple[int, NDArray[np.uint64]]]:
    """The values of a batch by piece, of one side.

    Parameters
    ----------
    values : uint64 (n,)
        Hashes, their bits in their usual order.
    piece_plan : PiecePlan
    block : int, optional
        Yield the pieces of this block only.
    right : bool
        Whether these are right values.

    Yields
    ------
    number : int
        Of a piece: piece_plan.pieces[number].
    values : uint64 (m,)
        With their bits in the plan's order, not empty.
    """
    values = reorder_bits(without_repeats(values), piece_plan.plan)
    digits = first_digits(piece_plan.plan)
    for own in range(len(digits)) if block is None else (block,):
        digit = digits[own]
        parts, numbers = _parts_of_block(piece_plan, own, 1 << digit.bits)
        bounds, moved = _scatter_parts(values, parts, digit, len(numbers) + 1)
        for part, pieces in enumerate(numbers):
            part_values = moved[bounds[part] : bounds[part + 1]]
            if part_values.size:
                yield from _by_tile(part_values, piece_plan, pieces, right=right)


def first_digits(plan: SearchPlan) -> list[Digit]:
    """The digit of each block that can be the first to agree; one of no bits without blocks."""
    if not plan.widths:
        return [Digit(0, 0)]
    blocks = Blocks(plan)
    return [blocks.partition_digit(block) for block in blocks.following(())]


def take_tile(values: NDArray[np.uint64], tile: Tile) -> NDArray[np.uint64]:
    """The values (n,) of a tile."""
    out = np.empty_like(values)
    return out[: kernel.take_tile(values, tile.number, tile.tiles, out)]


def without_repeats(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The values (n,) in their order, without most of their repeats."""
    recent = np.zeros(1 << _RECENT_BITS, np.uint64)
    # the hash of 0 is 0; that of this value isn't
    recent[0] = 1
    out = np.empty(values.size, np.uint64)
    return out[: kernel.drop_recent(np.ascontiguousarray(values), 64 - _RECENT_BITS, recent, out)]


def _cut_block(
    block: int, left: NDArray[np.int64], right: NDArray[np.int64] | None, most: int
) -> Iterator[Piece]:
    """The pieces of a block, by the counts of its digits (4096,)."""
    both = left if right is None else left + right
    searched = left > 1 if right is None else (left > 0) & (right > 0)
    ends = np.cumsum(both).tolist()
    low = high = before = 0
    for digit in np.flatnonzero(searched).tolist():
        start = ends[digit] - int(both[digit])
        if low < high and ends[digit] - before > most:
            yield Piece(block, low, high)
            low = high
        if both[digit] > most:
            yield from _cut_digit(block, digit, left, right, most)
            low = high = digit + 1
            continue
        if low == high:
            low, before = digit, start
        high = digit + 1
    if low < high:
        yield Piece(block, low, high)


def _cut_digit(
    block: int, digit: int, left: NDArray[np.int64], right: NDArray[np.int64] | None, most: int
) -> Iterator[Piece]:
    """The pieces of a digit with too many values: each has two tiles, of half a piece's size."""
    tiles = math.ceil(2 * int(left[digit]) / most)
    if right is None:
        for i in range(tiles):
            for j in range(i, tiles):
                yield Piece(block, digit, digit + 1, Tile(i, tiles), Tile(j, tiles))
        return
    right_tiles = math.ceil(2 * int(right[digit]) / most)
    for i in range(tiles):
        for j in range(right_tiles):
            yield Piece(block, digit, digit + 1, Tile(i, tiles), Tile(j, right_tiles))


def _parts_of_block(
    piece_plan: PiecePlan, block: int, digits: int
) -> tuple[NDArray[np.uint16], list[list[int]]]:
    """The part that each digit belongs to, and the numbers of the pieces of each part.

    A part is a piece, or all tiles of a digit. The part behind the last has digits of no piece.
    """
    numbers: dict[tuple[int, int], list[int]] = {}
    for number, piece in enumerate(piece_plan.pieces):
        if piece.block == block:
            numbers.setdefault((piece.low, piece.high), []).append(number)
    parts = np.full(digits, len(numbers), np.uint16)
    for part, (low, high) in enumerate(numbers):
        parts[low:high] = part
    return parts, list(numbers.values())


def _scatter_parts(
    values: NDArray[np.uint64], parts: NDArray[np.uint16], digit: Digit, count: int
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """The bounds (count + 1,) of the parts, and the values by part."""
    counts = np.zeros(count, np.int64)
    kernel.count_parts(values, parts, digit.shift, counts)
    bounds = np.concatenate(([0], np.cumsum(counts)))
    moved = np.empty_like(values)
    by_lines = scatter_by_lines(values.size, count)
    scatter_kernel = line_scatter.scatter_parts if by_lines else kernel.scatter_parts
    scatter_kernel(values, parts, digit.shift, bounds[:-1].copy(), moved)
    return bounds, moved


def _by_tile(
    values: NDArray[np.uint64], piece_plan: PiecePlan, numbers: Iterable[int], *, right: bool
) -> Iterator[tuple[int, NDArray[np.uint64]]]:
    """Values of a part, by the numbers of its pieces."""
    tiles: dict[Tile, NDArray[np.uint64]] = {}
    for number in numbers:
        piece = piece_plan.pieces[number]
        if piece.left_tile is None or piece.right_tile is None:
            yield number, values
            continue
        wanted = {piece.left_tile, piece.right_tile}
        if piece_plan.across:
            wanted = {piece.right_tile if right else piece.left_tile}
        for tile in wanted - tiles.keys():
            tiles[tile] = take_tile(values, tile)
        own = np.concatenate([tiles[tile] for tile in sorted(wanted)])
        if own.size:
            yield number, own

"""The stages of a join: pure functions from Arrow batches to Arrow batches.

Values are hashes; Spark has no unsigned numbers, and takes their bits as int64.
"""

import pickle
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.cluster.searches import Uses, wanted_by
from fastphash.cluster.shares import read_shares
from fastphash.external.found_rows import ValueTable
from fastphash.joins.bit_order import restore_bits
from fastphash.joins.distances import row_distances
from fastphash.joins.index import Index
from fastphash.joins.matches import INVERSE_MASKS, Matches
from fastphash.joins.options import JoinOptions
from fastphash.joins.piece_search import search_piece
from fastphash.joins.pieces import PiecePlan, count_digits, scatter, without_repeats
from fastphash.joins.repeats import repeated_values
from fastphash.joins.search_plan import SearchPlan

Batches = Iterator[pa.RecordBatch]

#: What stages yield, as Spark says it. `SIDE` is 0 for left values, 1 for right ones.
COUNTS = "search int, side int, data binary"
EXPLODED = "piece int, side int, data binary"
VALUE_PAIRS = "left_value long, right_value long"
VALUE_ROWS = "value long, row long, hashes binary"
MATCHES = "left long, right long, distance short, mask short"
PACKED = "data binary"

# values of one side of a piece in one row: Java's collector takes arrays of 512 kB by another,
# slower way
_MOST_TOGETHER = 1 << 15
_ROWS_OF_BATCH = 1 << 16
# a task may take an eighth of it for a table of wanted values
_TABLE_MEMORY = 1 << 28


def count(batches: Batches, uses: Sequence[Uses], plans: Sequence[SearchPlan]) -> Batches:
    """How many values have each digit, added up over all shares: int64 (radius + 1, 4096).

    `uses` and `plans` are those of the searches of a join.
    """
    total: dict[tuple[int, int], NDArray[np.int64]] = {}
    for share in read_shares(batches, wanted_by(uses)):
        for number, (use, plan) in enumerate(zip(uses, plans, strict=True)):
            for place, orientations in use.get(share.side, ()):
                for t in orientations:
                    counts = count_digits(share.hashes[t], plan)
                    total[number, place] = total.get((number, place), 0) + counts
    for (number, place), counts in total.items():
        yield batch_of(COUNTS, [number], [place], [counts.tobytes()])


def explode(batches: Batches, uses: Uses, piece_plan: PiecePlan) -> Batches:
    """The values of all shares by piece: one row or some for each piece, side and share.

    Within one side, values that a share repeats come once more, as a piece behind the last one, if
    their pieces may have them once.
    """
    for share in read_shares(batches, wanted_by([uses])):
        for place, orientations in uses.get(share.side, ()):
            for t in orientations:
                values = share.hashes[t]
                for piece, own in scatter(values, piece_plan, right=place == 1):
                    yield from _exploded(piece, place, own)
                if not piece_plan.across and without_repeats(values).size < values.size:
                    repeated = repeated_values(values)
                    yield from _exploded(len(piece_plan.pieces), place, repeated)


def search_pieces(batches: Batches, piece_plan: PiecePlan) -> Batches:
    """Pairs of values within the radius; within one side also (v, v) for repeated values.

    A piece is in one partition, with all of its rows. (v, v) may come several times.
    """
    pieces: dict[int, tuple[list[NDArray[np.uint64]], list[NDArray[np.uint64]]]] = {}
    for batch in batches:
        numbers, sides = (batch.column(i).to_pylist() for i in range(2))
        for piece, side, values in zip(numbers, sides, _values_in(batch.column(2)), strict=True):
            pieces.setdefault(piece, ([], []))[side].append(values)
    for piece in [*pieces]:
        left, right = (np.concatenate([np.empty(0, np.uint64), *own]) for own in pieces.pop(piece))
        if piece == len(piece_plan.pieces):
            repeated = np.unique(left)
            yield from _pairs_of(repeated, repeated)
            continue
        yield from _search(piece_plan, piece, left, right)


def _search(
    piece_plan: PiecePlan, number: int, left: NDArray[np.uint64], right: NDArray[np.uint64]
) -> Batches:
    """The pairs of one piece."""
    options = JoinOptions(threads=1)
    if piece_plan.across:
        if left.size and right.size:
            for pairs in search_piece(piece_plan, number, left, right, options):
                yield from _pairs_of(*pairs)
        return
    for pairs in search_piece(piece_plan, number, left, None, options):
        yield from _pairs_of(*pairs)
    piece = piece_plan.pieces[number]
    # every value is in a piece of the first block, in that of its own tile with itself
    if piece.block == 0 and piece.left_tile == piece.right_tile:
        repeated = restore_bits(repeated_values(left), piece_plan.plan)
        yield from _pairs_of(repeated, repeated)


def find_rows(
    batches: Batches,
    side: int,
    known: tuple[int, ...],
    orientations: tuple[int, ...],
    wanted: NDArray[np.uint64] | None,
) -> Batches:
    """The rows of a side with the wanted values (ascending), or all rows: `VALUE_ROWS`.

    A row comes once for each of these orientations that has such a value, with its hashes in those
    that are known.
    """
    table = None if wanted is None else table_of_wanted(wanted)
    for share in read_shares(batches, {side: known}):
        for t in orientations:
            values = share.hashes[t]
            if wanted is None or table is None:
                found = np.arange(values.size)
            else:
                found = find_wanted(values, wanted, table)
            for start in range(0, found.size, _ROWS_OF_BATCH):
                some = found[start : start + _ROWS_OF_BATCH]
                hashes = np.stack([share.hashes[column][some] for column in known], axis=1)
                column = _binary_column(hashes, hashes.shape[1] * hashes.itemsize)
                yield batch_of(VALUE_ROWS, values[some].view(np.int64), some + share.first, column)


def table_of_wanted(wanted: NDArray[np.uint64]) -> ValueTable:
    """What tells quickly of nearly all values that they aren't wanted."""
    table = ValueTable(wanted.size, _TABLE_MEMORY)
    table.add(wanted)
    return table


def find_wanted(
    values: NDArray[np.uint64], wanted: NDArray[np.uint64], table: ValueTable
) -> NDArray[np.int64]:
    """The places of the values that are among the wanted ones, which ascend."""
    if not wanted.size:
        return np.empty(0, np.int64)
    # a value costs 1 ns here, and 100 in a binary search: few come through
    perhaps = table.find(values).astype(np.int64)
    places = np.searchsorted(wanted, values[perhaps])
    equal = wanted[np.minimum(places, wanted.size - 1)] == values[perhaps]
    found: NDArray[np.int64] = perhaps[equal]
    return found


def relate(
    batches: Batches, known: tuple[tuple[int, ...], tuple[int, ...]], *, within: bool
) -> Batches:
    """Pairs of rows with their distances and orientations: `MATCHES`, in any order.

    Columns of batches are left row, right row, left hashes and right hashes. Within one side a pair
    becomes left < right, and pairs of a row with itself are left out.
    """
    for batch in batches:
        left, right = (batch.column(i).to_numpy() for i in range(2))
        hashes = [hashes_in(batch.column(2 + i), len(known[i])) for i in range(2)]
        rows = relate_rows(left, right, hashes, known, within=within)
        yield batch_of(MATCHES, *rows[:2], *(column.astype(np.int16) for column in rows[2:]))


def relate_rows(
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    hashes: Sequence[NDArray[np.uint64]],
    known: tuple[tuple[int, ...], tuple[int, ...]],
    *,
    within: bool,
) -> Matches:
    """The same of arrays: rows (n,), and their hashes uint64 (n, known) of each side."""
    numbers = np.arange(left.size)
    one, other = (_index(*side) for side in zip(hashes, known, strict=True))
    distance, mask = row_distances(one, numbers, other, numbers)
    if not within:
        return Matches(left, right, distance, mask)
    swapped = left > right
    mask = np.where(swapped, INVERSE_MASKS[mask], mask)
    found = Matches(np.minimum(left, right), np.maximum(left, right), distance, mask)
    return found.take(left != right)


def pack(batches: Batches) -> Batches:
    """Each batch as one value, which passes Python's part of Spark as it is."""
    for batch in batches:
        if batch.num_rows:
            columns = [batch.column(i).to_numpy() for i in range(batch.num_columns)]
            yield batch_of(PACKED, [pickle.dumps(columns)])


def _exploded(piece: int, side: int, values: NDArray[np.uint64]) -> Batches:
    for start in range(0, values.size, _MOST_TOGETHER):
        some = values[start : start + _MOST_TOGETHER]
        yield batch_of(EXPLODED, [piece], [side], _binary_column(some, some.nbytes))


def _pairs_of(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> Batches:
    if left.size:
        yield batch_of(VALUE_PAIRS, left.view(np.int64), right.view(np.int64))


def hashes_in(column: pa.Array | pa.ChunkedArray, known: int) -> NDArray[np.uint64]:
    """The hashes of a column of `VALUE_ROWS`: uint64 (n, known)."""
    return np.frombuffer(b"".join(column.to_pylist()), np.uint64).reshape(-1, known)


def _index(hashes: NDArray[np.uint64], known: tuple[int, ...]) -> Index:
    """Hashes of the known orientations (n, known), those of others 0."""
    if known == (0,):
        return Index(hashes, known)
    full = np.zeros((len(hashes), 8), np.uint64)
    full[:, list(known)] = hashes
    return Index(full, known)


def _binary_column(values: NDArray[np.uint64], width: int) -> pa.Array:
    """Values as a column of so many bytes a row, without a copy."""
    size = values.nbytes // width if width else 0
    offsets = np.arange(0, (size + 1) * width, width, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(pa.binary(), size, buffers)


def _values_in(column: pa.Array) -> Iterator[NDArray[np.uint64]]:
    """The values in each row of a binary column, without a copy."""
    wide = pa.types.is_large_binary(column.type)
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, np.int64 if wide else np.int32)[column.offset :]
    content = np.frombuffer(data or b"", np.uint8)
    for row in range(len(column)):
        yield content[bounds[row] : bounds[row + 1]].view(np.uint64)


_ARROW = {
    "string": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "short": pa.int16(),
    "binary": pa.binary(),
}


def batch_of(schema: str, *columns: object) -> pa.RecordBatch:
    """A batch of the columns that Spark calls by `schema`."""
    fields = [field.split() for field in schema.split(", ")]
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, _ARROW[kind])
        for column, (_, kind) in zip(columns, fields, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, [name for name, _ in fields])

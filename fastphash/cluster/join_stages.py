"""The stages of a join: pure functions from Arrow batches to Arrow batches.

`plans` are the searches of a join, `searches.Search`. Values are hashes; Spark has no unsigned
numbers, and takes their bits as int64.
"""

import pickle
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.cluster.searches import Search, sample_values
from fastphash.cluster.shares import read_shares
from fastphash.joins.bit_order import restore_bits
from fastphash.joins.distances import row_distances
from fastphash.joins.index import Index
from fastphash.joins.matches import INVERSE_MASKS
from fastphash.joins.options import JoinOptions
from fastphash.joins.piece_search import search_piece
from fastphash.joins.pieces import PiecePlan, count_digits, scatter
from fastphash.joins.search_plan import SearchPlan
from fastphash.joins.values import sort_values

Batches = Iterator[pa.RecordBatch]

#: What stages yield, as Spark says it. `SIDE` is 0 for left values, 1 for right ones.
SAMPLES = "search int, side int, data binary"
COUNTS = "search int, side int, data binary"
EXPLODED = "piece int, side int, data binary"
VALUE_PAIRS = "left_value long, right_value long"
VALUE_ROWS = "value long, row long, hashes binary"
MATCHES = "left long, right long, distance short, mask short"
PACKED = "data binary"

# values of one side of a piece in one row, so that Arrow's batches stay small
_MOST_TOGETHER = 1 << 20
_ROWS_OF_BATCH = 1 << 16


def sample(batches: Batches, searches: Sequence[Search], share: float) -> Batches:
    """A sample of the distinct values of each side of each search, from each share."""
    for side, _, hashes in read_shares(batches, (0, 1)):
        for number, search in enumerate(searches):
            for place, columns in search.sides_of(side):
                chosen = sample_values(_values(hashes, columns), share)
                yield batch_of(SAMPLES, [number], [place], [chosen.tobytes()])


def count(batches: Batches, searches: Sequence[Search], plans: Sequence[SearchPlan]) -> Batches:
    """How many values have each digit, added up over all shares: int64 (radius + 1, 4096)."""
    total: dict[tuple[int, int], NDArray[np.int64]] = {}
    for side, _, hashes in read_shares(batches, (0, 1)):
        for number, (search, plan) in enumerate(zip(searches, plans, strict=True)):
            for place, columns in search.sides_of(side):
                counts = count_digits(_values(hashes, columns), plan)
                total[number, place] = total.get((number, place), 0) + counts
    for (number, place), counts in total.items():
        yield batch_of(COUNTS, [number], [place], [counts.tobytes()])


def explode(batches: Batches, search: Search, piece_plan: PiecePlan) -> Batches:
    """The values of all shares by piece: one row for each piece, side and share.

    Within one side, values that a share repeats come once more, as a piece behind the last one.
    """
    for side, _, hashes in read_shares(batches, (0, 1)):
        for place, columns in search.sides_of(side):
            values = _values(hashes, columns)
            for piece, own in scatter(values, piece_plan, right=place == 1):
                yield from _exploded(piece, place, own)
            if search.within:
                yield from _exploded(len(piece_plan.pieces), place, _repeated(values))


def search_pieces(batches: Batches, piece_plan: PiecePlan) -> Batches:
    """Pairs of values within the radius; within one side also (v, v) for repeated values.

    A piece is in one partition, with all of its rows. (v, v) may come several times.
    """
    pieces: dict[int, tuple[list[bytes], list[bytes]]] = {}
    for batch in batches:
        columns = (batch.column(i) for i in range(3))
        for piece, side, data in zip(*(column.to_pylist() for column in columns), strict=True):
            pieces.setdefault(piece, ([], []))[side].append(data)
    for piece in [*pieces]:
        left, right = (np.frombuffer(b"".join(data), np.uint64) for data in pieces.pop(piece))
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
        repeated = restore_bits(_repeated(left), piece_plan.plan)
        yield from _pairs_of(repeated, repeated)


def find_rows(
    batches: Batches, side: int, columns: tuple[int, ...], wanted: NDArray[np.uint64] | None
) -> Batches:
    """The rows of a side with the wanted values (ascending), or all rows: `VALUE_ROWS`.

    A row comes once for each of these columns that has such a value, with its hashes.
    """
    for _, first, hashes in read_shares(batches, (side,)):
        rows = np.arange(first, first + len(hashes))
        for column in columns:
            values = np.ascontiguousarray(hashes[:, column])
            found = slice(None) if wanted is None else find_wanted(values, wanted)
            yield from _value_rows(values[found], rows[found], hashes[found])


def find_wanted(values: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The places of the values that are among the wanted ones, which ascend."""
    if not wanted.size:
        return np.empty(0, np.int64)
    # a value costs 1 ns here, and 100 in a binary search: few come through
    bits = min(wanted.size.bit_length() + 6, 26)
    shift = np.uint64(64 - bits)
    there = np.zeros(1 << bits, np.bool_)
    there[wanted >> shift] = True
    perhaps = np.flatnonzero(there[values >> shift])
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
        hashes = [_index(batch.column(2 + i), known[i]) for i in range(2)]
        numbers = np.arange(batch.num_rows)
        distance, mask = row_distances(hashes[0], numbers, hashes[1], numbers)
        if within:
            swapped = left > right
            left, right = np.minimum(left, right), np.maximum(left, right)
            mask = np.where(swapped, INVERSE_MASKS[mask], mask)
            kept = left != right
            left, right, distance, mask = (c[kept] for c in (left, right, distance, mask))
        yield batch_of(MATCHES, left, right, distance.astype(np.int16), mask.astype(np.int16))


def pack(batches: Batches) -> Batches:
    """Each batch as one value, which passes Python's part of Spark as it is."""
    for batch in batches:
        if batch.num_rows:
            columns = [batch.column(i).to_numpy() for i in range(batch.num_columns)]
            yield batch_of(PACKED, [pickle.dumps(columns)])


def _values(hashes: NDArray[np.uint64], columns: tuple[int, ...]) -> NDArray[np.uint64]:
    """All hashes of some columns (n * columns,)."""
    return np.ascontiguousarray(hashes.T[list(columns)]).reshape(-1)


def _repeated(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The distinct values that come several times, ascending."""
    distinct = sort_values(values)
    return distinct.values[distinct.counts > 1]


def _exploded(piece: int, side: int, values: NDArray[np.uint64]) -> Batches:
    for start in range(0, values.size, _MOST_TOGETHER):
        data = values[start : start + _MOST_TOGETHER].tobytes()
        yield batch_of(EXPLODED, [piece], [side], [data])


def _pairs_of(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> Batches:
    if left.size:
        yield batch_of(VALUE_PAIRS, left.view(np.int64), right.view(np.int64))


def _value_rows(
    values: NDArray[np.uint64], rows: NDArray[np.int64], hashes: NDArray[np.uint64]
) -> Batches:
    for start in range(0, values.size, _ROWS_OF_BATCH):
        some = slice(start, start + _ROWS_OF_BATCH)
        data = np.ascontiguousarray(hashes[some])
        width = data.shape[1] * data.itemsize
        offsets = np.arange(0, (len(data) + 1) * width, width, dtype=np.int32)
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
        column = pa.Array.from_buffers(pa.binary(), len(data), buffers)
        yield batch_of(VALUE_ROWS, values[some].view(np.int64), rows[some], column)


def _index(column: pa.Array, known: tuple[int, ...]) -> Index:
    """The hashes of a column of `VALUE_ROWS`, those of unknown orientations 0."""
    hashes = np.frombuffer(b"".join(column.to_pylist()), np.uint64).reshape(-1, len(known))
    if known == (0,):
        return Index(hashes, known)
    full = np.zeros((len(hashes), 8), np.uint64)
    full[:, list(known)] = hashes
    return Index(full, known)


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

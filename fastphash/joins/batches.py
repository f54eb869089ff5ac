"""All matches of rows within a radius, in order, in batches that fit into memory."""

from collections.abc import Iterator
from typing import NamedTuple

from fastphash.errors import TooManyPairsError
from fastphash.joins.index import Index, check_radius, check_same_bits
from fastphash.joins.matches import Matches, concatenate_matches, sort_matches
from fastphash.joins.options import JoinOptions
from fastphash.joins.row_pairs import find_row_matches

# bytes that a pair takes while it is sorted, and a hash while it is searched: more for each word
# beyond the first
_PAIR_BYTES = 100
_HASH_BYTES = 72
_WORD_BYTES = 32
# bytes for what becomes of the pairs: tables of some of them, and what a writer knows of its file
_RESERVED = 56 << 20
# a search takes so many pairs and rows at once, however little memory it may take
_MIN_PAIRS = 1 << 18
_MIN_ROWS = 1 << 16
_NO_LIMIT = 1 << 62


class _Range(NamedTuple):
    """Left rows to search at once, and which rows to search them in: all, or some."""

    start: int
    stop: int
    others: tuple[int, int] | None = None


def find_matches(
    left: Index,
    right: Index | None,
    radius: int,
    *,
    max_pairs: int | None = None,
    options: JoinOptions | None = None,
    whole_rows: bool = True,
) -> Iterator[Matches]:
    """Every pair of rows within a radius, in batches in order of (left, right).

    Ranges of left rows are searched one after the other. A range with more pairs than fit into
    memory is halved.

    Parameters
    ----------
    left, right : Index
        Without `right`, pairs left < right within `left`.
    radius : int
    max_pairs : int, optional
    options : JoinOptions, optional
        Its memory bounds the batches and the rows that are searched at once.
    whole_rows : bool
        Whether all pairs of a left row must come in one batch, however much memory that takes.

    Raises
    ------
    TooManyPairsError
        More than `max_pairs`, perhaps after some batches.
    UsageError
        The radius is out of range, or one side has hashes of 64 bits, the other of 256.
    """
    if right is not None:
        check_same_bits(left, right)
        if not (len(left) and len(right)):
            return
    check_radius(radius, left.bits)
    options = options or JoinOptions()
    if options.disk is not None:
        found = options.disk.matches(left, right, radius, max_pairs, options)
        if found is not None:
            yield from found
            return
    most = _NO_LIMIT if max_pairs is None else max_pairs
    yield from _search_ranges(left, right, radius, most, options, whole_rows=whole_rows)


def _search_ranges(
    left: Index,
    right: Index | None,
    radius: int,
    max_pairs: int,
    options: JoinOptions,
    *,
    whole_rows: bool,
) -> Iterator[Matches]:
    """What `find_matches` yields, found in memory."""
    batch_pairs = max((options.memory - _RESERVED) // _PAIR_BYTES, _MIN_PAIRS)
    total = 0
    ranges = [_Range(*rows) for rows in _row_ranges(left, (0, len(left)), options.memory)][::-1]
    while ranges:
        rows = ranges.pop()
        allowed = max_pairs - total
        is_row = rows.stop - rows.start == 1
        limit = allowed if is_row and whole_rows else min(allowed, batch_pairs)
        try:
            batch = _match_range(left, rows, right, radius, limit, options)
        except TooManyPairsError as error:
            if error.pairs > allowed:
                raise TooManyPairsError(total + error.pairs, max_pairs) from None
            others = _others(left, rows, right)
            ranges += (_split_row(rows, others, batch_pairs) if is_row else _halve(rows))[::-1]
            continue
        total += batch.left.size
        if batch.left.size:
            yield batch


def _halve(rows: _Range) -> list[_Range]:
    middle = (rows.start + rows.stop) // 2
    return [_Range(rows.start, middle), _Range(middle, rows.stop)]


def _split_row(row: _Range, others: tuple[int, int], most: int) -> list[_Range]:
    """The same row with `most` others at a time: it has no more pairs with them."""
    first, end = others
    return [
        row._replace(others=(start, min(start + most, end))) for start in range(first, end, most)
    ]


def _others(left: Index, rows: _Range, right: Index | None) -> tuple[int, int]:
    """The rows to search a range in: all of the right side, or of one side those behind them."""
    return (rows.stop, len(left)) if right is None else (0, len(right))


def _row_ranges(index: Index, rows: tuple[int, int], memory: int) -> Iterator[tuple[int, int]]:
    """Ranges of these rows that can be searched at once in half of the memory."""
    hash_bytes = _HASH_BYTES + _WORD_BYTES * (index.words - 1)
    size = max(memory // (2 * hash_bytes * index.columns), _MIN_ROWS)
    first, end = rows
    for start in range(first, end, size):
        yield start, min(start + size, end)


def _match_range(
    left: Index,
    rows: _Range,
    right: Index | None,
    radius: int,
    limit: int,
    options: JoinOptions,
) -> Matches:
    """All matches of a range of left rows; TooManyPairsError if there are more than `limit`."""
    # within one side: the rows among themselves, then with all rows behind them
    searches: list[tuple[int, int] | None] = [None] if right is None else []
    haystack = left if right is None else right
    searches += _row_ranges(haystack, rows.others or _others(left, rows, right), options.memory)
    own = left.take(slice(rows.start, rows.stop))
    batches: list[Matches] = []
    total = 0
    for some in searches:
        part, offset = (haystack.take(slice(*some)), some[0]) if some else (None, rows.start)
        try:
            matches = find_row_matches(own, part, radius, limit - total, options)
        except TooManyPairsError as error:
            raise TooManyPairsError(total + error.pairs, limit) from None
        total += matches.left.size
        matches = matches._replace(left=matches.left + rows.start, right=matches.right + offset)
        batches.append(matches)
    if len(batches) == 1:
        return batches[0]
    return sort_matches(concatenate_matches(batches), len(haystack))

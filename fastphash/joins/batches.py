"""All matches of rows within a radius, in order, in batches that fit into memory."""

from collections.abc import Iterator

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


def find_matches(
    left: Index,
    right: Index | None,
    radius: int,
    *,
    max_pairs: int | None = None,
    options: JoinOptions | None = None,
) -> Iterator[Matches]:
    """Every pair of rows within a radius, in batches of ascending left rows.

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
    batch_pairs = max((options.memory - _RESERVED) // _PAIR_BYTES, _MIN_PAIRS)
    max_pairs = _NO_LIMIT if max_pairs is None else max_pairs
    total = 0
    ranges = [*_row_ranges(left, 0, options.memory)][::-1]
    while ranges:
        start, stop = ranges.pop()
        allowed = max_pairs - total
        # a single row can't be halved
        limit = min(allowed, batch_pairs if stop - start > 1 else _NO_LIMIT)
        try:
            batch = _match_range(left, (start, stop), right, radius, limit, options)
        except TooManyPairsError as error:
            if error.pairs > allowed:
                raise TooManyPairsError(total + error.pairs, max_pairs) from None
            middle = (start + stop) // 2
            ranges += [(middle, stop), (start, middle)]
            continue
        total += batch.left.size
        if batch.left.size:
            yield batch


def _row_ranges(index: Index, first: int, memory: int) -> Iterator[tuple[int, int]]:
    """Ranges of the rows from `first` on that can be searched at once in half of the memory."""
    hash_bytes = _HASH_BYTES + _WORD_BYTES * (index.words - 1)
    rows = max(memory // (2 * hash_bytes * index.columns), _MIN_ROWS)
    for start in range(first, len(index), rows):
        yield start, min(start + rows, len(index))


def _match_range(
    left: Index,
    needles: tuple[int, int],
    right: Index | None,
    radius: int,
    limit: int,
    options: JoinOptions,
) -> Matches:
    """All matches of a range of left rows; TooManyPairsError if there are more than `limit`."""
    start, stop = needles
    # within one side: the needles among themselves, then with all rows behind them
    haystack, first = (left, stop) if right is None else (right, 0)
    searches: list[tuple[int, int] | None] = [None] if right is None else []
    searches += _row_ranges(haystack, first, options.memory)
    own = left.take(slice(start, stop))
    batches: list[Matches] = []
    total = 0
    for rows in searches:
        part, offset = (haystack.take(slice(*rows)), rows[0]) if rows else (None, start)
        try:
            matches = find_row_matches(own, part, radius, limit - total, options)
        except TooManyPairsError as error:
            raise TooManyPairsError(total + error.pairs, limit) from None
        total += matches.left.size
        batches.append(matches._replace(left=matches.left + start, right=matches.right + offset))
    if len(batches) == 1:
        return batches[0]
    return sort_matches(concatenate_matches(batches), len(haystack))

"""All matches of rows within a radius, in order and in bounded memory."""

from collections.abc import Iterator

from fastphash.errors import TooManyPairsError
from fastphash.joins.index import Index
from fastphash.joins.options import JoinOptions
from fastphash.joins.relation import Matches, concatenated, in_order
from fastphash.joins.row_pairs import find_row_matches

# bytes that a pair takes while it is put in order, and a hash while it is searched
_PAIR_BYTES = 100
_VALUE_BYTES = 40
# what a search is never cut below, however little memory it may take
_LEAST_PAIRS = 1 << 20
_LEAST_ROWS = 1 << 18


def matches(
    left: Index,
    right: Index | None,
    radius: int,
    *,
    max_pairs: int | None = None,
    options: JoinOptions | None = None,
) -> Iterator[Matches]:
    """Every pair of rows within a radius, in blocks of ascending left rows.

    Parameters
    ----------
    left, right : Index
        Without `right`, pairs left < right within `left`.
    max_pairs : int, optional
    options : JoinOptions, optional
        Blocks are as large as its memory allows; where not all rows can be searched at once, some
        of them are, one after another.

    Raises
    ------
    TooManyPairsError
        More than `max_pairs`; blocks may have been given out by then.
    """
    options = options or JoinOptions()
    held = max(options.memory // _PAIR_BYTES, _LEAST_PAIRS)
    total = 0
    ranges = [*_pieces(len(left), left.hashes.shape[1], options.memory)][::-1]
    while ranges:
        start, stop = ranges.pop()
        allowed = None if max_pairs is None else max_pairs - total
        single = stop - start <= 1
        limit = min(n for n in (None if single else held, allowed, 1 << 62) if n is not None)
        try:
            block = _range(left, start, stop, right, radius, limit, options)
        except TooManyPairsError as error:
            if allowed is not None and error.pairs > allowed:
                raise TooManyPairsError(total + error.pairs, max_pairs or 0) from None
            middle = (start + stop) // 2
            ranges += [(middle, stop), (start, middle)]
            continue
        total += block.left.size
        if block.left.size:
            yield block


def _pieces(rows: int, width: int, memory: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows that can be searched at once in half of the memory."""
    most = max(memory // (2 * _VALUE_BYTES * width), _LEAST_ROWS)
    for start in range(0, rows, most):
        yield start, min(start + most, rows)


def _range(
    left: Index,
    start: int,
    stop: int,
    right: Index | None,
    radius: int,
    limit: int,
    options: JoinOptions,
) -> Matches:
    """All matches of left[start:stop]; TooManyPairsError if they are more than `limit`."""
    own = left.take(slice(start, stop))
    blocks: list[Matches] = []

    def search(other: Index | None, offset: int) -> None:
        before = sum(block.left.size for block in blocks)
        try:
            found = find_row_matches(own, other, radius, limit - before, options)
        except TooManyPairsError as error:
            raise TooManyPairsError(before + error.pairs, limit) from None
        blocks.append(found._replace(left=found.left + start, right=found.right + offset))

    if right is None:
        search(None, start)
    other, begin = (left, stop) if right is None else (right, 0)
    for low, high in _pieces(len(other) - begin, other.hashes.shape[1], options.memory):
        search(other.take(slice(begin + low, begin + high)), begin + low)
    return blocks[0] if len(blocks) == 1 else in_order(concatenated(blocks), len(other))

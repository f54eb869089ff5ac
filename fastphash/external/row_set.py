"""Some rows of a stream, a bit each: their numbers among themselves, and back."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_BITS = 64
# words that are looked through at once
_WORDS_AT_ONCE = 1 << 14


class RowSet:
    """Rows that are added in any order, and then numbered as they ascend.

    Parameters
    ----------
    rows : int
        How many there are in all.
    """

    def __init__(self, rows: int) -> None:
        self._words = np.zeros(-(-rows // _BITS), np.uint64)

    def add(self, rows: NDArray[np.int64]) -> None:
        """Add rows (n,), perhaps repeatedly; not once they have been numbered."""
        word, bit = np.divmod(rows, _BITS)
        np.bitwise_or.at(self._words, word, np.uint64(1) << bit.astype(np.uint64))

    def __len__(self) -> int:
        return int(self._before[-1])

    @cached_property
    def _before(self) -> NDArray[np.int64]:
        """How many rows lie before each word; all, at the end."""
        before = np.zeros(self._words.size + 1, np.int64)
        np.cumsum(np.bitwise_count(self._words), out=before[1:], dtype=np.int64)
        return before

    def numbers(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The numbers of rows (n,) of the set."""
        word, bit = np.divmod(rows, _BITS)
        lower = (np.uint64(1) << bit.astype(np.uint64)) - np.uint64(1)
        return self._before[word] + np.bitwise_count(self._words[word] & lower)

    def batches(self, rows: int) -> Iterator[NDArray[np.int64]]:
        """The rows, ascending, so many at a time."""
        held: list[NDArray[np.int64]] = []
        for start in range(0, self._words.size, _WORDS_AT_ONCE):
            octets = self._words[start : start + _WORDS_AT_ONCE].astype("<u8").view(np.uint8)
            held.append(np.flatnonzero(np.unpackbits(octets, bitorder="little")) + start * _BITS)
            if sum(one.size for one in held) >= rows:
                found = np.concatenate(held)
                full = found.size - found.size % rows
                yield from np.split(found[:full], np.arange(rows, full, rows))
                held = [found[full:]]
        rest = np.concatenate([np.empty(0, np.int64), *held])
        if rest.size:
            yield rest

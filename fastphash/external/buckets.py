"""Rows of words on the disk, in buckets that fit into memory one by one."""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fastphash.external.scratch import Scratch

T = TypeVar("T", np.int64, np.uint32, np.uint64)

# odd, from the golden ratio: its products have good top bits
_MIX = np.uint64(0x9E3779B97F4A7C15)
# rows that are read at once
_ROWS_AT_ONCE = 1 << 18
_WORD_BYTES = 8
# numbers of a sample for each part that it tells the bounds of
_SAMPLED = 64


class Buckets:
    """Files of rows of so many words, by the number of a bucket.

    Parameters
    ----------
    scratch : Scratch
    name : str
        Files of this name that are there already are deleted.
    buckets : int
        A power of two.
    words : int
    """

    def __init__(self, scratch: Scratch, name: str, buckets: int, words: int) -> None:
        self._folder = scratch.file(name)
        scratch.remove(name)
        self._folder.mkdir()
        self.buckets = buckets
        self._words = words
        #: Rows in all buckets.
        self.rows = 0

    def add(self, rows: NDArray[np.uint64], bucket: NDArray[np.int64]) -> None:
        """Write rows (n, words), each to its bucket."""
        self.rows += len(rows)
        if self.buckets == 1:
            self._append(0, rows)
            return
        order = np.argsort(bucket, kind="stable")
        bounds = np.searchsorted(bucket[order], np.arange(self.buckets + 1))
        moved = rows[order]
        for number in np.flatnonzero(np.diff(bounds)).tolist():
            self._append(number, moved[bounds[number] : bounds[number + 1]])

    def _append(self, number: int, rows: NDArray[np.uint64]) -> None:
        # buffered: without, a write that finds the disk full in its middle is no error
        with open(self._folder / str(number), "ab") as file:
            file.write(np.ascontiguousarray(rows).data)

    def read(self, number: int) -> NDArray[np.uint64]:
        """The rows of a bucket."""
        path = self._folder / str(number)
        rows = np.fromfile(path, np.uint64) if path.exists() else np.empty(0, np.uint64)
        return rows.reshape(-1, self._words)

    def count(self, number: int) -> int:
        """How many rows a bucket has."""
        path = self._folder / str(number)
        return path.stat().st_size // (self._words * _WORD_BYTES) if path.exists() else 0

    def pieces(self, number: int, at_once: int | None = None) -> Iterator[NDArray[np.uint64]]:
        """The rows of a bucket, so many at a time."""
        path = self._folder / str(number)
        if not path.exists():
            return
        words = self._words * (at_once or _ROWS_AT_ONCE)
        with open(path, "rb") as file:
            while (rows := np.fromfile(file, np.uint64, words)).size:
                yield rows.reshape(-1, self._words)

    def remove(self, number: int) -> None:
        """Delete a bucket."""
        (self._folder / str(number)).unlink(missing_ok=True)


def ordered_numbers(
    scratch: Scratch, name: str, buckets: Buckets, most: int
) -> Iterator[NDArray[np.int64]]:
    """The numbers of all buckets of one word, in order, each once; each bucket is deleted.

    Parameters
    ----------
    scratch : Scratch
    name : str
        Of the files that are made where a bucket has more numbers than `most`.
    buckets : Buckets
        Every number of a bucket is below those of the next one.
    most : int
        Numbers to hold, about.
    """
    for number in range(buckets.buckets):
        if buckets.count(number) <= most:
            yield distinct(buckets.read(number).reshape(-1).view(np.int64))
        else:
            parts = _cut(scratch, name, buckets, number, most)
            for part in range(parts.buckets):
                yield distinct(parts.read(part).reshape(-1).view(np.int64))
                parts.remove(part)
            scratch.remove(name)
        buckets.remove(number)


def _cut(scratch: Scratch, name: str, buckets: Buckets, number: int, most: int) -> Buckets:
    """A bucket of one word, cut into parts by the size of its numbers."""
    size = buckets.count(number)
    parts = buckets_for(2 * size, most)
    step = max(size // (parts * _SAMPLED), 1)
    sample = np.sort(np.concatenate([some[::step, 0] for some in buckets.pieces(number)]))
    bounds = sample[np.arange(1, parts) * sample.size // parts]
    cut = Buckets(scratch, name, parts, 1)
    for some in buckets.pieces(number):
        cut.add(some, np.searchsorted(bounds, some[:, 0], "right"))
    return cut


def buckets_for(size: int, memory: int) -> int:
    """How many buckets data of so many bytes takes, so that each fits: a power of two.

    >>> buckets_for(1000, 1000), buckets_for(1001, 1000), buckets_for(5000, 1000)
    (1, 2, 8)
    """
    return 1 << max((size - 1) // memory, 0).bit_length() if size else 1


def bucket_of(values: NDArray[np.uint64], buckets: int) -> NDArray[np.int64]:
    """The bucket of each value (n,), by a hash of it."""
    mixed = (values ^ (values >> np.uint64(32))) * _MIX
    return ((mixed >> np.uint64(33)) & np.uint64(buckets - 1)).astype(np.int64)


def distinct(numbers: NDArray[T]) -> NDArray[T]:
    """The numbers (n,) in order, each once: numpy's own function takes four times as long.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    ordered = np.sort(numbers)
    is_first = np.ones(ordered.size, np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_first]

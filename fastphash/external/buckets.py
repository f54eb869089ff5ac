"""Rows of words on the disk, in buckets that fit into memory one by one."""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fastphash.external.scratch import Scratch

T = TypeVar("T", np.int64, np.uint32)

# odd, from the golden ratio: its products have good top bits
_MIX = np.uint64(0x9E3779B97F4A7C15)
# rows that are read at once
_ROWS_AT_ONCE = 1 << 18


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
        with open(self._folder / str(number), "ab", buffering=0) as file:
            file.write(np.ascontiguousarray(rows).tobytes())

    def read(self, number: int) -> NDArray[np.uint64]:
        """The rows of a bucket."""
        path = self._folder / str(number)
        rows = np.fromfile(path, np.uint64) if path.exists() else np.empty(0, np.uint64)
        return rows.reshape(-1, self._words)

    def pieces(self, number: int) -> Iterator[NDArray[np.uint64]]:
        """The rows of a bucket, some at a time."""
        path = self._folder / str(number)
        if not path.exists():
            return
        with open(path, "rb") as file:
            while (rows := np.fromfile(file, np.uint64, self._words * _ROWS_AT_ONCE)).size:
                yield rows.reshape(-1, self._words)

    def remove(self, number: int) -> None:
        """Delete a bucket."""
        (self._folder / str(number)).unlink(missing_ok=True)


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

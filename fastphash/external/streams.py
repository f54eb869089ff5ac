"""Streams of hashes: what a join that uses the disk reads, some rows at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fastphash.hashing.definition import Definition
from fastphash.store.rows import HashTable

#: Rows of a batch, about. Both passes over the hashes must see the same batches: it never changes.
BATCH_ROWS = 1 << 20


class Chunk(NamedTuple):
    """Rows that are read as one, from row `first` on: units from `start` up to `stop`.

    A unit is a part of a store, or a row group of a file.
    """

    first: int
    rows: int
    start: int
    stop: int


class Batch(NamedTuple):
    """The hashes of consecutive rows from `first` on: uint64 (n,) for each column asked for."""

    first: int
    columns: list[NDArray[np.uint64]]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.columns[0].size)


class Reader(Protocol):
    """What reads the hashes of chunks."""

    def read(self, chunk: Chunk, columns: Sequence[int]) -> Iterator[Batch]:
        """The hashes of these orientations of the rows of a chunk."""


class Cut(NamedTuple):
    """A chunk of a stream by itself, which can be pickled: another process reads it.

    Attributes
    ----------
    reader : Reader
        Small: it knows of other chunks little or nothing. Files have absolute paths.
    chunk : Chunk
        As the reader numbers it.
    first : int
        The number of its first row in the stream.
    """

    reader: Reader
    chunk: Chunk
    first: int

    def read(self, columns: Sequence[int]) -> Iterator[Batch]:
        """The hashes of these orientations, by the numbers of rows in the stream."""
        shift = self.first - self.chunk.first
        for first, values in self.reader.read(self.chunk, columns):
            yield Batch(first + shift, values)


class HashBatches(Protocol):
    """Rows whose hashes of 64 bits are read in batches."""

    @property
    def known(self) -> tuple[int, ...]:
        """Orientations that have a hash in every row."""

    @property
    def key(self) -> Any:
        """What the hashes depend on, as values for JSON: equal for equal hashes only."""

    def __len__(self) -> int:
        """Number of rows."""

    def chunks(self) -> Sequence[Chunk]:
        """All rows, in order."""

    def read(self, chunk: Chunk, columns: Sequence[int]) -> Iterator[Batch]:
        """The hashes of these orientations of the rows of a chunk."""


class HashStream(HashBatches, Protocol):
    """Rows that can be looked up by number, too."""

    @property
    def name(self) -> str:
        """What the user called it."""

    @property
    def definition(self) -> Definition:
        """How the hashes were made."""

    @property
    def has_thumbnails(self) -> bool:
        """Whether all rows have one."""

    def cut(self, chunk: Chunk) -> Cut:
        """A chunk by itself."""

    def take(self, rows: NDArray[np.int64]) -> HashTable:
        """Some rows, by their numbers, which ascend."""

    def count_splits(self) -> dict[str, int]:
        """How many rows each split has."""

    def narrow(self, columns: Sequence[str]) -> HashTable:
        """These columns of all rows, as far as there are such, and their splits."""


def group_units(sizes: Sequence[int]) -> list[Chunk]:
    """Consecutive units of so many rows, as chunks of about `BATCH_ROWS` or of one unit.

    >>> group_units([3, 0, 1 << 20, 5])[1]
    Chunk(first=3, rows=1048576, start=2, stop=3)
    """
    chunks: list[Chunk] = []
    first = start = 0
    rows = 0
    for unit, size in enumerate(sizes):
        if rows and rows + size > BATCH_ROWS:
            chunks.append(Chunk(first, rows, start, unit))
            first, start, rows = first + rows, unit, 0
        rows += size
    if rows:
        chunks.append(Chunk(first, rows, start, len(sizes)))
    return chunks

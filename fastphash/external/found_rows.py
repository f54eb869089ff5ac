"""The rows whose values were found: their numbers and hashes, in files."""

from collections.abc import Sequence
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.external.buckets import Buckets, bucket_of, distinct
from fastphash.external.scratch import Scratch
from fastphash.external.streams import Chunk, HashBatches
from fastphash.external.tasks import Steps
from fastphash.joins.index import Index
from fastphash.joins.values import NumberLookup
from fastphash.kernels import repeats

# bits for each value of a table, and the share of the memory that it may take
_BITS_PER_VALUE = 32
_TABLE_SHARE = 1 / 8
# bytes of a value that is held, while all are sorted
_HELD_BYTES = 16
_LEAST_BITS = 16


class ValueTable:
    """Which values were found: a table of bits, behind which are the values themselves.

    By the bits alone, one in thirty or so of all other values would seem to be found. If there are
    more values than may be held, they are: of a billion rows, millions then seem to have one.

    Parameters
    ----------
    values : int
        How many will be added, at most.
    memory : int
        Bytes of the join, of which the bits and the values take a part each.
    """

    def __init__(self, values: int, memory: int) -> None:
        share = int(memory * _TABLE_SHARE)
        most = share.bit_length() - 1 + 3
        bits = max(min((_BITS_PER_VALUE * max(values, 1) - 1).bit_length(), most), _LEAST_BITS)
        self._shift = 64 - bits
        self._bits = np.zeros(1 << (bits - 6), np.uint64)
        self._added: list[NDArray[np.uint64]] | None = None
        if _HELD_BYTES * values <= share:
            self._added = []

    @property
    def is_exact(self) -> bool:
        """Whether no other values seem to be found."""
        return self._added is not None

    def add(self, values: NDArray[np.uint64]) -> None:
        """Set the bits of values (n,)."""
        own = np.ascontiguousarray(values)
        repeats.mark_repeats(own, self._shift, 0, self._bits.size, self._bits, self._bits)
        if self._added is not None:
            self._added.append(own)

    def find(self, values: NDArray[np.uint64]) -> NDArray[np.uint32]:
        """The numbers of the values (n,) that were added, ascending; perhaps of a few others."""
        out = np.empty(values.size, np.uint32)
        own = np.ascontiguousarray(values)
        found = out[: repeats.find_marked(own, self._shift, self._bits, out)].copy()
        if self._added is None or not found.size:
            return found
        values, lookup = self._known
        places = np.minimum(lookup.numbers(own[found]), values.size - 1)
        known: NDArray[np.uint32] = found[values[places] == own[found]]
        return known

    @cached_property
    def _known(self) -> tuple[NDArray[np.uint64], NumberLookup]:
        """The values, ascending: all have been added once one is looked up."""
        values = distinct(np.concatenate(self._added or [np.empty(0, np.uint64)]))
        return values, NumberLookup(values)


class _Found(NamedTuple):
    """Rows of a chunk, their hashes, and of each orientation the values with their rows (n, 2)."""

    rows: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    values: list[NDArray[np.uint64]]


class FoundRows:
    """Rows of a stream that have a value of a table in some orientation; ascending.

    Parameters
    ----------
    scratch : Scratch
    name : str
        Of the files.
    stream : HashBatches
    """

    def __init__(self, scratch: Scratch, name: str, stream: HashBatches) -> None:
        self._stream = stream
        self._known = stream.known
        self._row_file = scratch.file(f"{name}-rows")
        self._hash_file = scratch.file(f"{name}-hashes")

    def find(
        self,
        table: ValueTable,
        by_value: Sequence[tuple[tuple[int, ...], Buckets]],
        steps: Steps,
    ) -> None:
        """Read all hashes, and write the rows that may have values of a table.

        Values of some orientations are written to buckets, too, as rows of (value, row).
        """
        jobs = (partial(self._find_in, chunk, table) for chunk in self._stream.chunks())
        with open(self._row_file, "wb") as rows, open(self._hash_file, "wb") as hashes:
            for batches in steps.run_in_order(jobs):
                for found in batches:
                    rows.write(found.rows.tobytes())
                    hashes.write(found.hashes.tobytes())
                    for orientations, buckets in by_value:
                        for t in orientations:
                            own = found.values[self._known.index(t)]
                            buckets.add(own, bucket_of(own[:, 0], buckets.buckets))

    def _find_in(self, chunk: Chunk, table: ValueTable) -> list[_Found]:
        return [
            _found_in(batch.first, batch.columns, table)
            for batch in self._stream.read(chunk, self._known)
        ]

    @property
    def rows(self) -> NDArray[np.int64]:
        """All rows, on the disk."""
        if not self._row_file.stat().st_size:
            return np.empty(0, np.int64)
        return np.memmap(self._row_file, np.int64, "r")

    def index(self, rows: NDArray[np.int64]) -> Index:
        """The hashes of some of these rows."""
        places = np.searchsorted(self.rows, rows)
        known = len(self._known)
        hashes = np.memmap(self._hash_file, np.uint64, "r").reshape(-1, known)[places]
        if self._known == (0,):
            return Index(hashes[:, 0], self._known)
        columns = np.zeros((rows.size, len(ORIENTATIONS)), np.uint64)
        columns[:, self._known] = hashes
        return Index(columns, self._known)


def _found_in(first: int, columns: Sequence[NDArray[np.uint64]], table: ValueTable) -> _Found:
    """What a batch has: the hashes of its rows, from `first` on, in each orientation."""
    places = [table.find(column) for column in columns]
    values = [
        np.stack([column[own], own.astype(np.uint64) + np.uint64(first)], axis=1)
        for column, own in zip(columns, places, strict=True)
    ]
    rows = distinct(np.concatenate(places)) if len(places) > 1 else places[0]
    hashes = np.stack([column[rows] for column in columns], axis=1)
    return _Found(rows.astype(np.int64) + first, hashes, values)

"""Hashes in memory as a stream: their search takes the disk, they don't."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import xxhash

from fastphash.external.streams import BATCH_ROWS, Batch, Chunk, group_units
from fastphash.joins.index import Index


class ArrayStream:
    """The hashes of an index of 64 bits; see `fastphash.external.streams.HashBatches`.

    Parameters
    ----------
    index : Index
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self.known = tuple(index.known)

    def __len__(self) -> int:
        return len(self._index)

    @cached_property
    def key(self) -> Any:
        """XXH3-128 of the hashes, and which orientations they have."""
        digest = xxhash.xxh3_128()
        for first in range(0, len(self), BATCH_ROWS):
            some = self._index.take(slice(first, first + BATCH_ROWS))
            digest.update(np.ascontiguousarray(some.hashes).data)
        return ["array", len(self), list(self.known), digest.hexdigest()]

    def chunks(self) -> Sequence[Chunk]:
        """All rows, in order."""
        whole, rest = divmod(len(self), BATCH_ROWS)
        return group_units([BATCH_ROWS] * whole + [rest] * bool(rest))

    def read(self, chunk: Chunk, columns: Sequence[int]) -> Iterator[Batch]:
        """The hashes of these orientations of the rows of a chunk, in one batch."""
        # chosen rows are copied here: all of them would be, if they weren't cut first
        some = self._index.take(slice(chunk.first, chunk.first + chunk.rows))
        yield Batch(chunk.first, [some.column(t) for t in columns])

"""Several streams as one, one after the other."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fastphash.external.streams import Batch, Chunk, Cut, HashStream
from fastphash.store.open import check_comparable, concat_rows, unlike_columns
from fastphash.store.rows import HashTable


class SeveralStreams:
    """See `HashStream`; its units are the chunks of the streams.

    Raises
    ------
    DefinitionError
        Their hashes were made in different ways, or they have different columns.
    """

    def __init__(self, streams: Sequence[HashStream]) -> None:
        for one, other in itertools.combinations(streams, 2):
            check_streams(one, other)
            if (one.known, one.has_thumbnails) != (other.known, other.has_thumbnails):
                raise unlike_columns(one.name, other.name)
        self._streams = streams
        self._firsts = np.cumsum([0, *map(len, streams)])
        # which stream each chunk is of, and the chunk there
        self._own = [
            (number, chunk) for number, stream in enumerate(streams) for chunk in stream.chunks()
        ]
        self.name = " ".join(stream.name for stream in streams)
        self.definition = streams[0].definition
        self.known = streams[0].known
        self.has_thumbnails = streams[0].has_thumbnails
        self.key = [stream.key for stream in streams]

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def chunks(self) -> Sequence[Chunk]:
        """All rows, in order."""
        return [
            Chunk(int(self._firsts[number]) + chunk.first, chunk.rows, place, place + 1)
            for place, (number, chunk) in enumerate(self._own)
        ]

    def read(self, chunk: Chunk, columns: Sequence[int]) -> Iterator[Batch]:
        """The hashes of these orientations of the rows of a chunk."""
        number, own = self._own[chunk.start]
        for first, values in self._streams[number].read(own, columns):
            yield Batch(int(self._firsts[number]) + first, values)

    def cut(self, chunk: Chunk) -> Cut:
        """A chunk by itself."""
        number, own = self._own[chunk.start]
        return self._streams[number].cut(own)._replace(first=chunk.first)

    def take(self, rows: NDArray[np.int64]) -> HashTable:
        """Some rows, by their numbers, which ascend; with their thumbnails."""
        return concat_rows(
            [
                stream.take(
                    rows[slice(*np.searchsorted(rows, [first, first + len(stream)]))] - first
                )
                for stream, first in zip(self._streams, self._firsts.tolist(), strict=False)
            ]
        )

    def count_splits(self) -> dict[str, int]:
        """How many rows each split has."""
        counts = Counter[str]()
        for stream in self._streams:
            counts.update(stream.count_splits())
        return dict(counts)

    def narrow(self, columns: Sequence[str]) -> HashTable:
        """These columns of all rows, as far as there are such, and their splits."""
        return concat_rows([stream.narrow(columns) for stream in self._streams])


def check_streams(needles: HashStream, haystack: HashStream) -> None:
    """Raise DefinitionError unless the hashes of both streams mean the same."""
    if needles.definition != haystack.definition:
        # only then what is known of each image counts
        facts = ("format", "width", "height")
        check_comparable(needles.narrow(facts), haystack.narrow(facts))

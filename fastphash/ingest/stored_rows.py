"""The files that a store has."""

import itertools
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from fastphash.sources.member_paths import SEPARATOR
from fastphash.sources.protocol import Stamp
from fastphash.store.schema import EVIDENCE_COLUMNS, STAMP_COLUMNS, exact_paths
from fastphash.store.stamps import STAMPS, stamp_at, stamps_of
from fastphash.store.store import Part, Store


class StoredRows:
    """Rows of some parts of a store, found by split and path.

    Attributes
    ----------
    splits : object (n,)
        Name of each row's split.
    paths : pyarrow.ChunkedArray
        Exact names, binary.
    """

    def __init__(self, store: Store, parts: list[Part]) -> None:
        columns = ["split", "path", "path_bytes", *STAMPS]
        tables = [store.read_part(part, columns) for part in parts]
        self._parts = parts
        lacking = [store.lacks(part) for part in parts]
        self._outdated = [not names.isdisjoint(EVIDENCE_COLUMNS) for names in lacking]
        self._stampless = [not names.isdisjoint(STAMP_COLUMNS) for names in lacking]
        self._ends = np.cumsum([table.num_rows for table in tables], dtype=np.int64)
        table = pa.concat_tables([store.schema.empty_table().select(columns), *tables])
        self.splits = np.array(table["split"].to_pylist(), object)
        self._stamps = stamps_of(table)
        self.paths = exact_paths(table)
        keys = b"".join(map(_key, self.splits, self.paths.to_pylist()))
        words = np.frombuffer(keys, np.uint64).reshape(-1, 2)
        self._rows = np.argsort(words[:, 0])
        self._keys = words[self._rows]

    def find(self, split: str, path: bytes) -> int:
        """The row of a file, or -1."""
        if not self._rows.size:
            return -1
        high, low = np.frombuffer(_key(split, path), np.uint64)
        at = int(np.searchsorted(self._keys[:, 0], high))
        while at < len(self._keys) and self._keys[at, 0] == high:
            if self._keys[at, 1] == low:
                return int(self._rows[at])
            at += 1
        return -1

    def stamp(self, row: int) -> Stamp:
        """The stamp of a file when it was hashed; 0 for what isn't known."""
        return stamp_at(self._stamps, row)

    def is_moved(self, row: int) -> bool:
        """Whether a row was hashed below another root than its split has now."""
        part = self._parts[int(np.searchsorted(self._ends, row, side="right"))]
        return self.splits[row] in part.moved

    def is_outdated(self, row: int) -> bool:
        """Whether an earlier version of this package hashed a row, which stored less of it."""
        return self._outdated[int(np.searchsorted(self._ends, row, side="right"))]

    @property
    def outdated_splits(self) -> set[str]:
        """Splits with outdated rows."""
        return self._splits_where(self._outdated)

    @property
    def stampless_splits(self) -> set[str]:
        """Splits with rows of an earlier version that stored neither inode nor ctime."""
        return self._splits_where(self._stampless)

    def _splits_where(self, chosen: list[bool]) -> set[str]:
        return {split for part in itertools.compress(self._parts, chosen) for split in part.splits}

    def in_containers(self, split: str) -> tuple[NDArray[np.int64], pa.Array]:
        """The rows of a split, and the path of the container of each: binary (n,)."""
        rows = np.flatnonzero(self.splits == split)
        paths = self.paths.take(pa.array(rows)).combine_chunks()
        parts = pc.split_pattern(paths, SEPARATOR, max_splits=1)
        return rows, pc.list_element(parts, 0)

    def by_part(self, values: NDArray[np.uint8]) -> Iterator[tuple[Part, NDArray[np.uint8]]]:
        """Each part with its piece of `values`, which have one item for each row."""
        start = 0
        for part, end in zip(self._parts, self._ends.tolist(), strict=True):
            yield part, values[start:end]
            start = end


def _key(split: str, path: bytes) -> bytes:
    return xxhash.xxh3_128_digest(split.encode() + b"\0" + path)

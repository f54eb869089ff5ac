"""The files that a store has."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from fastphash.store.schema import exact_paths
from fastphash.store.store import Part, Store


class StoredRows:
    """Rows of some parts of a store, found by split and path.

    Attributes
    ----------
    splits : object (n,)
        Name of each row's split.
    paths : pyarrow.ChunkedArray
        Exact names, binary.
    sizes, mtimes : int64 (n,)
        Bytes, and time of the last change in nanoseconds, when the file was hashed.
    """

    def __init__(self, store: Store, parts: list[Part]) -> None:
        columns = ["split", "path", "path_bytes", "size", "mtime_ns"]
        tables = [store.read_part(part, columns) for part in parts]
        self._parts = parts
        self._outdated = [store.is_outdated(part) for part in parts]
        self._ends = np.cumsum([table.num_rows for table in tables], dtype=np.int64)
        table = pa.concat_tables([store.schema.empty_table().select(columns), *tables])
        self.splits = np.array(table["split"].to_pylist(), object)
        self.sizes = table["size"].to_numpy()
        self.mtimes = table["mtime_ns"].to_numpy()
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
        parts = zip(self._parts, self._outdated, strict=True)
        return {split for part, is_outdated in parts if is_outdated for split in part.splits}

    def by_part(self, values: NDArray[np.uint8]) -> Iterator[tuple[Part, NDArray[np.uint8]]]:
        """Each part with its piece of `values`, which have one item for each row."""
        start = 0
        for part, end in zip(self._parts, self._ends.tolist(), strict=True):
            yield part, values[start:end]
            start = end


def _key(split: str, path: bytes) -> bytes:
    return xxhash.xxh3_128_digest(split.encode() + b"\0" + path)

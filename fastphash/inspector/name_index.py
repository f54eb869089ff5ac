"""Rows by split and exact path."""

from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from fastphash.inspector.columns import GroupColumns

# paths that are Python objects at the same time
_BATCH = 1 << 16
# makes keys of equal paths in different splits differ
_SPLIT_SALT = np.uint64(0x9E3779B97F4A7C15)


class NameIndex:
    """Sorted 64-bit keys of all names: 12 bytes a row.

    Parameters
    ----------
    columns : GroupColumns
    """

    def __init__(self, columns: GroupColumns) -> None:
        keys = np.empty(columns.rows, np.uint64)
        for start in range(0, columns.rows, _BATCH):
            batch = slice(start, start + _BATCH)
            keys[batch] = _keys(columns.exact_paths(start, _BATCH), columns.split[batch])
        self._splits = columns.splits
        self._rows = np.argsort(keys).astype(np.int32)
        # in place: a sorted copy would be held beside it for a while
        keys.sort()
        self._keys = keys

    def find(self, splits: list[str], paths: list[bytes]) -> NDArray[np.int64]:
        """Rows by names of splits and exact paths; -1 where no row has that name."""
        codes = {name: code for code, name in enumerate(self._splits)}
        split = np.array([codes.get(name, len(codes)) for name in splits], np.int64)
        return self.find_codes(split, paths)

    def find_codes(self, split: NDArray[Any], paths: list[bytes]) -> NDArray[np.int64]:
        """The same with splits as indices into the names of splits."""
        keys = _keys(paths, split)
        if not self._keys.size:
            return np.full(keys.size, -1, np.int64)
        # searching for sorted keys is four times as fast
        order = np.argsort(keys)
        position = np.empty(keys.size, np.int64)
        position[order] = np.searchsorted(self._keys, keys[order])
        np.minimum(position, self._keys.size - 1, out=position)
        rows = self._rows[position].astype(np.int64)
        return np.where(self._keys[position] == keys, rows, -1)


def _keys(paths: list[bytes], split: NDArray[Any]) -> NDArray[np.uint64]:
    hashes = np.fromiter(map(xxhash.xxh3_64_intdigest, paths), np.uint64, len(paths))
    return hashes ^ ((split.astype(np.uint64) + np.uint64(1)) * _SPLIT_SALT)

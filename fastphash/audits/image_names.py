"""Rows of images by their names, many at once."""

import os
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.paths import with_slashes
from fastphash.store.rows import HashTable
from fastphash.store.schema import image_keys


class ImageNames:
    """Finds rows by split and path, or by path alone.

    Parameters
    ----------
    rows : HashTable
    """

    def __init__(self, rows: HashTable) -> None:
        self.digests = rows.digests
        self._splits = pa.chunked_array([pa.array(rows.splits, pa.string())])
        self._paths = rows.paths
        roots = rows.store.roots if rows.store is not None else {}
        folders = {
            split: with_slashes(os.path.join(os.fsencode(root), b""))
            for split, root in roots.items()
        }
        prefixes = pa.array([folders.get(split, b"") for split in rows.splits], pa.binary())
        self._absolute = pc.binary_join_element_wise(prefixes, self._paths, b"")

    def find(
        self, paths: pa.ChunkedArray, splits: pa.ChunkedArray | None = None
    ) -> NDArray[np.int64]:
        """The row of each image; -1 if no row has the name, or several do: int64 (n,).

        Parameters
        ----------
        paths : binary
            Relative to the folder of a split, or absolute; without splits also ``SPLIT/PATH``.
        splits : string, optional
        """
        if splits is not None:
            wanted = image_keys(splits.cast(pa.string()), paths)
            keys = (image_keys(self._splits, one) for one in (self._paths, self._absolute))
            return _first_found(keys, wanted)
        names = self._splits.cast(pa.binary())
        with_split = pc.binary_join_element_wise(names, self._paths, b"/")
        return _first_found((with_split, self._paths, self._absolute), paths)


def _first_found(
    spellings: Iterable[pa.ChunkedArray], wanted: pa.ChunkedArray
) -> NDArray[np.int64]:
    found = np.full(len(wanted), -1)
    for names in spellings:
        found = np.where(found >= 0, found, _places(names, wanted))
    return found


def _places(names: pa.ChunkedArray, wanted: pa.ChunkedArray) -> NDArray[np.int64]:
    """Where each wanted name is among others, -1 if it is not there, or more than once."""
    counted = pc.value_counts(names)
    once = pc.filter(counted.field("values"), pc.equal(counted.field("counts"), 1))
    known = pc.is_in(wanted, once)
    place = pc.fill_null(pc.index_in(wanted, names), -1)
    return np.where(known.to_numpy(), place.to_numpy(), -1).astype(np.int64)

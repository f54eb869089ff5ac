"""Pairs of rows to look at, and the files where their pixels are."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.looks.run import LookFile, LookTask
from fastphash.sources.protocol import Reader
from fastphash.store.rows import HashTable
from fastphash.verify.decide_kind import Relation


class RowPairs(NamedTuple):
    """Pairs of rows and how they relate by their thumbnails."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    relation: Relation

    def take(self, chosen: NDArray[np.int64]) -> "RowPairs":
        """The pairs `chosen`, an index array."""
        return RowPairs(self.left[chosen], self.right[chosen], self.relation.take(chosen))


def look_tasks(
    rows: HashTable, readers: Mapping[str, Reader], pairs: RowPairs, *, aligned: bool = False
) -> list[LookTask]:
    """What to look at, one for each pair of `rows`; `readers` has that of each split."""
    left, right = (_files(rows, readers, side) for side in (pairs.left, pairs.right))
    return [
        LookTask(one, other, orientation, aligned)
        for one, other, orientation in zip(
            left, right, pairs.relation.orientation.tolist(), strict=True
        )
    ]


def _files(
    rows: HashTable, readers: Mapping[str, Reader], chosen: NDArray[np.int64]
) -> list[LookFile]:
    taken = rows.take(chosen)
    pixels = taken.table["width"].to_numpy() * taken.table["height"].to_numpy().astype(np.int64)
    return [
        LookFile(readers[split], path, size, digest, most, exif=rows.definition.exif)
        for split, path, size, digest, most in zip(
            taken.splits.tolist(),
            taken.paths.to_pylist(),
            taken.table["size"].to_pylist(),
            taken.table["digest"].to_pylist(),
            pixels.tolist(),
            strict=True,
        )
    ]

"""Looks at pairs of rows: each pair of bytes once, and no more than are allowed."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fastphash.base.pair_keys import pair_keys
from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import CROPPED, DIFFERENT, FADED
from fastphash.joins.distinct import find_distinct_rows
from fastphash.looks.run import LookFile, LookTask, LookWorkers
from fastphash.looks.table import Looks
from fastphash.sources.protocol import Reader
from fastphash.store.rows import HashTable
from fastphash.verification.decide_kind import Relation


class RowPairs(NamedTuple):
    """Pairs of rows and how they relate by their thumbnails."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    relation: Relation

    def take(self, chosen: NDArray[np.int64]) -> "RowPairs":
        """The pairs `chosen`, an index array."""
        return RowPairs(self.left[chosen], self.right[chosen], self.relation.take(chosen))


class Looker:
    """Looks at pairs, and remembers which.

    A context: leaving it ends the processes that look.

    Parameters
    ----------
    rows : HashTable
        All that are compared. Without the digests of their bytes nobody looks.
    readers : mapping of str to Reader
        For the images of each split.
    limit : int
        The most pairs to look at.
    progress : Progress
    """

    def __init__(
        self,
        rows: HashTable,
        readers: Mapping[str, Reader],
        limit: int,
        progress: Progress = no_progress,
    ) -> None:
        self.rows = rows
        self._readers = readers
        self._progress = progress
        self._workers = LookWorkers()
        self._left = limit
        self._digest_of = np.empty(0, np.int64)
        if rows.digests is None:
            self._left = 0
        else:
            self._digest_of = find_distinct_rows(rows.digests).of_row
        self._seen = np.empty(0, np.uint64)
        # rows whose files could not be read or decoded, and bytes that no other file has
        self._lost = np.zeros(len(rows), np.bool_)
        self._gone = np.empty(0, np.int64)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._workers.__exit__(*error)

    def prepare(self, pairs: int) -> None:
        """Have processes ready for so many pairs, or as many as may be looked at."""
        if self._left:
            self._workers.prepare(min(pairs, self._left))

    @property
    def left(self) -> int:
        """How many pairs may still be looked at."""
        return self._left

    def keys(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.uint64]:
        """A number for the bytes of each pair of rows, uint64 (n,)."""
        return pair_keys(self._digest_of[left], self._digest_of[right])

    def unseen(self, pairs: RowPairs) -> NDArray[np.int64]:
        """Which pairs somebody may look at and nobody has, the first of each pair of bytes.

        Ascending, int64 (n,). Pairs with a file that turned out to be gone are none of them.
        """
        keys = self.keys(pairs.left, pairs.right)
        _, first = np.unique(keys, return_index=True)
        settled = np.isin(keys[first], self._seen)
        for side in (pairs.left, pairs.right):
            settled |= np.isin(self._digest_of[side[first]], self._gone)
        return np.sort(first[~settled])

    def look(self, pairs: RowPairs, need_keypoints: NDArray[np.bool_] | None = None) -> Looks:
        """Look for places where these pairs differ; or align them instead, which needs OpenCV.

        With `need_keypoints`, bool (n,), they are aligned: those that need keypoints only where
        these agree on how. Colours decide nothing there; those of others are compared where cells
        of the same frame are faded or different. Where a file is gone, another one of the same
        bytes is read.
        """
        self._left -= pairs.left.size
        self._seen = np.concatenate([self._seen, self.keys(pairs.left, pairs.right)])
        looks = Looks.none(pairs.left.size)
        waiting = np.arange(pairs.left.size)
        while waiting.size:
            part = self._readable(pairs.take(waiting))
            needs = None if need_keypoints is None else need_keypoints[waiting]
            tasks = _tasks(self.rows, self._readers, part, needs)
            found = self._workers.look(tasks, progress=self._progress)
            looks.replace(waiting, found)
            sides = np.stack([part.left, part.right], axis=1)
            self._lose(sides[found.unreadable])
            ended = ~found.unreadable.any(axis=1)
            ended |= np.isin(self._digest_of[sides], self._gone).any(axis=1)
            waiting = waiting[~ended]
        return looks

    def _lose(self, rows: NDArray[np.int64]) -> None:
        """Remember that the files of these rows can't be read."""
        self._lost[rows] = True
        lost = np.unique(self._digest_of[rows])
        left = self._digest_of[~self._lost]
        self._gone = np.union1d(self._gone, np.setdiff1d(lost, left))

    def _readable(self, pairs: RowPairs) -> RowPairs:
        """The same pairs, by rows of the same bytes whose files nobody failed to read."""
        if not self._lost.any():
            return pairs
        living = np.flatnonzero(~self._lost)
        first = np.arange(len(self._lost))
        first[self._digest_of[living[::-1]]] = living[::-1]
        left, right = (
            np.where(self._lost[side], first[self._digest_of[side]], side)
            for side in (pairs.left, pairs.right)
        )
        return pairs._replace(left=left, right=right)


def _tasks(
    rows: HashTable,
    readers: Mapping[str, Reader],
    pairs: RowPairs,
    need_keypoints: NDArray[np.bool_] | None,
) -> list[LookTask]:
    aligned = need_keypoints is not None
    needs = np.zeros(pairs.left.size, np.bool_) if need_keypoints is None else need_keypoints
    left, right = (_files(rows, readers, side) for side in (pairs.left, pairs.right))
    relation = pairs.relation
    coloured = np.isin(relation.colour, (FADED, DIFFERENT)) & (relation.kind != CROPPED) & ~needs
    return [
        LookTask(one, other, orientation, aligned, not aligned, colours, need)
        for one, other, orientation, colours, need in zip(
            left,
            right,
            relation.orientation.tolist(),
            coloured.tolist(),
            needs.tolist(),
            strict=True,
        )
    ]


def _files(
    rows: HashTable, readers: Mapping[str, Reader], chosen: NDArray[np.int64]
) -> list[LookFile]:
    taken = rows.take(chosen)
    exif, rendering = rows.definition.exif, rows.definition.rendering
    pixels = taken.table["width"].to_numpy() * taken.table["height"].to_numpy().astype(np.int64)
    return [
        LookFile(readers[split], path, size, digest, most, exif=exif, rendering=rendering)
        for split, path, size, digest, most in zip(
            taken.splits.tolist(),
            taken.paths.to_pylist(),
            taken.table["size"].to_pylist(),
            taken.table["digest"].to_pylist(),
            pixels.tolist(),
            strict=True,
        )
    ]

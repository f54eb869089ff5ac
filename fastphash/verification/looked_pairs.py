"""Pairs of images whose pixels somebody compared."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.pair_keys import find_places, pair_keys
from fastphash.joins.distinct import find_distinct_rows
from fastphash.store.rows import HashTable
from fastphash.verification.findings import Findings


class LookedPairs(NamedTuple):
    """Which pairs of rows were compared at their pixels, by the contents of their files.

    Attributes
    ----------
    content : int64 (rows,)
        The same number for rows of the same bytes or the same pixels.
    keys : uint64 (n,)
        `pair_keys` of the contents that were compared.
    """

    content: NDArray[np.int64]
    keys: NDArray[np.uint64]

    @classmethod
    def of(cls, findings: Findings, rows: HashTable) -> "LookedPairs":
        """Those that findings about these rows say were looked at."""
        content = _number_contents(rows)
        left, right = content[findings.pairs[findings.looked]].T
        return cls(content, np.unique(pair_keys(left, right)))

    @property
    def digests(self) -> NDArray[np.uint64]:
        """The contents as `Findings.spread` wants them, uint64 (rows, 1)."""
        return self.content.astype(np.uint64)[:, None]

    def take(self, rows: NDArray[np.int64]) -> "LookedPairs":
        """The same about these rows, by their places."""
        return self._replace(content=self.content[rows])

    def has(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether rows left[i] and right[i] were compared, or have the same pixels: bool (n,)."""
        one, other = self.content[left], self.content[right]
        compared = find_places(self.keys, pair_keys(one, other)) >= 0
        return np.asarray(compared | (one == other))


def _number_contents(rows: HashTable) -> NDArray[np.int64]:
    """The same number for rows of the same bytes or the same pixels, int64 (n,)."""
    number = np.arange(len(rows))
    if rows.digests is not None:
        number = find_distinct_rows(rows.digests).of_row
    # of two rows of the same bytes, an earlier version may have hashed one
    pixels = np.zeros((len(rows), 2), np.uint64)
    known = np.flatnonzero(rows.pixel_digests.any(axis=1))
    pixels[number[known]] = rows.pixel_digests[known]
    contents = pixels[number]
    unknown = np.flatnonzero(~contents.any(axis=1))
    # a number as a digest of which 64 bits are ones
    contents[unknown, 0], contents[unknown, 1] = number[unknown], ~np.uint64(0)
    return find_distinct_rows(contents).of_row

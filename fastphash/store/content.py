"""What is known of images besides their hashes."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import OTHER_PIXELS, SAME_PIXELS, UNKNOWN_PIXELS
from fastphash.store.appearance import PixelKeys
from fastphash.store.evidence import RowEvidence
from fastphash.store.pair_scores import PairScores


class Content(NamedTuple):
    """What is known of some images besides their hashes.

    Attributes
    ----------
    thumbnails : uint8 (n, 1024), optional
    chroma : int8 (n, 128), optional
        As `HashTable.chroma`.
    digests : uint64 (n, 2), optional
        XXH3-128 of the files.
    evidence : RowEvidence, optional
        Alpha, further frames, depth and pixels.
    place : int64 (n,), optional
        Which of the thumbnails and chroma, (m, 1024) and (m, 128) then, each image has: contents of
        some images share those of all. By default image i has number i.
    pixel_keys : PixelKeys, optional
        Of these thumbnails and chroma.
    scores : PairScores, optional
        Of pairs of these thumbnails.
    """

    thumbnails: NDArray[np.uint8] | None = None
    chroma: NDArray[np.int8] | None = None
    digests: NDArray[np.uint64] | None = None
    evidence: RowEvidence | None = None
    place: NDArray[np.int64] | None = None
    pixel_keys: PixelKeys | None = None
    scores: PairScores | None = None

    @property
    def appearance(self) -> list[NDArray[np.uint8]]:
        """Equal for images of equal thumbnails, chroma and layers: uint8 arrays (n, ...)."""
        if self.pixel_keys is None:
            known = [column for column in self[:2] if column is not None]
            columns = [self.placed(column).view(np.uint8) for column in known]
        else:
            columns = [self.placed(self.pixel_keys.values).view(np.uint8)]
        if self.evidence is not None and self.thumbnails is not None:
            columns.append(self.evidence.layer_keys().view(np.uint8))
        return columns

    def take(self, rows: NDArray[np.int64]) -> "Content":
        """The content of these rows, in this order, without a copy of thumbnails and chroma."""
        return self._replace(
            digests=None if self.digests is None else self.digests[rows],
            evidence=None if self.evidence is None else self.evidence.take(rows),
            place=self.places(rows),
        )

    def places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which of `thumbnails` and `chroma` these images have, int64 (n,)."""
        return rows if self.place is None else self.place[rows]

    def placed(self, column: NDArray[Any]) -> NDArray[Any]:
        """The thumbnails or chroma of each image, (n, ...)."""
        return column if self.place is None else column[self.place]

    @property
    def size(self) -> int:
        """How many images have thumbnails."""
        if self.place is not None:
            return self.place.size
        return 0 if self.thumbnails is None else len(self.thumbnails)

    def same_bytes(
        self, rows: NDArray[np.int64], other: "Content", other_rows: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether the digests of two rows are known and equal, bool (n,)."""
        if self.digests is None or other.digests is None:
            return np.zeros(rows.size, np.bool_)
        same: NDArray[np.bool_] = (self.digests[rows] == other.digests[other_rows]).all(axis=1)
        return same

    def same_pixels(
        self, rows: NDArray[np.int64], other: "Content", other_rows: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """Whether the pixels of two rows are equal: SAME_PIXELS and so on, uint8 (n,)."""
        if self.evidence is None or other.evidence is None:
            return np.full(rows.size, UNKNOWN_PIXELS, np.uint8)
        left, right = self.evidence.pixel_digests[rows], other.evidence.pixel_digests[other_rows]
        same = np.where((left == right).all(axis=1), SAME_PIXELS, OTHER_PIXELS)
        known = left.any(axis=1) & right.any(axis=1)
        return np.where(known, same, UNKNOWN_PIXELS).astype(np.uint8)

"""Scores of pairs of thumbnails: how alike they are, in the orientation that fits best."""

import functools
import math
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.machine import core_count
from fastphash.base.orientations import orientation_indices
from fastphash.base.threads import run_all
from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels.correlation import correlate_pairs
from fastphash.kernels.detail import SHIFT, SHIFTS, extract_detail

# A copy may be cropped to its middle, so each thumbnail is also enlarged by the later factors ...
_ZOOMS = (1.0, 1.08, 1.17)
# ... for pairs with at least this score at their own size: 0.2 % of copies and 90 % of chance
# pairs score less
_MIN_SCORE_TO_ZOOM = 0.15
# standard deviations of two Gaussians, in thumbnail pixels: the blur that is subtracted, and the
# neighbourhood that gives the local strength of the detail
_BLUR = 2.0
_NEIGHBOURHOOD = 1.5
# most thumbnails whose detail is in memory at once: at their own size, 1 kB each, ...
_HELD_THUMBNAILS = 1 << 15
# ... and at all scales, 3 kB each
_HELD_ENLARGED = 1 << 13
# most pairs, and most thumbnails, in one job of a thread
_PAIRS_PER_JOB = 1 << 10
_THUMBNAILS_PER_JOB = 1 << 9


class Similarity(NamedTuple):
    """How alike the two thumbnails of each pair are.

    Attributes
    ----------
    orientation : uint8 (k,)
        The orientation with the highest score.
    score : float32 (k,)
        0 to 1; close to 0 if a thumbnail of the pair is flat.
    """

    orientation: NDArray[np.uint8]
    score: NDArray[np.float32]


def similarity(
    left: NDArray[np.uint8],
    left_rows: NDArray[np.int64],
    right: NDArray[np.uint8],
    right_rows: NDArray[np.int64],
    mask: NDArray[np.uint8],
) -> Similarity:
    """How alike the thumbnails of pairs are.

    The score is the highest normalised cross-correlation of their detail
    (`fastphash.kernels.detail`), over shifts of up to two pixels and over orientations. Pairs that
    are a little alike are also compared with the middle of one thumbnail enlarged. Pair (b, a) has
    the score of pair (a, b), and the inverse orientation.

    Parameters
    ----------
    left, right : uint8 (n, 1024), (m, 1024)
        Thumbnails.
    left_rows, right_rows : int64 (k,)
        The two thumbnails of each pair.
    mask : uint8 (k,)
        Orientations to try: bit t for the orientation t that turns left into the frame of right.
    """
    return _score(_Pairs(left, left_rows, right, right_rows, mask))


class _Pairs(NamedTuple):
    """Pairs of thumbnails, and the orientations to try."""

    left: NDArray[np.uint8]
    left_rows: NDArray[np.int64]
    right: NDArray[np.uint8]
    right_rows: NDArray[np.int64]
    mask: NDArray[np.uint8]

    def take(self, chosen: NDArray[np.int64]) -> "_Pairs":
        """The pairs at the chosen places."""
        return self._replace(
            left_rows=self.left_rows[chosen],
            right_rows=self.right_rows[chosen],
            mask=self.mask[chosen],
        )

    def halves(self) -> "Iterator[_Pairs]":
        """The first and the second half of the pairs."""
        return map(self.take, np.array_split(np.arange(self.mask.size), 2))

    def used_rows(self) -> list[NDArray[np.int64]]:
        """The different rows of each side, ascending; of both if these are the same thumbnails."""
        if self.left is self.right:
            return [np.union1d(self.left_rows, self.right_rows)]
        return [np.unique(self.left_rows), np.unique(self.right_rows)]


class _Details(NamedTuple):
    """The detail of thumbnails at each scale, and its energy for each shift.

    Attributes
    ----------
    detail : int8 (n, scales, 1024)
    energy : int32 (n, scales, 25)
    """

    detail: NDArray[np.int8]
    energy: NDArray[np.int32]

    @classmethod
    def empty(cls, size: int, scales: int) -> "_Details":
        """Those of so many thumbnails, to be filled in."""
        return cls(
            np.empty((size, scales, THUMBNAIL_SIDE * THUMBNAIL_SIDE), np.int8),
            np.empty((size, scales, SHIFTS), np.int32),
        )


class _Side(NamedTuple):
    """The thumbnails that some pairs have on one side, and their details.

    Attributes
    ----------
    thumbnails : uint8 (n, 1024)
    rows : int64 (m,)
        Those described, ascending.
    details : _Details
        Of these m.
    """

    thumbnails: NDArray[np.uint8]
    rows: NDArray[np.int64]
    details: _Details

    @classmethod
    def of(cls, thumbnails: NDArray[np.uint8], rows: NDArray[np.int64]) -> "_Side":
        """These rows at their own size."""
        side = cls(thumbnails, rows, _Details.empty(rows.size, 1))
        side.extract(_enlargements()[:1])
        return side

    def enlarged(self, rows: NDArray[np.int64]) -> "_Side":
        """Some of these rows, at all scales."""
        side = _Side(self.thumbnails, rows, _Details.empty(rows.size, len(_ZOOMS)))
        places = np.searchsorted(self.rows, rows)
        side.details.detail[:, 0] = self.details.detail[places, 0]
        side.details.energy[:, 0] = self.details.energy[places, 0]
        side.extract(_enlargements()[1:])
        return side

    def extract(self, enlargements: NDArray[np.float32]) -> None:
        """Fill in the details of the last scales, for which matrices are given."""
        run_all(
            _threads(self.rows.size, _THUMBNAILS_PER_JOB),
            (
                partial(
                    extract_detail,
                    self.thumbnails,
                    self.rows[part],
                    enlargements,
                    _blurs(),
                    self.details.detail[part],
                    self.details.energy[part],
                )
                for part in _slices(self.rows.size, _THUMBNAILS_PER_JOB)
            ),
        )


def _score(pairs: _Pairs) -> Similarity:
    """The similarity of pairs; of halves of them, if all their details don't fit into memory."""
    rows = pairs.used_rows()
    if _are_many(rows, pairs, _HELD_THUMBNAILS):
        return _joined(_score(half) for half in pairs.halves())
    left = _Side.of(pairs.left, rows[0])
    right = left if len(rows) == 1 else _Side.of(pairs.right, rows[1])
    result = _correlate(pairs, left, right)
    likely = np.flatnonzero(result.score >= _MIN_SCORE_TO_ZOOM)
    if likely.size:
        better = _score_enlarged(pairs.take(likely), left, right)
        result.orientation[likely], result.score[likely] = better
    return result


def _score_enlarged(pairs: _Pairs, left: _Side, right: _Side) -> Similarity:
    """The similarity of pairs at all scales, or of halves of them, as in `_score`."""
    rows = pairs.used_rows()
    if _are_many(rows, pairs, _HELD_ENLARGED):
        return _joined(_score_enlarged(half, left, right) for half in pairs.halves())
    enlarged = left.enlarged(rows[0])
    others = enlarged if len(rows) == 1 else right.enlarged(rows[1])
    return _correlate(pairs, enlarged, others)


def _are_many(rows: list[NDArray[np.int64]], pairs: _Pairs, most: int) -> bool:
    """Whether pairs have more thumbnails than are held at once, and can be halved."""
    return sum(side.size for side in rows) > most and pairs.mask.size > 1


def _joined(parts: Iterable[Similarity]) -> Similarity:
    return Similarity(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _correlate(pairs: _Pairs, left: _Side, right: _Side) -> Similarity:
    """Compare pairs at the scales at which both sides are described."""
    size = pairs.mask.size
    left_places = np.searchsorted(left.rows, pairs.left_rows)
    right_places = np.searchsorted(right.rows, pairs.right_rows)
    best = Similarity(np.empty(size, np.uint8), np.empty(size, np.float32))
    run_all(
        _threads(size, _PAIRS_PER_JOB),
        (
            partial(
                correlate_pairs,
                *left.details,
                left_places[part],
                *right.details,
                right_places[part],
                pairs.mask[part],
                orientation_indices(),
                orientation_indices(2 * SHIFT + 1),
                best.orientation[part],
                best.score[part],
            )
            for part in _slices(size, _PAIRS_PER_JOB)
        ),
    )
    return best


def _threads(rows: int, rows_per_job: int) -> int:
    """How many threads help: the cores are asked for, which takes 0.3 ms, only for many rows."""
    return core_count() if rows > rows_per_job else 1


def _slices(size: int, step: int) -> list[slice]:
    return [slice(start, min(start + step, size)) for start in range(0, size, step)]


@functools.cache
def _enlargements() -> NDArray[np.float32]:
    """Matrices to enlarge, each with its transpose: (scales, 2, 32, 32)."""
    return np.stack([_with_transpose(_zoom(factor)) for factor in _ZOOMS])


@functools.cache
def _blurs() -> NDArray[np.float32]:
    """Matrices to blur and to average a neighbourhood, each with its transpose: (2, 2, 32, 32)."""
    return np.stack([_with_transpose(_gaussian(sigma)) for sigma in (_BLUR, _NEIGHBOURHOOD)])


def _with_transpose(matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.stack([matrix, matrix.T]).astype(np.float32)


def _gaussian(sigma: float) -> NDArray[np.float64]:
    """A matrix that blurs a column; beyond its ends, the column continues mirrored."""
    radius = math.ceil(4 * sigma)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= weights.sum()
    matrix = np.zeros((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    for row in range(THUMBNAIL_SIDE):
        source = row + offsets
        source = np.where(source < 0, -1 - source, source)
        source = np.where(source >= THUMBNAIL_SIDE, 2 * THUMBNAIL_SIDE - 1 - source, source)
        np.add.at(matrix[row], source, weights)
    return matrix


def _zoom(factor: float) -> NDArray[np.float64]:
    """A matrix that enlarges the middle of a column, by Catmull and Rom's cubic interpolation."""
    matrix = np.zeros((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    middle = (THUMBNAIL_SIDE - 1) / 2
    for row in range(THUMBNAIL_SIDE):
        place = middle + (row - middle) / factor
        source = math.floor(place) + np.arange(-1, 3)
        x = np.abs(place - source)
        inner = 1.5 * x**3 - 2.5 * x**2 + 1
        outer = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
        weights = np.where(x <= 1, inner, np.where(x < 2, outer, 0.0))
        np.add.at(matrix[row], np.clip(source, 0, THUMBNAIL_SIDE - 1), weights)
    return matrix

"""How alike the thumbnails of pairs are, in the orientation in which they are most alike."""

import functools
import math
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.machine import core_count
from fastphash.base.orientations import orientation_indices
from fastphash.base.threads import run_all
from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels import correlation

# a copy may be the middle of the other image: enlarged so much, one is compared with the other ...
_ZOOMS = (1.08, 1.17)
# ... if they are this much alike as they are: of the copies 0.2 % aren't, by chance nine in ten
_WORTH_ZOOMS = 0.15
# of the blur that is taken off, and of what strength is measured over, in pixels of a thumbnail
_BLUR = 2.0
_AROUND = 1.5
# thumbnails described at once, and pairs compared by a thread at once
_DESCRIBED = 1 << 16
_COMPARED = 1 << 12
_DESCRIBED_TOGETHER = 1 << 9


class Similarity(NamedTuple):
    """How alike two images of each pair are.

    Attributes
    ----------
    orientation : uint8 (k,)
        The one in which they are most alike.
    score : float32 (k,)
        0 to 1; next to 0 where one of them is flat.
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

    The correlation of their detail (see `fastphash.kernels.correlation`), the best over shifts
    of up to two pixels, over orientations and, where that shows some likeness, over one of them
    being the middle of the other. The same for (a, b) and for (b, a) with the orientation that
    turns back.

    Parameters
    ----------
    left, right : uint8 (n, 1024), (m, 1024)
    left_rows, right_rows : int64 (k,)
        Whose thumbnails make each pair.
    mask : uint8 (k,)
        Orientations to try: bit t for the one, in canonical order, that turns left into right.
    """
    pairs = _Pairs(left, left_rows, right, right_rows, mask)
    found = _compare(pairs, 0)
    worth = np.flatnonzero(found.score >= _WORTH_ZOOMS)
    if worth.size:
        closer = _compare(pairs.take(worth), len(_ZOOMS))
        found.orientation[worth], found.score[worth] = closer
    return found


class _Pairs(NamedTuple):
    """Pairs of thumbnails, and the orientations to try."""

    left: NDArray[np.uint8]
    left_rows: NDArray[np.int64]
    right: NDArray[np.uint8]
    right_rows: NDArray[np.int64]
    mask: NDArray[np.uint8]

    def take(self, chosen: NDArray[np.int64]) -> "_Pairs":
        """Some of them."""
        return self._replace(
            left_rows=self.left_rows[chosen],
            right_rows=self.right_rows[chosen],
            mask=self.mask[chosen],
        )


class _Described(NamedTuple):
    """The details of some thumbnails, and their energies."""

    detail: NDArray[np.int8]
    energy: NDArray[np.int32]


def _compare(pairs: _Pairs, zooms: int) -> Similarity:
    """Compare pairs as they are, and with so many of the zooms."""
    size = pairs.mask.size
    a, ours = np.unique(pairs.left_rows, return_inverse=True)
    b, theirs = np.unique(pairs.right_rows, return_inverse=True)
    if a.size + b.size > _DESCRIBED and size > 1:
        halves = [_compare(pairs.take(half), zooms) for half in np.array_split(np.arange(size), 2)]
        return Similarity(*(np.concatenate(both) for both in zip(*halves, strict=True)))
    if pairs.left is pairs.right:
        a = b = np.union1d(a, b)
        ours, theirs = (np.searchsorted(a, rows) for rows in (pairs.left_rows, pairs.right_rows))
    left = _describe(pairs.left, a, zooms)
    right = left if b is a else _describe(pairs.right, b, zooms)
    best = Similarity(np.empty(size, np.uint8), np.empty(size, np.float32))
    run_all(
        core_count(),
        (
            partial(
                correlation.correlate_pairs,
                *left,
                ours[part],
                *right,
                theirs[part],
                pairs.mask[part],
                orientation_indices(),
                orientation_indices(2 * correlation.SHIFT + 1),
                best.orientation[part],
                best.score[part],
            )
            for part in _parts(size, _COMPARED)
        ),
    )
    return best


def _describe(thumbnails: NDArray[np.uint8], rows: NDArray[np.int64], zooms: int) -> _Described:
    made = _Described(
        np.empty((rows.size, 1 + zooms, THUMBNAIL_SIDE * THUMBNAIL_SIDE), np.int8),
        np.empty((rows.size, 1 + zooms, correlation.SHIFTS), np.int32),
    )
    enlarging, blur, around = _matrices()
    run_all(
        core_count(),
        (
            partial(
                correlation.extract_detail,
                thumbnails,
                rows[part],
                enlarging[:zooms],
                blur,
                around,
                made.detail[part],
                made.energy[part],
            )
            for part in _parts(rows.size, _DESCRIBED_TOGETHER)
        ),
    )
    return made


def _parts(size: int, step: int) -> list[slice]:
    return [slice(start, min(start + step, size)) for start in range(0, size, step)]


@functools.cache
def _matrices() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """What the kernel filters with, each a matrix and its transpose: zooms, blur, neighbourhood."""
    zooms = np.stack([_both(_zoom(factor)) for factor in _ZOOMS])
    return zooms, _both(_gaussian(_BLUR)), _both(_gaussian(_AROUND))


def _both(matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.stack([matrix, matrix.T]).astype(np.float32)


def _gaussian(sigma: float) -> NDArray[np.float64]:
    """Blurs a column; beyond its ends it is mirrored."""
    reach = math.ceil(4 * sigma)
    places = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (places / sigma) ** 2)
    weights /= weights.sum()
    matrix = np.zeros((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    for row in range(THUMBNAIL_SIDE):
        source = row + places
        source = np.where(source < 0, -1 - source, source)
        source = np.where(source >= THUMBNAIL_SIDE, 2 * THUMBNAIL_SIDE - 1 - source, source)
        np.add.at(matrix[row], source, weights)
    return matrix


def _zoom(factor: float) -> NDArray[np.float64]:
    """Enlarges the middle of a column, by cubic interpolation (Catmull and Rom's)."""
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

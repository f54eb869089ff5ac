"""What two thumbnails say of a pair: whether they agree, how alike they are, and its kind."""

import functools
import math
from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.joins import Matches, first_orientation
from fastphash.kernels import agree, colour, similar
from fastphash.threads import core_count, run_all
from fastphash.thumbnail import SIDE, STEPS, turned_indices
from fastphash.words import (
    AUGMENTED,
    COLLISION,
    DIFFERENT,
    EXACT,
    IDENTICAL,
    MIN_SCORE,
    NEAR,
    ORIENTATIONS,
    SAME,
    UNKNOWN_COLOUR,
)

# a copy may be the middle of the other image: enlarged so much, one is compared with the other ...
_ZOOMS = (1.0, 1.08, 1.17)
# ... if they are this much alike as they are: of the copies 0.2 % aren't, by chance nine in ten
_WORTH_ZOOMS = 0.15
# of the blur that is taken off, and of what strength is measured over, in pixels of a thumbnail
_BLUR = 2.0
_AROUND = 1.5
# thumbnails described at once, and pairs compared by a thread at once
_DESCRIBED = 1 << 16
_COMPARED = 1 << 12
_DESCRIBED_TOGETHER = 1 << 9


# thumbnails and chroma of one side; chroma None where colours aren't known
_Chroma = tuple[NDArray[np.int8] | None, NDArray[np.int8] | None]


class Verdicts(NamedTuple):
    """What the thumbnails say of each match.

    Attributes
    ----------
    agrees : bool (n,)
        At distance 0: whether they are the same but for a little noise, light and contrast.
    orientation : uint8 (n,)
        Of those that give the distance: at distance 0 the first under which the thumbnails agree,
        if there is one, else the one under which they are most alike.
    score : float32 (n,)
        How alike the two are in that orientation, 0 to 1; NaN where nobody looked.
    colour : uint8 (n,)
        Index into COLOURS, or UNKNOWN_COLOUR.
    colour_distance : float32 (n,)
        Levels by which colours differ beyond one being the other faded; NaN where unknown.
    """

    agrees: NDArray[np.bool_]
    orientation: NDArray[np.uint8]
    score: NDArray[np.float32]
    colour: NDArray[np.uint8]
    colour_distance: NDArray[np.float32]

    def take(self, rows: NDArray[np.int64]) -> "Verdicts":
        """A copy of some of them."""
        return Verdicts(
            self.agrees[rows],
            self.orientation[rows],
            self.score[rows],
            self.colour[rows],
            self.colour_distance[rows],
        )


class Relation(NamedTuple):
    """How each of some pairs relates: what the columns of results say.

    Attributes
    ----------
    kind : uint8 (n,)
        Index into KINDS.
    distance, orientation : uint8 (n,)
    score : float32 (n,)
    colour : uint8 (n,)
    colour_distance : float32 (n,)
    """

    kind: NDArray[np.uint8]
    distance: NDArray[np.uint8]
    orientation: NDArray[np.uint8]
    score: NDArray[np.float32]
    colour: NDArray[np.uint8]
    colour_distance: NDArray[np.float32]

    def take(self, rows: NDArray[np.int64]) -> "Relation":
        """A copy of some of them."""
        return Relation(
            self.kind[rows],
            self.distance[rows],
            self.orientation[rows],
            self.score[rows],
            self.colour[rows],
            self.colour_distance[rows],
        )

    def put(self, rows: NDArray[Any], values: Iterable[Any]) -> None:
        """Replace some of them, by what stands in each column."""
        columns: Iterable[NDArray[Any]] = (
            self.kind,
            self.distance,
            self.orientation,
            self.score,
            self.colour,
            self.colour_distance,
        )
        for column, own in zip(columns, values, strict=True):
            column[rows] = own


def judge(
    matches: Matches,
    left: NDArray[np.uint8] | None,
    right: NDArray[np.uint8] | None,
    *,
    chroma: _Chroma = (None, None),
    near: bool = True,
) -> Verdicts:
    """Compare the thumbnails of each match in the orientations that give its distance.

    Parameters
    ----------
    matches : Matches
    left, right : uint8 (n, 1024), (m, 1024) or None
        Thumbnails of the needles and of the haystack; without them nothing agrees.
    chroma : pair of int8 (n, 128), (m, 128) or None
        Their colours (`Hashes.chroma`).
    near : bool
        Whether to look at those that are at a distance, or don't agree, as well.
    """
    size = matches.mask.size
    verdicts = Verdicts(
        np.zeros(size, np.bool_),
        first_orientation(matches.mask),
        np.full(size, np.nan, np.float32),
        np.full(size, UNKNOWN_COLOUR, np.uint8),
        np.full(size, np.nan, np.float32),
    )
    if left is None or right is None:
        return verdicts
    equal = np.flatnonzero(matches.distance == 0)
    if equal.size:
        same = matches.take(equal)
        found = verdicts.take(equal)
        agree.judge_pairs(
            left, same.left, right, same.right, same.mask, turned_indices(), *found[:3]
        )
        verdicts.agrees[equal] = found.agrees
        verdicts.orientation[equal] = found.orientation
        verdicts.score[equal] = found.score
    apart = np.flatnonzero(~verdicts.agrees)
    if near and apart.size:
        some = matches.take(apart)
        verdicts.orientation[apart], verdicts.score[apart] = _look_closer(
            _Pairs(left, some.left, right, some.right, some.mask)
        )
    if chroma[0] is not None and chroma[1] is not None:
        colour.compare_colours(
            chroma[0],
            matches.left,
            chroma[1],
            matches.right,
            verdicts.orientation,
            _turned(colour.SIDE),
            verdicts.colour,
            verdicts.colour_distance,
        )
    return verdicts


def similarity(
    left: NDArray[np.uint8],
    left_rows: NDArray[np.int64],
    right: NDArray[np.uint8],
    right_rows: NDArray[np.int64],
    mask: NDArray[np.uint8],
) -> NDArray[np.float32]:
    """How alike the thumbnails of pairs are.

    The correlation of their detail (see `fastphash.kernels.similar`), the best over shifts of up to
    two pixels, over orientations and, where that shows some likeness, over one of them being the
    middle of the other. It is the
    same for (a, b) and for (b, a) with the orientation that turns back.

    Parameters
    ----------
    left, right : uint8 (n, 1024), (m, 1024)
    left_rows, right_rows : int64 (k,)
        Whose thumbnails make each pair.
    mask : uint8 (k,)
        Orientations to try: bit t for the one, in canonical order, that turns left into right.

    Returns
    -------
    float32 (k,)
        0 to 1; next to 0 where one of them is flat.
    """
    return _look_closer(_Pairs(left, left_rows, right, right_rows, mask))[1]


def kinds(
    distance: NDArray[np.uint8],
    verdicts: Verdicts,
    same_bytes: NDArray[np.bool_],
    min_score: float | None = MIN_SCORE,
) -> NDArray[np.uint8]:
    """The kind of each pair, as an index into KINDS.

    Near ones need a score of `min_score`, unless nobody looked; with None they need none. Pictures
    in different colours are no copies.
    """
    upright = np.where(verdicts.orientation == 0, EXACT, AUGMENTED)
    unseen = np.isnan(verdicts.score) if min_score is not None else np.ones(distance.size, bool)
    alike = ~unseen & (verdicts.score >= np.float32(min_score or 0))
    other = np.where(alike | (unseen & (distance > 0)), NEAR, COLLISION)
    by_looks = np.where(verdicts.agrees, upright, other)
    recoloured = (verdicts.colour == DIFFERENT) & (verdicts.agrees | ~unseen)
    return np.where(
        same_bytes & (distance == 0), IDENTICAL, np.where(recoloured, COLLISION, by_looks)
    ).astype(np.uint8)


def relate(
    distance: NDArray[np.uint8],
    verdicts: Verdicts,
    same_bytes: NDArray[np.bool_],
    min_score: float | None = MIN_SCORE,
) -> Relation:
    """How pairs relate: those of the same bytes are alike in everything, upright."""
    return Relation(
        kinds(distance, verdicts, same_bytes, min_score),
        distance,
        np.where(same_bytes, 0, verdicts.orientation).astype(np.uint8),
        np.where(same_bytes, 1, verdicts.score).astype(np.float32),
        np.where(same_bytes, SAME, verdicts.colour).astype(np.uint8),
        np.where(same_bytes, 0, verdicts.colour_distance).astype(np.float32),
    )


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


# of each pair the orientation in which it is most alike, and how much
_Best = tuple[NDArray[np.uint8], NDArray[np.float32]]


def _look_closer(pairs: _Pairs) -> _Best:
    orientation, score = _compare(pairs, 1)
    worth = np.flatnonzero(score >= _WORTH_ZOOMS)
    if worth.size:
        orientation[worth], score[worth] = _compare(pairs.take(worth), len(_ZOOMS))
    return orientation, score


def _compare(pairs: _Pairs, zooms: int) -> _Best:
    """Compare pairs with so many of the zooms."""
    size = pairs.mask.size
    a, ours = np.unique(pairs.left_rows, return_inverse=True)
    b, theirs = np.unique(pairs.right_rows, return_inverse=True)
    if a.size + b.size > _DESCRIBED and size > 1:
        first, second = (
            _compare(pairs.take(half), zooms) for half in np.array_split(np.arange(size), 2)
        )
        return np.concatenate((first[0], second[0])), np.concatenate((first[1], second[1]))
    if pairs.left is pairs.right:
        a = b = np.union1d(a, b)
        ours, theirs = (np.searchsorted(a, rows) for rows in (pairs.left_rows, pairs.right_rows))
    left = _describe(pairs.left, a, zooms)
    right = left if b is a else _describe(pairs.right, b, zooms)
    best = np.empty(size, np.uint8), np.empty(size, np.float32)
    run_all(
        core_count(),
        (
            partial(
                similar.compare,
                *left,
                ours[part],
                *right,
                theirs[part],
                pairs.mask[part],
                turned_indices(),
                _turned(2 * similar.SHIFT + 1),
                best[0][part],
                best[1][part],
            )
            for part in _parts(size, _COMPARED)
        ),
    )
    return best


def _describe(thumbnails: NDArray[np.uint8], rows: NDArray[np.int64], zooms: int) -> _Described:
    made = _Described(
        np.empty((rows.size, zooms, SIDE * SIDE), np.int8),
        np.empty((rows.size, zooms, similar.SHIFTS), np.int32),
    )
    enlarging, blur, around = _matrices()
    run_all(
        core_count(),
        (
            partial(
                similar.describe,
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
    matrix = np.zeros((SIDE, SIDE))
    for row in range(SIDE):
        source = row + places
        source = np.where(source < 0, -1 - source, source)
        source = np.where(source >= SIDE, 2 * SIDE - 1 - source, source)
        np.add.at(matrix[row], source, weights)
    return matrix


def _zoom(factor: float) -> NDArray[np.float64]:
    """Enlarges the middle of a column, by cubic interpolation (Catmull and Rom's)."""
    matrix = np.zeros((SIDE, SIDE))
    middle = (SIDE - 1) / 2
    for row in range(SIDE):
        place = middle + (row - middle) / factor
        source = math.floor(place) + np.arange(-1, 3)
        x = np.abs(place - source)
        inner = 1.5 * x**3 - 2.5 * x**2 + 1
        outer = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
        weights = np.where(x <= 1, inner, np.where(x < 2, outer, 0.0))
        np.add.at(matrix[row], np.clip(source, 0, SIDE - 1), weights)
    return matrix


@functools.cache
def _turned(side: int) -> NDArray[np.uint8]:
    """uint8 (8, side * side): cell c of a turned square is cell [t, c] of the square."""
    plain = np.arange(side * side).reshape(side, side)
    indices = np.empty((len(ORIENTATIONS), side * side), np.uint8)
    for t, (transposed, rows, columns) in enumerate(STEPS):
        source = plain.T if transposed else plain
        indices[t] = source[:: -1 if rows else 1, :: -1 if columns else 1].reshape(-1)
    return indices

"""What thumbnails, colours and bytes say of a pair: whether they agree, and its kind."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.orientations import orientation_indices
from fastphash.base.vocabulary import (
    AUGMENTED,
    CHROMA_SIDE,
    COLLISION,
    DIFFERENT,
    EXACT,
    IDENTICAL,
    NEAR,
    SAME,
    UNKNOWN_COLOUR,
)
from fastphash.defaults import MIN_SCORE
from fastphash.errors import UsageError
from fastphash.joins.relation import Matches, first_orientation
from fastphash.kernels import agreement, colour
from fastphash.store.rows import Content
from fastphash.verify.similarity import similarity


class Verdicts(NamedTuple):
    """What thumbnails and colours say of each match.

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
        Levels by which colours differ beyond being faded or tinted; NaN where unknown.
    """

    agrees: NDArray[np.bool_]
    orientation: NDArray[np.uint8]
    score: NDArray[np.float32]
    colour: NDArray[np.uint8]
    colour_distance: NDArray[np.float32]

    def take(self, rows: NDArray[np.int64]) -> "Verdicts":
        """A copy of some of them."""
        return Verdicts(*_taken(self, rows))


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

    @classmethod
    def collisions(cls, size: int) -> "Relation":
        """So many pairs of equal hashes of which nothing else is known, to be replaced."""
        return cls(
            np.full(size, COLLISION, np.uint8),
            np.zeros(size, np.uint8),
            np.zeros(size, np.uint8),
            np.full(size, np.nan, np.float32),
            np.full(size, UNKNOWN_COLOUR, np.uint8),
            np.full(size, np.nan, np.float32),
        )

    def take(self, rows: NDArray[np.int64]) -> "Relation":
        """A copy of some of them."""
        return Relation(*_taken(self, rows))

    def put(self, rows: NDArray[Any] | slice, values: Iterable[Any]) -> None:
        """Replace some of them, by what stands in each column."""
        columns: Iterable[NDArray[Any]] = self
        for column, own in zip(columns, values, strict=True):
            column[rows] = own


def _taken(columns: Iterable[NDArray[Any]], rows: NDArray[np.int64]) -> Iterable[NDArray[Any]]:
    return (column[rows] for column in columns)


def check_score(min_score: float | None) -> None:
    """Raise UsageError for what is no least score."""
    if min_score is not None and not 0 <= min_score <= 1:
        raise UsageError(f"a least score is a number from 0 to 1, not {min_score!r}")


def relate_matches(
    matches: Matches,
    left: Content,
    right: Content,
    min_score: float | None = MIN_SCORE,
    *,
    near: bool = True,
) -> Relation:
    """How the two images of each match relate; parameters are those of `judge` and of `kinds`."""
    verdicts = judge(matches, left, right, near=near)
    same = left.same_bytes(matches.left, right, matches.right)
    return relate(matches.distance, verdicts, same, min_score)


def judge(matches: Matches, left: Content, right: Content, *, near: bool = True) -> Verdicts:
    """Compare the thumbnails and colours of each match in the orientations that give its distance.

    Parameters
    ----------
    matches : Matches
    left, right : Content
        Of the needles and of the haystack; without thumbnails nothing agrees.
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
    if left.thumbnails is None or right.thumbnails is None:
        return verdicts
    equal = np.flatnonzero(matches.distance == 0)
    if equal.size:
        same = matches.take(equal)
        found = verdicts.take(equal)
        agreement.judge_pairs(
            left.thumbnails,
            same.left,
            right.thumbnails,
            same.right,
            same.mask,
            orientation_indices(),
            *found[:3],
        )
        verdicts.agrees[equal] = found.agrees
        verdicts.orientation[equal] = found.orientation
        verdicts.score[equal] = found.score
    apart = np.flatnonzero(~verdicts.agrees)
    if near and apart.size:
        some = matches.take(apart)
        alike = similarity(left.thumbnails, some.left, right.thumbnails, some.right, some.mask)
        verdicts.orientation[apart], verdicts.score[apart] = alike
    if left.chroma is not None and right.chroma is not None:
        colour.compare_colours(
            left.chroma,
            matches.left,
            right.chroma,
            matches.right,
            verdicts.orientation,
            orientation_indices(CHROMA_SIDE),
            verdicts.colour,
            verdicts.colour_distance,
        )
    return verdicts


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

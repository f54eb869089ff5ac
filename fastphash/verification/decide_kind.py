"""Where a pair is decided to be a copy: its kind, by distance, thumbnails, colours and bytes."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import (
    AUGMENTED,
    COLLISION,
    DIFFERENT,
    EXACT,
    IDENTICAL,
    NEAR,
    SAME,
    SAME_PIXELS,
    UNKNOWN_COLOUR,
    UNKNOWN_PIXELS,
    UNVERIFIED,
)
from fastphash.defaults import MIN_SCORE
from fastphash.joins.matches import Matches
from fastphash.store.content import Content
from fastphash.verification.comparison import Comparison, compare_images


class Relation(NamedTuple):
    """How the two images of each pair relate: the columns of results.

    Attributes
    ----------
    kind : uint8 (n,)
        Index into KINDS; those before `collision` are copies.
    distance, orientation : uint8 (n,)
    score : float32 (n,)
    colour : uint8 (n,)
    colour_distance : float32 (n,)
    same_pixels : uint8 (n,)
        OTHER_PIXELS, SAME_PIXELS or UNKNOWN_PIXELS.
    """

    kind: NDArray[np.uint8]
    distance: NDArray[np.uint8]
    orientation: NDArray[np.uint8]
    score: NDArray[np.float32]
    colour: NDArray[np.uint8]
    colour_distance: NDArray[np.float32]
    same_pixels: NDArray[np.uint8]

    @classmethod
    def collisions(cls, size: int) -> "Relation":
        """As many collisions at distance 0, of which nothing else is known, to be replaced."""
        return cls(
            np.full(size, COLLISION, np.uint8),
            np.zeros(size, np.uint8),
            np.zeros(size, np.uint8),
            np.full(size, np.nan, np.float32),
            np.full(size, UNKNOWN_COLOUR, np.uint8),
            np.full(size, np.nan, np.float32),
            np.full(size, UNKNOWN_PIXELS, np.uint8),
        )

    @classmethod
    def joined(cls, relations: "Sequence[Relation]") -> "Relation":
        """The pairs of one or more relations, one after the other."""
        columns: Iterable[tuple[NDArray[Any], ...]] = zip(*relations, strict=True)
        return cls(*(np.concatenate(column) for column in columns))

    def take(self, pairs: NDArray[np.int64]) -> "Relation":
        """A copy of these pairs."""
        columns: Iterable[NDArray[Any]] = self
        return Relation(*(column[pairs] for column in columns))

    def put(self, pairs: NDArray[Any] | slice, values: Iterable[Any]) -> None:
        """Replace these pairs by one value, or array of values, for each column."""
        columns: Iterable[NDArray[Any]] = self
        for column, value in zip(columns, values, strict=True):
            column[pairs] = value


def relate_matches(
    matches: Matches,
    left: Content,
    right: Content,
    min_score: float | None = MIN_SCORE,
    *,
    score_near: bool = True,
) -> Relation:
    """Compare the two images of each match, and decide its kind.

    Parameters are those of `compare_images` and of `decide_kinds`.
    """
    comparison = compare_images(matches, left, right, score_near=score_near)
    same_bytes = left.same_bytes(matches.left, right, matches.right)
    return relate(matches.distance, comparison, same_bytes, min_score)


def relate(
    distance: NDArray[np.uint8],
    comparison: Comparison,
    same_bytes: NDArray[np.bool_],
    min_score: float | None = MIN_SCORE,
) -> Relation:
    """Decide the kind of each pair, and put it beside what the comparison shows.

    Files of the same bytes, or of the same pixels, are upright, of score 1 and in the same colours.
    """
    same = same_bytes | (comparison.same_pixels == SAME_PIXELS)
    return Relation(
        decide_kinds(distance, comparison, same_bytes, min_score),
        distance,
        np.where(same, 0, comparison.orientation).astype(np.uint8),
        np.where(same, 1, comparison.score).astype(np.float32),
        np.where(same, SAME, comparison.colour).astype(np.uint8),
        np.where(same, 0, comparison.colour_distance).astype(np.float32),
        np.where(same, SAME_PIXELS, comparison.same_pixels).astype(np.uint8),
    )


def decide_kinds(
    distance: NDArray[np.uint8],
    comparison: Comparison,
    same_bytes: NDArray[np.bool_],
    min_score: float | None = MIN_SCORE,
) -> NDArray[np.uint8]:
    """Decide the kind of each pair, an index into KINDS: uint8 (n,).

    - identical: the same bytes, at distance 0
    - exact, augmented: the thumbnails agree, upright or in another orientation; exact also are
      the same pixels
    - near: the score is `min_score` or more; at a distance also where nothing was scored
    - unverified: the hashes are equal, and there are no thumbnails to compare
    - collision: everything else, pictures in different colours, and flat pictures, whose
      thumbnails show nothing

    Without `min_score` scores are ignored.
    """
    unseen = np.isnan(comparison.score)
    unscored = unseen if min_score is not None else np.ones(distance.size, bool)
    alike = ~unscored & (comparison.score >= np.float32(min_score or 0))
    recoloured = (comparison.colour == DIFFERENT) & (comparison.agrees | ~unscored)
    # the first that holds decides
    decided = [
        (same_bytes & (distance == 0), IDENTICAL),
        ((comparison.same_pixels == SAME_PIXELS) & (distance == 0), EXACT),
        (recoloured | comparison.flat, COLLISION),
        (comparison.agrees & (comparison.orientation == 0), EXACT),
        (comparison.agrees, AUGMENTED),
        (alike | (unscored & (distance > 0)), NEAR),
        (unseen & (distance == 0), UNVERIFIED),
    ]
    conditions, kinds = zip(*decided, strict=True)
    kind: NDArray[np.uint8] = np.select(conditions, kinds, COLLISION).astype(np.uint8)
    return kind

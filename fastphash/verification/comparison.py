"""What the thumbnails and colours of the two images of each pair show."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.mapped import bring_rows
from fastphash.base.orientations import orientation_indices
from fastphash.base.vocabulary import CHROMA_SIDE, UNKNOWN_COLOUR
from fastphash.joins.matches import Matches, first_orientation
from fastphash.kernels import agreement, colour
from fastphash.store.content import Content
from fastphash.store.pair_scores import PairScores
from fastphash.verification.flatness import flat_rows
from fastphash.verification.layers import LayeredPairs
from fastphash.verification.similarity import similarity

# pairs that are compared at once: together, what is known meanwhile takes 200 MB for a million
_AT_ONCE = 1 << 15


class Comparison(NamedTuple):
    """What thumbnails and colours show of each pair; `verification.decide_kind` decides by it.

    Attributes
    ----------
    agrees : bool (n,)
        Whether the hashes are equal and the thumbnails are the same except for a little noise,
        light and contrast.
    orientation : uint8 (n,)
        One of those that give the distance. At distance 0 the first under which the thumbnails
        agree; where none does, the one with the highest score.
    score : float32 (n,)
        How alike the thumbnails and layers are in that orientation, 0 to 1, and 0 where one is
        flat; `verification.layers.MAX_SCORE` at most where layers don't agree; NaN where they were
        not compared.
    colour : uint8 (n,)
        Index into COLOURS, or UNKNOWN_COLOUR.
    colour_distance : float32 (n,)
        Levels by which the colours differ after fading and tint are taken off; NaN where unknown.
    flat : bool (n,)
        Whether one of the thumbnails is flat: it agrees with any other flat one.
    same_pixels : uint8 (n,)
        OTHER_PIXELS, SAME_PIXELS or UNKNOWN_PIXELS.
    """

    agrees: NDArray[np.bool_]
    orientation: NDArray[np.uint8]
    score: NDArray[np.float32]
    colour: NDArray[np.uint8]
    colour_distance: NDArray[np.float32]
    flat: NDArray[np.bool_]
    same_pixels: NDArray[np.uint8]

    def take(self, pairs: NDArray[np.int64]) -> "Comparison":
        """A copy of these pairs."""
        columns: Iterable[NDArray[Any]] = self
        return Comparison(*(column[pairs] for column in columns))

    @classmethod
    def joined(cls, parts: "Sequence[Comparison]") -> "Comparison":
        """The pairs of one or more comparisons, one after the other."""
        if len(parts) == 1:
            return parts[0]
        columns: Iterable[tuple[NDArray[Any], ...]] = zip(*parts, strict=True)
        return cls(*(np.concatenate(column) for column in columns))


def compare_images(
    matches: Matches, left: Content, right: Content, *, score_near: bool = True
) -> Comparison:
    """Compare thumbnails and colours in the orientations that give the distance of each pair.

    Thumbnails agree only if the layers do that one of the images has: alpha, further frames, depth.

    Parameters
    ----------
    matches : Matches
    left, right : Content
        Of the rows that `matches.left` and `matches.right` count. Without thumbnails nothing
        agrees.
    score_near : bool
        Whether to score pairs at a distance, and pairs that don't agree, as well.
    """
    parts = []
    for start in range(0, max(matches.mask.size, 1), _AT_ONCE):
        some = matches.take(slice(start, start + _AT_ONCE))
        parts.append(_compare(some, left, right, score_near=score_near))
    return Comparison.joined(parts)


def _compare(matches: Matches, left: Content, right: Content, *, score_near: bool) -> Comparison:
    size = matches.mask.size
    comparison = Comparison(
        np.zeros(size, np.bool_),
        first_orientation(matches.mask),
        np.full(size, np.nan, np.float32),
        np.full(size, UNKNOWN_COLOUR, np.uint8),
        np.full(size, np.nan, np.float32),
        np.zeros(size, np.bool_),
        left.same_pixels(matches.left, right, matches.right),
    )
    if left.thumbnails is None or right.thumbnails is None:
        return comparison
    comparison.flat[:] = flat_rows(left, matches.left)[matches.left]
    comparison.flat[:] |= flat_rows(right, matches.right)[matches.right]
    # the same pairs, by their thumbnails
    shown = matches._replace(left=left.places(matches.left), right=right.places(matches.right))
    _judge_equal_hashes(comparison, shown, left.thumbnails, right.thumbnails)
    layered = _find_layered(matches, left, right)
    if layered is not None:
        _judge_layers(comparison, layered, shown, left.thumbnails, right.thumbnails)
    if score_near:
        scores = left.scores if left.scores is right.scores else None
        _score_disagreeing(comparison, shown, left.thumbnails, right.thumbnails, scores)
    if layered is not None:
        _lower_scores(comparison, layered)
    comparison.score[comparison.flat & ~np.isnan(comparison.score)] = 0
    if left.chroma is not None and right.chroma is not None:
        colour.compare_colours(
            left.chroma,
            shown.left,
            right.chroma,
            shown.right,
            comparison.orientation,
            orientation_indices(CHROMA_SIDE),
            comparison.colour,
            comparison.colour_distance,
        )
    return comparison


def _judge_equal_hashes(
    comparison: Comparison,
    matches: Matches,
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
) -> None:
    """Fill in whether the thumbnails of pairs at distance 0 agree."""
    equal = np.flatnonzero(matches.distance == 0)
    if not equal.size:
        return
    agrees, orientation, score = _agreement(matches.take(equal), left, right)
    comparison.agrees[equal] = agrees
    comparison.orientation[equal] = orientation
    comparison.score[equal] = score


def _agreement(
    pairs: Matches, left: NDArray[np.uint8], right: NDArray[np.uint8]
) -> tuple[NDArray[np.bool_], NDArray[np.uint8], NDArray[np.float32]]:
    """Whether thumbnails agree, in which orientation, and their score, as in `Comparison`."""
    left, right, pairs = _bring_pairs(pairs, left, right)
    size = pairs.mask.size
    agrees, orientation = np.empty(size, np.bool_), np.empty(size, np.uint8)
    score = np.empty(size, np.float32)
    agreement.compare_pairs(
        left,
        pairs.left,
        right,
        pairs.right,
        pairs.mask,
        orientation_indices(),
        agrees,
        orientation,
        score,
    )
    return agrees, orientation, score


def _bring_pairs(
    pairs: Matches, left: NDArray[np.uint8], right: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Matches]:
    """Thumbnails of both sides in memory, and the pairs by their numbers there."""
    if left is right:
        left, rows = bring_rows(left, np.stack([pairs.left, pairs.right]))
        return left, left, pairs._replace(left=rows[0], right=rows[1])
    left, left_rows = bring_rows(left, pairs.left)
    right, right_rows = bring_rows(right, pairs.right)
    return left, right, pairs._replace(left=left_rows, right=right_rows)


def _find_layered(matches: Matches, left: Content, right: Content) -> LayeredPairs | None:
    """The pairs that differ from others by their layers, if there are any."""
    if left.evidence is None or right.evidence is None:
        return None
    layered = LayeredPairs.find(left.evidence, matches.left, right.evidence, matches.right)
    return layered if layered.pair.size else None


def _judge_layers(
    comparison: Comparison,
    layered: LayeredPairs,
    matches: Matches,
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
) -> None:
    """Have only pairs agree whose layers do, in any orientation in which their thumbnails agree."""
    mask = matches.mask.copy()
    layered = layered.take(np.flatnonzero(comparison.agrees[layered.pair]))
    orientation = comparison.orientation[layered.pair]
    while layered.pair.size:
        agrees = layered.agree(orientation)
        comparison.agrees[layered.pair] = agrees
        # the orientation of those that never agree is the first that was tried
        comparison.orientation[layered.pair[agrees]] = orientation[agrees]
        mask[layered.pair] &= ~(np.uint8(1) << orientation)
        untried = np.flatnonzero(~agrees & (mask[layered.pair] > 0))
        layered = layered.take(untried)
        pairs = matches.take(layered.pair)._replace(mask=mask[layered.pair])
        alike, orientation, _ = _agreement(pairs, left, right)
        layered, orientation = layered.take(np.flatnonzero(alike)), orientation[alike]


def _lower_scores(comparison: Comparison, layered: LayeredPairs) -> None:
    """Give pairs whose layers don't agree the score of what is least alike, and no high one."""
    layered = layered.take(np.flatnonzero(~comparison.agrees[layered.pair]))
    scores = layered.scores(comparison.orientation[layered.pair])
    comparison.score[layered.pair] = np.minimum(comparison.score[layered.pair], scores)


def _score_disagreeing(
    comparison: Comparison,
    matches: Matches,
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    scores: PairScores | None,
) -> None:
    """Fill in how alike the thumbnails are of pairs that don't agree, as far as scores are new."""
    disagreeing = np.flatnonzero(~comparison.agrees)
    if not disagreeing.size:
        return
    pairs = matches.take(disagreeing)
    if scores is not None:
        known, orientation, score = scores.find(pairs.left, pairs.right, pairs.mask)
        comparison.orientation[disagreeing[known]] = orientation[known]
        comparison.score[disagreeing[known]] = score[known]
        disagreeing, pairs = disagreeing[~known], pairs.take(np.flatnonzero(~known))
    if not disagreeing.size:
        return
    left, right, brought = _bring_pairs(pairs, left, right)
    scored = similarity(left, brought.left, right, brought.right, brought.mask)
    comparison.orientation[disagreeing] = scored.orientation
    comparison.score[disagreeing] = scored.score
    if scores is not None:
        scores.add((pairs.left, pairs.right, pairs.mask), *scored)

"""Pairs of which one image shows a window of the other: crops, bordered and shifted copies.

Joins of views propose them. What the two have in common is cut out of both thumbnails, enlarged,
and compared as whole thumbnails are.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.orientations import orientation_indices
from fastphash.base.vocabulary import (
    CHROMA_SIDE,
    COPY_KINDS,
    CROPPED,
    DIFFERENT,
    UNKNOWN_CHROMA,
    UNKNOWN_COLOUR,
    ViewSet,
)
from fastphash.hashing.views import cut_windows, make_views
from fastphash.hashing.windows import MIDDLE
from fastphash.joins.distances import row_distances
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.joins.views import (
    NO_VIEW_MATCHES,
    ViewedRows,
    ViewMatches,
    choose_view_radius,
    find_view_matches,
)
from fastphash.kernels import colour
from fastphash.store.rows import Content
from fastphash.verify.criteria import CopyCriteria
from fastphash.verify.decide_kind import Relation, relate_matches
from fastphash.verify.findings import NO_FINDINGS, Findings
from fastphash.verify.flatness import flat_thumbnails
from fastphash.verify.similarity import similarity

#: Least score of a cropped copy: more than of two whole images, since many windows were tried, and
#: a single straight edge of one may lie on an edge of another. Measured by
#: benchmarks/accuracy/edited_copies.py.
MIN_CROPPED_SCORE = 0.55
# candidates whose windows are in memory at once
_AT_ONCE = 1 << 16
# cells of chroma by which the edge of a window may miss that of a cell
_ROUNDING = 1e-3
# the largest share of a window that is left out on each side when colours are compared
_MOST_MARGIN = 0.3
_NO_WINDOW = np.full(4, np.nan, np.float32)


class WindowScores(NamedTuple):
    """How alike the windows of each candidate are.

    Attributes
    ----------
    orientation : uint8 (n,)
        What turns left into the frame of right.
    score : float32 (n,)
        0 to 1; 0 where a window is flat.
    colour : uint8 (n,)
    colour_distance : float32 (n,)
        As in `fastphash.verify.comparison.Comparison`, of what the windows show.
    """

    orientation: NDArray[np.uint8]
    score: NDArray[np.float32]
    colour: NDArray[np.uint8]
    colour_distance: NDArray[np.float32]


def score_windows(matches: ViewMatches, left: Content, right: Content) -> WindowScores:
    """Compare what the two images of each candidate have in common.

    Parameters
    ----------
    matches : ViewMatches
    left, right : Content
        With thumbnails.
    """
    size = matches.left.size
    scores = WindowScores(
        np.zeros(size, np.uint8),
        np.zeros(size, np.float32),
        np.full(size, UNKNOWN_COLOUR, np.uint8),
        np.full(size, np.nan, np.float32),
    )
    for start in range(0, size, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        _score_part(matches.take(np.arange(size)[part]), left, right, scores, part)
    return scores


def _score_part(
    matches: ViewMatches, left: Content, right: Content, scores: WindowScores, part: slice
) -> None:
    assert left.thumbnails is not None
    assert right.thumbnails is not None
    left_windows, right_windows = _windows_of_sides(matches)
    ours = cut_windows(left.thumbnails, matches.left, left_windows)
    theirs = cut_windows(right.thumbnails, matches.right, right_windows)
    rows = np.arange(matches.left.size)
    found = similarity(ours, rows, theirs, rows, matches.mask)
    scores.orientation[part] = found.orientation
    scores.score[part] = found.score
    scores.score[part][flat_thumbnails(ours) | flat_thumbnails(theirs)] = 0
    if left.chroma is not None and right.chroma is not None:
        inner = _inner_windows(left_windows, right_windows)
        colour.compare_colours(
            cut_chroma(left.chroma[matches.left], inner[0]),
            rows,
            cut_chroma(right.chroma[matches.right], inner[1]),
            rows,
            found.orientation,
            orientation_indices(CHROMA_SIDE),
            scores.colour[part],
            scores.colour_distance[part],
        )


def _windows_of_sides(matches: ViewMatches) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The windows of the left images, and of the right ones."""
    of_right = (matches.viewed == 1)[:, None]
    return (
        np.where(of_right, matches.other_window, matches.window),
        np.where(of_right, matches.window, matches.other_window),
    )


def _inner_windows(*windows: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Windows (n, 4) of two sides, less a margin of equal shares that clears cells half outside.

    A cell at the edge of a window may hold the colour of a bar beside it.
    """
    margin = np.zeros(len(windows[0]), np.float32)
    for side in windows:
        lengths = side[:, 2:] - side[:, :2]
        inside = np.ceil(side[:, :2] * CHROMA_SIDE - _ROUNDING) / CHROMA_SIDE - side[:, :2]
        beyond = side[:, 2:] - np.floor(side[:, 2:] * CHROMA_SIDE + _ROUNDING) / CHROMA_SIDE
        shares = np.maximum(inside, beyond) / lengths
        margin = np.maximum(margin, shares.max(axis=1, initial=0))
    margin = np.clip(margin, 0, _MOST_MARGIN)[:, None]
    return tuple(
        side + np.tile(side[:, 2:] - side[:, :2], 2) * margin * np.array([1, 1, -1, -1], np.float32)
        for side in windows
    )


def cut_chroma(chroma: NDArray[np.int8], windows: NDArray[np.float32]) -> NDArray[np.int8]:
    """The chroma of windows, from that of whole images: each cell is a mean by area.

    Parameters
    ----------
    chroma : int8 (n, 128)
        Two planes of 8 x 8 cells; unknown chroma remains unknown.
    windows : float32 (n, 4)

    Returns
    -------
    int8 (n, 128)
    """
    planes = chroma.reshape(-1, 2, CHROMA_SIDE, CHROMA_SIDE).astype(np.float32)
    down = _shares_of_cells(windows[:, 1], windows[:, 3])[:, None]
    across = _shares_of_cells(windows[:, 0], windows[:, 2])[:, None]
    cut = np.rint(down @ planes @ across.swapaxes(-1, -2)).astype(np.int8).reshape(chroma.shape)
    cut[chroma[:, 0] == UNKNOWN_CHROMA, 0] = UNKNOWN_CHROMA
    return cut


def _shares_of_cells(low: NDArray[np.float32], high: NDArray[np.float32]) -> NDArray[np.float32]:
    """The share of each cell of a whole line in each cell of a stretch of it: (n, 8, 8)."""
    cells = np.arange(CHROMA_SIDE + 1, dtype=np.float32) / CHROMA_SIDE
    ends = low[:, None] + (high - low)[:, None] * cells
    begin = np.maximum(ends[:, :-1, None], cells[:-1])
    end = np.minimum(ends[:, 1:, None], cells[1:])
    overlap = np.maximum(end - begin, 0)
    shares: NDArray[np.float32] = overlap / overlap.sum(axis=2, keepdims=True)
    return shares


def find_cropped(
    frames: Index,
    content: Content,
    criteria: CopyCriteria,
    views: ViewSet = "all",
    splits: NDArray[np.int64] | None = None,
) -> Findings:
    """The pairs of rows of which one shows a window of the other, and that are no nearer copies.

    Parameters
    ----------
    frames : Index
        Hashes of n rows.
    content : Content
        Of these rows. Without thumbnails nothing is found.
    criteria : CopyCriteria
        Pairs that are copies by them, as whole images, are left out.
    views : {"none", "centre", "all"}
    splits : int64 (n,), optional
        See `ViewedRows`.
    """
    if content.thumbnails is None or views == "none" or len(frames) < 2:
        return NO_FINDINGS
    rows = ViewedRows(frames, make_views(content.thumbnails, views), splits)
    radius = choose_view_radius(rows)
    matches = find_view_matches(rows, None, radius, options=criteria.options)
    return judge_windows(matches, frames, content, criteria)


def judge_windows(
    matches: ViewMatches, frames: Index, content: Content, criteria: CopyCriteria
) -> Findings:
    """Those of the candidates within one table that are cropped copies, each pair once."""
    matches = _no_copies(matches, frames, content, criteria)
    scores = score_windows(matches, content, content)
    least = max(MIN_CROPPED_SCORE, criteria.min_score or 0)
    alike = (scores.score >= least) & (scores.colour != DIFFERENT)
    chosen = np.flatnonzero(alike)
    order = np.lexsort((-scores.score[chosen], matches.right[chosen], matches.left[chosen]))
    chosen = chosen[order]
    pairs = np.stack([matches.left[chosen], matches.right[chosen]], axis=1)
    first = np.ones(chosen.size, np.bool_)
    first[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    chosen, pairs = chosen[first], pairs[first]
    relation = Relation.collisions(chosen.size)
    relation.kind[:] = CROPPED
    left, right = matches.left[chosen], matches.right[chosen]
    relation.distance[:] = row_distances(frames, left, frames, right)[0]
    relation.orientation[:] = scores.orientation[chosen]
    relation.score[:] = scores.score[chosen]
    relation.colour[:] = scores.colour[chosen]
    relation.colour_distance[:] = scores.colour_distance[chosen]
    relation.same_pixels[:] = content.same_pixels(left, content, right)
    return Findings(
        pairs,
        relation,
        shown_windows(matches.take(chosen)),
        matches.viewed[chosen],
        np.tile(_NO_WINDOW, (chosen.size, 1)),
        np.zeros(chosen.size, np.bool_),
    )


def shown_windows(matches: ViewMatches) -> NDArray[np.float32]:
    """What the other image shows of the viewed one, as far as it reaches: float32 (n, 4).

    Where middles were compared, as much as the rest of the other image adds on each side.
    """
    windows = matches.window.copy()
    middle = (matches.other_window == np.array(MIDDLE, np.float32)).all(axis=1)
    sides = np.tile(windows[middle, 2:] - windows[middle, :2], 2)
    added = sides * np.array([-1, -1, 1, 1], np.float32)
    windows[middle] += added * np.float32(MIDDLE.left / (1 - 2 * MIDDLE.left))
    return np.clip(windows, 0, 1)


def _no_copies(
    matches: ViewMatches, frames: Index, content: Content, criteria: CopyCriteria
) -> ViewMatches:
    """The candidates of pairs that are no copies as whole images."""
    if not matches.left.size:
        return NO_VIEW_MATCHES
    distance, mask = row_distances(frames, matches.left, frames, matches.right)
    near = np.flatnonzero(distance <= criteria.radius)
    pairs = Matches(matches.left[near], matches.right[near], distance[near], mask[near])
    kind = relate_matches(
        pairs, content, content, criteria.min_score, score_near=criteria.score_near
    ).kind
    kept = np.ones(distance.size, np.bool_)
    kept[near] = kind >= len(COPY_KINDS)
    return matches.take(kept)

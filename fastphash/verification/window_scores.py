"""How alike two images are in what they have in common, by windows of their thumbnails."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.mapped import bring_rows
from fastphash.base.orientations import orientation_indices
from fastphash.base.vocabulary import CHROMA_SIDE, UNKNOWN_CHROMA, UNKNOWN_COLOUR
from fastphash.hashing.turned import cut_turned
from fastphash.hashing.views import cut_windows
from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.views import ViewMatches
from fastphash.kernels import colour
from fastphash.store.content import Content
from fastphash.verification.flatness import flat_thumbnails
from fastphash.verification.similarity import similarity

# candidates whose windows are in memory at once
_AT_ONCE = 1 << 14
# cells of chroma by which the edge of a window may miss that of a cell
_ROUNDING = 1e-3
# the largest share of a window that is left out on each side when colours are compared
_MOST_MARGIN = 0.3


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
        As in `fastphash.verification.comparison.Comparison`, of what the windows show.
    """

    orientation: NDArray[np.uint8]
    score: NDArray[np.float32]
    colour: NDArray[np.uint8]
    colour_distance: NDArray[np.float32]

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> "WindowScores":
        """The chosen ones."""
        columns: Iterable[NDArray[Any]] = self
        return WindowScores(*(column[chosen] for column in columns))

    @classmethod
    def joined(cls, parts: "list[WindowScores]") -> "WindowScores":
        """The scores of all parts, one after the other."""
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def score_windows(
    matches: ViewMatches, left: Content, right: Content, least: float = 0.0
) -> WindowScores:
    """Compare what the two images of each candidate have in common.

    Parameters
    ----------
    matches : ViewMatches
    left, right : Content
        With thumbnails.
    least : float
        Colours are compared where the score is as high.
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
        _score_part(matches.take(np.arange(size)[part]), left, right, part, scores, least)
    return scores


def _score_part(
    matches: ViewMatches,
    left: Content,
    right: Content,
    part: slice,
    scores: WindowScores,
    least: float,
) -> None:
    left_windows, right_windows = _windows_of_sides(matches)
    left_turns, right_turns = (matches.degrees * (matches.viewed == side) for side in (0, 1))
    if left is right:
        both = np.concatenate([left_windows, right_windows])
        turns = np.concatenate([left_turns, right_turns])
        ours, rows = _cut_distinct(left, np.concatenate([matches.left, matches.right]), both, turns)
        theirs, (left_rows, right_rows) = ours, np.split(rows, 2)
    else:
        ours, left_rows = _cut_distinct(left, matches.left, left_windows, left_turns)
        theirs, right_rows = _cut_distinct(right, matches.right, right_windows, right_turns)
    found = similarity(ours, left_rows, theirs, right_rows, matches.mask)
    scores.orientation[part] = found.orientation
    flat = flat_thumbnails(ours)[left_rows] | flat_thumbnails(theirs)[right_rows]
    scores.score[part] = np.where(flat, 0, found.score)
    if left.chroma is not None and right.chroma is not None:
        alike = np.flatnonzero(scores.score[part] >= least)
        inner = _inner_windows(left_windows[alike], right_windows[alike])
        colours = np.empty(alike.size, np.uint8), np.empty(alike.size, np.float32)
        colour.compare_colours(
            cut_chroma(left.chroma[left.places(matches.left[alike])], inner[0]),
            np.arange(alike.size),
            cut_chroma(right.chroma[right.places(matches.right[alike])], inner[1]),
            np.arange(alike.size),
            found.orientation[alike],
            orientation_indices(CHROMA_SIDE),
            *colours,
        )
        scores.colour[part][alike], scores.colour_distance[part][alike] = colours


def _cut_distinct(
    content: Content,
    rows: NDArray[np.int64],
    windows: NDArray[np.float32],
    degrees: NDArray[np.int8],
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Thumbnails of the distinct windows (n, 4) of these rows (n,), and which each has.

    Those that are turned by any degrees (n,) are middles.
    """
    assert content.thumbnails is not None
    distinct = find_distinct_rows(rows[:, None], windows, degrees.astype(np.int64)[:, None])
    first = distinct.first
    thumbnails, places = bring_rows(content.thumbnails, content.places(rows[first]))
    cut = cut_windows(thumbnails, places, windows[first])
    turned = np.flatnonzero(degrees[first])
    if turned.size:
        cut[turned] = cut_turned(thumbnails, places[turned], degrees[first[turned]])
    return cut, distinct.of_row


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

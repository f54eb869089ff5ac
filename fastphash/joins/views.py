"""Pairs of images of which one shows a window of the other, by hashes of windows.

Each search compares hashes of windows of all images, upright, with hashes of others in all
orientations: of their frames, of their middles, or of what is left of them without bars.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.mapped import let_go
from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.hashing.views import ViewHashes
from fastphash.hashing.window_hashes import ComparedWindows, OwnWindows
from fastphash.hashing.windows import FRAME, MIDDLE, Window
from fastphash.joins.batches import find_matches
from fastphash.joins.chance import chance_neighbours, widest_radius
from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.index import Index
from fastphash.joins.matches import INVERSE_MASKS, Matches
from fastphash.joins.options import JoinOptions

#: The largest radius of views: beyond it more pairs are near by chance than are copies.
MAX_VIEW_RADIUS = 12
#: Neighbours by chance that all views of an image together may have.
VIEWS_PER_IMAGE = 20.0
#: Candidates that are kept for a pair of images.
KEPT = 3
# bytes of a candidate while candidates are sorted
_CANDIDATE_BYTES = 200
_MIN_CANDIDATES = 1 << 20


class ViewedRows(NamedTuple):
    """Images to be searched by views.

    Attributes
    ----------
    frames : Index
        Hashes of their frames.
    views : ViewHashes
    splits : int64 (n,), optional
        Images of one split that are equal in all hashes are searched once.
    own : bool
        Whether windows that images have for themselves are compared with frames, and with one
        another: another search may have done so.
    """

    frames: Index
    views: ViewHashes
    splits: NDArray[np.int64] | None = None
    own: bool = True

    def take(self, rows: NDArray[np.int64]) -> "ViewedRows":
        """These rows, ascending."""
        views = self.views
        trimmed = np.isin(views.trimmed_rows, rows)
        taken = views._replace(
            like_frames=views.like_frames[rows],
            like_middles=views.like_middles[rows],
            middles=views.middles[rows] if len(views.middles) else views.middles,
            trimmed_rows=np.searchsorted(rows, views.trimmed_rows[trimmed]),
            trimmed_windows=views.trimmed_windows[trimmed],
            trimmed=views.trimmed[trimmed],
            turned=views.turned[rows],
            inside=views.inside.among(rows),
        )
        let_go(views.like_frames)
        splits = None if self.splits is None else self.splits[rows]
        return ViewedRows(self.frames.take(rows), taken, splits, self.own)


class ViewMatches(NamedTuple):
    """Candidates: pairs of rows with the windows whose hashes are near, by (left, right).

    Attributes
    ----------
    left, right : int64 (n,)
        Within one table, left < right. A pair may come several times, the nearest first.
    viewed : uint8 (n,)
        Which of the two the view is of: 0 for left, 1 for right.
    window : float32 (n, 4)
        The window of this one, as `fastphash.hashing.windows.Window`.
    other_window : float32 (n, 4)
        The window of the other one: its frame, its middle, or what is left of it without bars.
    degrees : int8 (n,)
        By how many the first window is turned about its middle, clockwise.
    distance : uint8 (n,)
    mask : uint8 (n,)
        Bit t is set if orientation t, which turns left into the frame of right, gives it.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    viewed: NDArray[np.uint8]
    window: NDArray[np.float32]
    other_window: NDArray[np.float32]
    degrees: NDArray[np.int8]
    distance: NDArray[np.uint8]
    mask: NDArray[np.uint8]

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> "ViewMatches":
        """The chosen candidates."""
        columns: Iterable[NDArray[Any]] = self
        return ViewMatches(*(column[chosen] for column in columns))

    def reversed(self) -> "ViewMatches":
        """The same with left and right exchanged."""
        return self._replace(
            left=self.right,
            right=self.left,
            viewed=1 - self.viewed,
            mask=INVERSE_MASKS[self.mask],
        )

    @classmethod
    def joined(cls, parts: "list[ViewMatches]") -> "ViewMatches":
        """The candidates of all parts, one after the other."""
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))


_NO_ROWS, _NO_BYTES, _NO_WINDOWS = (
    np.empty(0, np.int64),
    np.empty(0, np.uint8),
    np.empty((0, 4), np.float32),
)
NO_VIEW_MATCHES = ViewMatches(
    *(_NO_ROWS, _NO_ROWS, _NO_BYTES, _NO_WINDOWS, _NO_WINDOWS),
    *(np.empty(0, np.int8), _NO_BYTES, _NO_BYTES),
)


def choose_view_radius(rows: ViewedRows, per_image: float = VIEWS_PER_IMAGE) -> int:
    """The largest radius at which all views of an image have few neighbours by chance.

    A view has about as many neighbours by chance as a frame has. Each image has its own views, and
    is met by the views of all others.
    """
    size = len(rows.frames)
    if size <= per_image:
        return MAX_VIEW_RADIUS
    # what is turned is compared with frames and with middles
    views = len(rows.views.windows) + 2 * rows.views.turned.shape[1]
    own = (len(rows.views.trimmed_rows) + len(rows.views.inside.rows)) / size
    neighbours = chance_neighbours(rows.frames) * 2 * (views + own)
    return min(widest_radius(neighbours, size, per_image), MAX_VIEW_RADIUS)


def find_view_batches(
    left: ViewedRows,
    right: ViewedRows | None,
    radius: int,
    *,
    kept: int = KEPT,
    options: JoinOptions | None = None,
) -> Iterator[ViewMatches]:
    """Every pair of images with views within a radius, in batches that fit into memory.

    Images that are equal in all hashes, and of one split, are searched once. Of two such sets every
    image is paired with one of the other set, and not with all.

    Parameters
    ----------
    left, right : ViewedRows
        Without `right`, pairs of two images of `left`.
    radius : int
    kept : int
        The most candidates of a pair of images in a batch; a pair may come in several.
    options : JoinOptions, optional
    """
    left_sets = _EqualRows(left)
    right_sets = left_sets if right is None else _EqualRows(right)
    batches = _search(
        left.take(left_sets.first),
        None if right is None else right.take(right_sets.first),
        radius,
        options or JoinOptions(),
    )
    for batch in batches:
        expanded = _expand(_nearest(batch, kept), left_sets, right_sets)
        if right is None:
            expanded = ascending_pairs(expanded)
        order = np.lexsort((expanded.distance, expanded.right, expanded.left))
        yield expanded.take(order)


def find_view_matches(
    left: ViewedRows,
    right: ViewedRows | None,
    radius: int,
    *,
    kept: int = KEPT,
    options: JoinOptions | None = None,
) -> ViewMatches:
    """All pairs of `find_view_batches`, each with its nearest candidates."""
    options = options or JoinOptions()
    limit = max(options.memory // _CANDIDATE_BYTES, _MIN_CANDIDATES)
    held = [NO_VIEW_MATCHES]
    size = 0
    for batch in find_view_batches(left, right, radius, kept=kept, options=options):
        held.append(batch)
        size += batch.left.size
        if size > limit:
            held = [_nearest(ViewMatches.joined(held), kept)]
            size = 0
    return _nearest(ViewMatches.joined(held), kept)


class _EqualRows:
    """Sets of rows that are equal in all hashes and of one split, in the order of their first."""

    def __init__(self, rows: ViewedRows) -> None:
        views = rows.views
        trimmed = np.zeros((len(rows.frames), len(ORIENTATIONS)), np.uint64)
        trimmed[views.trimmed_rows] = views.trimmed
        matrices: list[NDArray[Any]] = [
            rows.frames.hashes,
            trimmed,
            views.like_frames,
            views.like_middles,
        ]
        if rows.splits is not None:
            matrices.append(rows.splits.astype(np.int64)[:, None])
        distinct = find_distinct_rows(
            *(np.ascontiguousarray(matrix) for matrix in matrices if matrix.shape[1])
        )
        self.first = distinct.first
        self.rows = np.argsort(distinct.of_row, kind="stable")
        self.counts = np.bincount(distinct.of_row, minlength=self.first.size)
        self.starts = np.concatenate(([0], np.cumsum(self.counts)))


def _expand(matches: ViewMatches, left: _EqualRows, right: _EqualRows) -> ViewMatches:
    """Pair each row of a set with the first of the other set."""
    if left.first.size == left.rows.size and right.first.size == right.rows.size:
        return matches
    size = left.counts[matches.left] + right.counts[matches.right] - 1
    origin = np.repeat(np.arange(size.size), size)
    place = np.arange(origin.size) - np.repeat(np.cumsum(size) - size, size)
    matches = matches.take(origin)
    in_right = np.minimum(place, right.counts[matches.right] - 1)
    return matches._replace(
        left=left.rows[left.starts[matches.left] + place - in_right],
        right=right.rows[right.starts[matches.right] + in_right],
    )


def _search(
    left: ViewedRows, right: ViewedRows | None, radius: int, options: JoinOptions
) -> Iterator[ViewMatches]:
    """All candidates, those of one table with left < right."""
    if right is None:
        yield from map(ascending_pairs, _search_one_way(left, left, radius, options))
    else:
        yield from _search_one_way(left, right, radius, options)
        for found in _search_one_way(right, left, radius, options):
            yield found.reversed()
    if left.own:
        others = None if right is None else Index(right.views.trimmed)
        pairs = find_matches(Index(left.views.trimmed), others, radius, options=options)
        between = (_of_trimmed(found, left.views, (right or left).views) for found in pairs)
        # an image may have two windows without bars
        yield from map(ascending_pairs, between) if right is None else between


def _search_one_way(
    viewed: ViewedRows, others: ViewedRows, radius: int, options: JoinOptions
) -> Iterator[ViewMatches]:
    """Candidates of a view of a left image; the views of both are compared with one another."""
    views = viewed.views
    # first the windows that are no guesses
    upright = np.ascontiguousarray(views.trimmed[:, 0])
    trimmed = OwnWindows(views.trimmed_rows, views.trimmed_windows, upright)
    for own in (trimmed, views.inside) if viewed.own else ():
        for found in find_matches(Index(own.hashes), others.frames, radius, options=options):
            window = own.windows[found.left].astype(np.float32)
            yield _candidates(found._replace(left=own.rows[found.left]), window, FRAME)
    frames = views.with_frames
    yield from _search_windows(frames, others.frames, FRAME, radius, options)
    middles = Index(others.views.middles)
    yield from _search_windows(views.with_middles, middles, MIDDLE, radius, options)
    # a letterbox may cover what it doesn't leave
    unbarred = Index(others.views.trimmed)
    for covered in _search_windows(frames, unbarred, FRAME, radius, options):
        window = others.views.trimmed_windows[covered.right].astype(np.float32)
        yield covered._replace(right=others.views.trimmed_rows[covered.right], other_window=window)


def _search_windows(
    windows: ComparedWindows, index: Index, other_window: Window, radius: int, options: JoinOptions
) -> Iterator[ViewMatches]:
    """Candidates of windows of images and of the hashes of others."""
    width = windows.hashes.shape[1]
    if not width or not len(index):
        return
    for found in find_matches(Index(windows.hashes.reshape(-1)), index, radius, options=options):
        rows, view = np.divmod(found.left, width)
        candidates = _candidates(found._replace(left=rows), windows.edges[view], other_window)
        yield candidates._replace(degrees=windows.degrees[view])


def _of_trimmed(found: Matches, left: ViewHashes, right: ViewHashes) -> ViewMatches:
    matches = _candidates(
        found._replace(left=left.trimmed_rows[found.left], right=right.trimmed_rows[found.right]),
        left.trimmed_windows[found.left].astype(np.float32),
        FRAME,
    )
    return matches._replace(other_window=right.trimmed_windows[found.right].astype(np.float32))


def _candidates(
    found: Matches, window: NDArray[np.float32], other_window: tuple[float, ...]
) -> ViewMatches:
    return ViewMatches(
        found.left,
        found.right,
        np.zeros(found.left.size, np.uint8),
        window,
        np.tile(np.array(other_window, np.float32), (found.left.size, 1)),
        np.zeros(found.left.size, np.int8),
        found.distance,
        found.mask,
    )


def ascending_pairs(matches: ViewMatches) -> ViewMatches:
    """The candidates of two different rows, with left < right."""
    matches = matches.take(matches.left != matches.right)
    swapped = matches.left > matches.right
    columns: Iterable[tuple[NDArray[Any], NDArray[Any]]]
    columns = zip(matches, matches.reversed(), strict=True)
    return ViewMatches(
        *(
            np.where(swapped if own.ndim == 1 else swapped[:, None], turned, own)
            for own, turned in columns
        )
    )


def _nearest(matches: ViewMatches, kept: int) -> ViewMatches:
    """At most so many candidates of each pair of rows, the nearest, ordered by pair."""
    order = np.lexsort((matches.distance, matches.right, matches.left))
    left, right = matches.left[order], matches.right[order]
    begins = np.ones(order.size, np.bool_)
    begins[1:] = (left[1:] != left[:-1]) | (right[1:] != right[:-1])
    starts = np.flatnonzero(begins)
    place = np.arange(order.size) - np.repeat(starts, np.diff(np.append(starts, order.size)))
    return matches.take(order[place < kept])

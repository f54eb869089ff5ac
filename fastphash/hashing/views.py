"""Views: hashes of windows of images, made from their thumbnails alone."""

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.machine import core_count
from fastphash.base.mapped import let_go, map_rows_beside
from fastphash.base.orientations import STEPS
from fastphash.base.threads import run_all
from fastphash.base.vocabulary import ORIENTATIONS, THUMBNAIL_SIDE, ViewSet
from fastphash.hashing.stretches import distinct_stretches, numbered_stretches, resampling
from fastphash.hashing.turned import hash_turned
from fastphash.hashing.window_hashes import ComparedWindows, OwnWindows
from fastphash.hashing.windows import (
    FRAME,
    MIDDLE,
    TURNS,
    Window,
    pictures_inside,
    trimmed_windows,
    turns_of_middle,
    windows_like_frames,
    windows_like_middles,
)

# thumbnails in one job of a thread
_PER_JOB = 1 << 10
_WORD_BYTES = 8
# images whose views are made at once
_MADE_AT_ONCE = 1 << 15
#: Orientations as `fastphash.kernels.views.hash_views` takes them.
_TURNS = np.array([4 * t + 2 * rows + columns for t, rows, columns in STEPS], np.int64)


class ViewHashes(NamedTuple):
    """The views of n images.

    Those that are as many for each image may be parts of one matrix, which may lie in a file.

    Attributes
    ----------
    windows : tuple of Window
        Those compared with frames of other images, then those compared with middles.
    like_frames : uint64 (n, v)
        Hashes of the former.
    like_middles : uint64 (n, w)
        Hashes of the latter.
    middles : uint64 (n, 8)
        Hashes of `MIDDLE` in all orientations; (0, 8) where nothing is compared with them.
    trimmed_rows : int64 (k,)
        The images that have bars, ascending; some twice.
    trimmed_windows : float64 (k, 4)
        What remains of these without bars: see `trimmed_windows`.
    trimmed : uint64 (k, 8)
        Its hashes in all orientations.
    turned : uint64 (n, t)
        Hashes of `MIDDLE` turned by the degrees of `TURNS`, compared with frames and middles.
    inside : OwnWindows
        Pictures inside of them: see `pictures_inside`. They are compared with frames alone, since
        rectangles of little detail are alike.
    """

    windows: tuple[Window, ...]
    like_frames: NDArray[np.uint64]
    like_middles: NDArray[np.uint64]
    middles: NDArray[np.uint64]
    trimmed_rows: NDArray[np.int64]
    trimmed_windows: NDArray[np.float64]
    trimmed: NDArray[np.uint64]
    turned: NDArray[np.uint64]
    inside: OwnWindows

    @property
    def with_frames(self) -> ComparedWindows:
        """What is compared with the frames of other images."""
        return self._and_turned(self.like_frames, self.windows[: self.like_frames.shape[1]])

    @property
    def with_middles(self) -> ComparedWindows:
        """What is compared with their middles."""
        return self._and_turned(self.like_middles, self.windows[self.like_frames.shape[1] :])

    def _and_turned(self, hashes: NDArray[np.uint64], windows: Sequence[Window]) -> ComparedWindows:
        turns = self.turned.shape[1]
        edges = np.array([*windows, *[MIDDLE] * turns], np.float32).reshape(-1, 4)
        degrees = np.array([*[0] * len(windows), *TURNS[:turns]], np.int8)
        return ComparedWindows(np.concatenate([hashes, self.turned], axis=1), edges, degrees)

    @property
    def centres(self) -> "ViewHashes":
        """Only those that `make_views` makes for "centre"."""
        count = len(windows_like_frames("centre"))
        return self._replace(
            windows=self.windows[:count],
            like_frames=self.like_frames[:, :count],
            like_middles=self.like_middles[:, :0],
            middles=self.middles[:0],
            turned=self.turned[:, :0],
        )

    @property
    def beyond_centres(self) -> "ViewHashes":
        """All but those windows that `centres` has, too; what bars leave stays."""
        count = len(windows_like_frames("centre"))
        return self._replace(windows=self.windows[count:], like_frames=self.like_frames[:, count:])


def make_views(thumbnails: NDArray[np.uint8], views: ViewSet = "all") -> ViewHashes:
    """Hash the windows of images.

    Parameters
    ----------
    thumbnails : uint8 (n, 1024)
    views : {"none", "centre", "all"}
        Which windows; bars are trimmed with either set but "none".
    """
    made = _Made(thumbnails, views)
    matrix: NDArray[np.uint8] | None = None
    if made.words:
        # as without the file, if it can't be written
        with contextlib.suppress(OSError):
            matrix = map_rows_beside(thumbnails, made.pieces(), made.words * _WORD_BYTES)
    if matrix is None:
        matrix = np.empty((len(thumbnails), made.words * _WORD_BYTES), np.uint8)
        start = 0
        for piece in made.pieces():
            matrix[start : start + len(piece)] = piece
            start += len(piece)
    return made.views(matrix.view(np.uint64))


class _Made:
    """Makes the views of images, some at a time: together, what is made meanwhile takes more room.

    Their hashes are rows of a matrix, of so many words, which may lie in a file.
    """

    def __init__(self, thumbnails: NDArray[np.uint8], views: ViewSet) -> None:
        self._thumbnails = thumbnails
        self._views: ViewSet = views
        self._frames, self._middles = windows_like_frames(views), windows_like_middles(views)
        self._turns = turns_of_middle(views)
        of_middle = len(ORIENTATIONS) if self._middles else 0
        widths = [len(self._frames), len(self._middles), of_middle, len(self._turns)]
        self._bounds = np.cumsum(widths).tolist()
        self.words: int = self._bounds[-1]
        self._trimmed, self._inside = [_Trimmed.none()], [OwnWindows.none()]

    def pieces(self) -> Iterator[NDArray[np.uint8]]:
        """The matrix, some rows at a time."""
        self._trimmed, self._inside = [_Trimmed.none()], [OwnWindows.none()]
        for start in range(0, len(self._thumbnails), _MADE_AT_ONCE):
            some = np.ascontiguousarray(self._thumbnails[start : start + _MADE_AT_ONCE])
            hashes = _hash_fixed(some, self._frames, self._middles)
            turned = hash_turned(some, self._turns)
            if self._views != "none":
                without_bars, pictures = _hash_own(some)
                self._trimmed.append(without_bars._replace(rows=without_bars.rows + start))
                self._inside.append(pictures._replace(rows=pictures.rows + start))
            let_go(self._thumbnails)
            yield np.concatenate([*hashes, turned], axis=1).view(np.uint8)

    def views(self, matrix: NDArray[np.uint64]) -> ViewHashes:
        """All views; the matrix is uint64 (n, words)."""
        like_frames, like_middles, middles, turned = np.split(matrix, self._bounds[:-1], axis=1)
        bars = _Trimmed(*map(np.concatenate, zip(*self._trimmed, strict=True)))
        return ViewHashes(
            (*self._frames, *self._middles),
            like_frames,
            like_middles,
            middles if self._middles else np.empty((0, len(ORIENTATIONS)), np.uint64),
            bars.rows,
            bars.windows,
            bars.hashes,
            turned,
            OwnWindows(*map(np.concatenate, zip(*self._inside, strict=True))),
        )


class _Trimmed(NamedTuple):
    """What remains of images without bars: see `ViewHashes`."""

    rows: NDArray[np.int64]
    windows: NDArray[np.float64]
    hashes: NDArray[np.uint64]

    @classmethod
    def none(cls) -> "_Trimmed":
        hashes = np.empty((0, len(ORIENTATIONS)), np.uint64)
        return cls(np.empty(0, np.int64), np.empty((0, 4)), hashes)


def _hash_fixed(
    thumbnails: NDArray[np.uint8], frames: tuple[Window, ...], middles: tuple[Window, ...]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
    """Hashes of the windows that are compared with frames and with middles, and of `MIDDLE`."""
    # some windows are compared with both; only the middle is turned
    upright = list(dict.fromkeys((*frames, *middles)))
    windows = [*upright, *(MIDDLE for _ in _TURNS if middles)]
    matrices, numbers = numbered_stretches(_edges(windows))
    turns = np.concatenate([np.zeros(len(upright), np.int64), _TURNS if middles else _TURNS[:0]])
    hashes = _hash_alike(thumbnails, matrices, np.column_stack([numbers, turns]))
    return (
        _columns(hashes, [upright.index(window) for window in frames]),
        _columns(hashes, [upright.index(window) for window in middles]),
        hashes[:, len(upright) :],
    )


def _hash_own(thumbnails: NDArray[np.uint8]) -> tuple[_Trimmed, OwnWindows]:
    """What remains of images without bars, and the pictures inside of them."""
    rows, windows = trimmed_windows(thumbnails)
    trimmed = _Trimmed(rows, windows, hash_own_windows(thumbnails[rows], windows))
    return trimmed, _hash_pictures_inside(thumbnails, rows, windows)


def _hash_pictures_inside(
    thumbnails: NDArray[np.uint8], rows: NDArray[np.int64], unbarred: NDArray[np.float64]
) -> OwnWindows:
    """Pictures inside of images, other than what bars leave of these rows: windows (k, 4)."""
    inside, pictures = pictures_inside(thumbnails)
    left = np.tile(np.array(FRAME), (len(thumbnails), 1))
    # the first one of an image that has two
    left[rows[::-1]] = unbarred[::-1]
    other = np.abs(pictures - left[inside]).max(axis=1, initial=0) > 1 / THUMBNAIL_SIDE
    inside, pictures = inside[other], pictures[other]
    hashes = hash_own_windows(thumbnails[inside], pictures, turned=False)[:, 0]
    return OwnWindows(inside, pictures, np.ascontiguousarray(hashes))


def hash_own_windows(
    thumbnails: NDArray[np.uint8], windows: NDArray[np.float64], *, turned: bool = True
) -> NDArray[np.uint64]:
    """Hash one window of each image, in all orientations: uint64 (n, 8).

    Parameters
    ----------
    thumbnails : uint8 (n, 1024)
    windows : float64 (n, 4)
        As in `Window`.
    turned : bool
        Whether in all orientations; else only upright: uint64 (n, 1).

    Notes
    -----
    The hash of the whole frame is that of `fastphash.hashing.phash.hash_thumbnails`, unless
    frequencies tie with their median: on flat, symmetric and two-tone images. Their sum depends on
    the order of additions, which is another one here.
    """
    matrices, numbers = numbered_stretches(windows)
    turns = _TURNS if turned else _TURNS[:1]
    views = np.empty((len(windows), turns.size, 3), np.int64)
    views[..., :2] = numbers[:, None]
    views[..., 2] = turns
    return _hash(thumbnails, matrices, views)


def _hash_alike(
    thumbnails: NDArray[np.uint8], matrices: NDArray[np.float64], views: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Hash the same views (v, 3) of all n images: uint64 (n, v)."""
    # the kernel shares work among windows of the same rows
    order = np.lexsort(views.T[::-1])
    hashes = _hash(thumbnails, matrices, views[None, order])
    return _columns(hashes, np.argsort(order))


def _hash(
    thumbnails: NDArray[np.uint8], matrices: NDArray[np.float64], views: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Hash views (n, v, 3) of n images, or (1, v, 3) of all: uint64 (n, v).

    They are those of the kernel, by stretches whose matrices are given.
    """
    from fastphash.kernels.views import hash_views  # imported late: numba takes 110 MB

    hashes = np.empty((len(thumbnails), views.shape[1]), np.uint64)
    across = np.ascontiguousarray(matrices.swapaxes(1, 2))
    thumbnails, views = np.ascontiguousarray(thumbnails), np.ascontiguousarray(views)
    run_all(
        core_count(),
        (
            partial(
                hash_views,
                thumbnails[start : start + _PER_JOB],
                matrices,
                across,
                views[start : start + _PER_JOB] if len(views) > 1 else views,
                hashes[start : start + _PER_JOB],
            )
            for start in range(0, len(thumbnails), _PER_JOB)
        ),
    )
    return hashes


def _columns(hashes: NDArray[np.uint64], chosen: Any) -> NDArray[np.uint64]:
    """Some columns, C-contiguous."""
    return hashes.take(np.asarray(chosen, np.int64), axis=1)


def _edges(windows: Sequence[Window]) -> NDArray[np.float64]:
    """The edges of windows: (v, 4)."""
    return np.array(windows, np.float64).reshape(-1, 4)


def cut_windows(
    thumbnails: NDArray[np.uint8], rows: NDArray[np.int64], windows: NDArray[np.floating[Any]]
) -> NDArray[np.uint8]:
    """Thumbnails of windows: enlarged to 32 x 32 pixels, uint8 (k, 1024).

    Parameters
    ----------
    thumbnails : uint8 (n, 1024)
    rows : int64 (k,)
        The thumbnail of each window.
    windows : float (k, 4)
        As in `Window`.
    """
    from fastphash.kernels import window_pixels

    stretches, numbers = distinct_stretches(windows.astype(np.float64))
    down = resampling(*stretches.T).astype(np.float32)
    both = np.stack([down, down.swapaxes(1, 2)], axis=1)
    out = np.empty((rows.size, THUMBNAIL_SIDE * THUMBNAIL_SIDE), np.uint8)
    run_all(
        core_count(),
        (
            partial(
                window_pixels.cut_windows,
                thumbnails,
                rows[start : start + _PER_JOB],
                both,
                numbers[start : start + _PER_JOB],
                out[start : start + _PER_JOB],
            )
            for start in range(0, rows.size, _PER_JOB)
        ),
    )
    return out

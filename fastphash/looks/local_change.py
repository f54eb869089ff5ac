"""Where two pictures of one scene differ although they agree elsewhere."""

import math
from collections.abc import Callable
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import UsageError
from fastphash.kernels import local_change as kernels
from fastphash.looks.tones import Tone, fit_tones

#: Strength from which on a place differs, measured by benchmarks/accuracy/small_differences.py.
CHANGED = 2.6

_NOWHERE = (math.nan,) * 4
_CellKernel = Callable[
    [NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]], None
]
# smallest side of a picture that is compared, in pixels
_LEAST_SIDE = 32
# cells along each side
_CELLS = 16
# A cell has content if its grey levels range over more than this within 3 x 3 pixels. Where cells
# with content are few, their noise is unknown: these many cells of this noise are added to them.
_CONTENT = 8.0
_ASSUMED_CELLS, _ASSUMED_NOISE = 6, 0.5
# Noise above this is no noise of compression: the pictures differ, or the tone is wrong.
_MOST_NOISE = 5.0
# What strength is made of: levels / (_FLOOR + _PER_NOISE * noise).
_FLOOR, _PER_NOISE = 3.0, 1.5
# Where this share of the cells with content differs, the tone is another one. No curve brings back
# levels that were clipped before a resize, so that the strength is divided by this factor.
_TONE_SHARE, _TONE_FACTOR = 0.3, 1.5
# the share of its contrast that a picture keeps in another tone
_LEAST_CONTRAST = 0.2
# Levels, and times the contrast, by which two pictures differ in light and not in their frames.
_LIGHTER, _MORE_CONTRAST = 4.0, 1.08
# A difference in grey of this strength, in no more than this share, has nothing to do with tone.
_CLEAR, _CLEAR_SHARE = 5.0, 0.15


class LocalChange(NamedTuple):
    """The place where two pictures differ the most.

    Attributes
    ----------
    strength : float
        How much more they differ there than noise, compression, resizing, light, contrast and
        filters explain; `CHANGED` or more if the place really differs.
    place : (float, float, float, float)
        Its left, top, right and bottom as shares of width and height; NaN where none differs.
    share : float
        The share of the cells with content that differ, 0 to 1. Pictures that differ in most of
        them don't have the same frame.
    """

    strength: float
    place: tuple[float, float, float, float]
    share: float


class _Planes(NamedTuple):
    """Smoothed grey, Cb and Cr of a picture, and its contrast in cells."""

    values: tuple[NDArray[np.float32], ...]
    contrast: NDArray[np.float32]

    @classmethod
    def of(cls, rgb: NDArray[np.uint8], tone: Tone | None = None) -> Self:
        height, width = rgb.shape[:2]
        grey = np.empty((height, width), np.float32)
        chroma = np.empty((2, height // 2, width // 2), np.float32)
        if tone is None:
            kernels.split_planes(rgb, grey, chroma)
        else:
            kernels.split_toned_planes(rgb, tone.mix, tone.curves, grey, chroma)
        values = (grey, chroma[0], chroma[1])
        for plane in values:
            kernels.smooth(plane)
        return cls(values, 2 * _in_cells(kernels.contrast_maxima, grey))


class _Difference(NamedTuple):
    """What stays unexplained of two pictures.

    Attributes
    ----------
    grey, chroma : float32 (h, w) and (h // 2, w // 2)
        Levels, as means of 3 x 3 pixels.
    cells : float32 (16, 16)
        The largest of both in each cell.
    content : bool (16, 16)
        The cells that show anything.
    scale : float
        Levels of strength 1.
    strength : float
    """

    grey: NDArray[np.float32]
    chroma: NDArray[np.float32]
    cells: NDArray[np.float32]
    content: NDArray[np.bool_]
    scale: float
    strength: float

    @property
    def is_grey(self) -> bool:
        """Whether what differs the most differs in grey."""
        return bool(self.grey.max() >= self.chroma.max())

    @property
    def differing(self) -> NDArray[np.bool_]:
        """The cells that differ, at least the one that differs the most."""
        differing: NDArray[np.bool_] = self.cells >= min(CHANGED * self.scale, self.cells.max())
        return differing

    @property
    def share(self) -> float:
        """The share of the cells with content that differ."""
        differing = self.differing
        return float(differing.sum() / (self.content | differing).sum())


def find_local_change(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> LocalChange:
    """Find the place where two pictures of one scene differ the most.

    Parameters
    ----------
    left, right : uint8 (h, w) or (h, w, 3)
        Grey or RGB, in one orientation, of one size and frame; 300 to 768 pixels on the longer side
        serve best: strokes of small letters must be visible.

    Raises
    ------
    UsageError
        The pictures are of different sizes, or not arrays of that kind.
    """
    return ComparedPictures(left, right).find_change()


class ComparedPictures:
    """Two pictures of one scene, compared as they are, and in other tones only if that is asked.

    Parameters and errors are those of `find_local_change`.
    """

    def __init__(self, left: NDArray[np.uint8], right: NDArray[np.uint8]) -> None:
        left, right = _as_rgb(left), _as_rgb(right)
        if left.shape != right.shape:
            raise UsageError(
                "pictures of one size are compared, not of "
                f"{left.shape[1]} x {left.shape[0]} and {right.shape[1]} x {right.shape[0]} pixels"
            )
        self._pixels = left, right
        self._planes: tuple[_Planes, _Planes] | None = None
        if not np.array_equal(left, right) and min(left.shape[:2]) >= _LEAST_SIDE:
            self._planes = _Planes.of(left), _Planes.of(right)
            self._untoned = _compare(*self._planes)

    @property
    def agree(self) -> bool:
        """Whether no place differs, whatever the tone."""
        return self._planes is None or self._untoned.strength < CHANGED

    @property
    def differ_in_light(self) -> bool:
        """Whether one is clearly lighter, or of more contrast: no move makes that."""
        if self._planes is None:
            return False
        ours, theirs = (planes.values[0] for planes in self._planes)
        contrasts = sorted((float(ours.std()), float(theirs.std())))
        lighter = abs(float(ours.mean()) - float(theirs.mean())) > _LIGHTER
        return lighter or contrasts[1] > _MORE_CONTRAST * contrasts[0]

    def find_change(self) -> LocalChange:
        """The place where they differ the most, with the tone that explains the most."""
        if self._planes is None:
            return LocalChange(0.0, _NOWHERE, 0.0)
        difference, factor = _explain(self._pixels, self._planes, self._untoned)
        strength = difference.strength / factor
        place = _find_place(difference) if strength >= CHANGED else _NOWHERE
        return LocalChange(strength, place, difference.share)


def _explain(
    pixels: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    planes: tuple[_Planes, _Planes],
    untoned: _Difference,
) -> tuple[_Difference, float]:
    """The difference that stays with the best explanation, and what to divide its strength by."""
    difference, factor = untoned, 1.0
    strength, share = difference.strength, difference.share
    if strength < CHANGED or (strength >= _CLEAR and share < _CLEAR_SHARE and difference.is_grey):
        return difference, factor
    divisor = _TONE_FACTOR if share >= _TONE_SHARE else 1.0
    for source in (0, 1):
        target = 1 - source
        for tone in fit_tones(pixels[source], pixels[target]):
            toned_planes = _Planes.of(pixels[source], tone)
            # a tone that wipes out a picture explains nothing
            if toned_planes.contrast.sum() < _LEAST_CONTRAST * planes[source].contrast.sum():
                continue
            toned = _compare(toned_planes, planes[target])
            if toned.strength / divisor < difference.strength / factor:
                difference, factor = toned, divisor
            if difference.strength / factor < CHANGED:
                return difference, factor
    return difference, factor


def _as_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)):
        raise UsageError(
            f"a picture is uint8 (h, w) or (h, w, 3), not {pixels.dtype} {pixels.shape}"
        )
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    return np.ascontiguousarray(pixels)


def _compare(left: _Planes, right: _Planes) -> _Difference:
    means = [np.empty_like(plane) for plane in left.values]
    for ours, theirs, mean in zip(left.values, right.values, means, strict=True):
        kernels.unexplained_means(ours, theirs, mean)
    grey, chroma = means[0], np.maximum(means[1], means[2])
    cells = np.maximum(*(_in_cells(kernels.cell_maxima, plane) for plane in (grey, chroma)))
    content = np.maximum(left.contrast, right.contrast) > _CONTENT
    known = np.concatenate((cells[content], np.full(_ASSUMED_CELLS, _ASSUMED_NOISE, np.float32)))
    scale = _FLOOR + _PER_NOISE * min(float(np.median(known)), _MOST_NOISE)
    return _Difference(grey, chroma, cells, content, scale, float(cells.max()) / scale)


def _cell_starts(side: int) -> NDArray[np.int64]:
    """The first row or column of each cell, and the side."""
    return np.arange(_CELLS + 1) * side // _CELLS


def _cell_of(side: int) -> NDArray[np.int64]:
    """The cell of each row or column."""
    return np.searchsorted(_cell_starts(side), np.arange(side), "right") - 1


def _in_cells(kernel: _CellKernel, plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a kernel finds in 16 x 16 cells."""
    cells = np.empty((_CELLS, _CELLS), np.float32)
    height, width = plane.shape
    kernel(plane, _cell_of(height), _cell_starts(width), cells)
    return cells


def _find_place(difference: _Difference) -> tuple[float, float, float, float]:
    """The box of what differs in the cell that differs the most and in those linked to it."""
    differs = difference.differing
    threshold = difference.cells[differs].min()
    linked = np.zeros_like(differs)
    linked.flat[difference.cells.argmax()] = True
    while True:
        padded = np.pad(linked, 1)
        grown = linked.copy()
        for y in range(3):
            for x in range(3):
                grown |= padded[y : y + linked.shape[0], x : x + linked.shape[1]]
        grown &= differs
        if (grown == linked).all():
            break
        linked = grown
    boxes = []
    for plane in (difference.grey, difference.chroma):
        inside = linked[np.ix_(*map(_cell_of, plane.shape))]
        where = (plane >= threshold) & inside
        rows, columns = (np.flatnonzero(where.any(axis)) for axis in (1, 0))
        if rows.size:
            height, width = plane.shape
            boxes.append((columns[0] / width, rows[0] / height))
            boxes.append(((columns[-1] + 1) / width, (rows[-1] + 1) / height))
    left, top = np.min(boxes, axis=0).tolist()
    right, bottom = np.max(boxes, axis=0).tolist()
    return left, top, right, bottom

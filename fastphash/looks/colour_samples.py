"""Pixels of two pictures of one frame, as many of each colour, to tell how the colours relate."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.images.preview import resize_pixels
from fastphash.looks.tones import LEVELS

_Floats = NDArray[np.float64]

#: ITU-R 601: from red, green and blue to grey, and to Cb and Cr.
LUMA: _Floats = np.array([0.299, 0.587, 0.114])
CHROMA: _Floats = np.array([[-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
#: Chroma, in levels, from which on a pixel has a hue.
COLOURED = 12.0
#: The first classes: neutral pixels, which are dark, middle or light. Sectors of hues follow.
NEUTRALS = 3

_SECTORS = 12
# sectors of hues that are clearly different: 60 degrees apart
_APART = 2
# pixels of the longer side that colours are compared at, and the least side of a picture
_SIDE, _LEAST_SIDE = 64, 8
# pixels whose grey changes more within 3 x 3 of them lie on an edge, which may be off a little;
# the rest counts if it is this share
_EDGE, _LEAST_CALM = 40.0, 0.2
# pixels of one class that are compared, and its least share of a picture
_PER_CLASS, _LEAST_CLASS = 128, 0.005


class Samples(NamedTuple):
    """Pixels of both pictures, as many of every class, by the class of the left ones.

    Attributes
    ----------
    ours, theirs : float64 (n, 3)
    classes : int64 (n,)
        Neutral ones by lightness, then sectors of hues.
    """

    ours: _Floats
    theirs: _Floats
    classes: NDArray[np.int64]

    @classmethod
    def of(cls, ours: _Floats, theirs: _Floats) -> "Samples":
        """A sample of such pixels; classes with very few are left out."""
        classes = classify(ours)
        least = max(_LEAST_CLASS * len(ours), 4)
        chosen = [np.empty(0, np.int64)]
        for one in np.unique(classes):
            own = np.flatnonzero(classes == one)
            if own.size >= least:
                places = np.linspace(0, own.size - 1, min(own.size, _PER_CLASS)).astype(int)
                # a class with few pixels counts as much
                chosen.append(np.resize(own[places], _PER_CLASS))
        every = np.concatenate(chosen)
        return cls(ours[every], theirs[every], classes[every])

    @property
    def present(self) -> list[int]:
        """The classes that there are."""
        return [int(one) for one in np.unique(self.classes)]

    @property
    def hues(self) -> list[int]:
        """The sectors of hues that there are."""
        return [one for one in self.present if one >= NEUTRALS]

    @property
    def moved(self) -> _Floats:
        """By how many levels of chroma each pixel changed."""
        return lengths_of((self.theirs - self.ours) @ CHROMA.T)


def settled_pixels(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> tuple[_Floats, _Floats]:
    """Pixels of both, reduced, that lie on no edge: float64 (n, 3) each."""
    height, width = left.shape[:2]
    if min(height, width) < _LEAST_SIDE:
        return np.empty((0, 3)), np.empty((0, 3))
    factor = min(_SIDE / max(height, width), 1)
    size = max(round(width * factor), 4), max(round(height * factor), 4)
    planes = []
    calm = np.ones((size[1] - 2, size[0] - 2), np.bool_)
    for one in (left, right):
        rgb = one if one.ndim == 3 else np.repeat(one[..., None], 3, axis=2)
        small = resize_pixels(np.ascontiguousarray(rgb), *size).astype(np.float64)
        windows = np.lib.stride_tricks.sliding_window_view(small @ LUMA, (3, 3))
        calm &= np.ptp(windows, axis=(2, 3)) <= _EDGE
        planes.append(small[1:-1, 1:-1])
    if calm.mean() < _LEAST_CALM:
        calm[:] = True
    return planes[0][calm], planes[1][calm]


def lengths_of(vectors: _Floats) -> _Floats:
    """Of vectors of chroma, float64 (n, 2): float64 (n,)."""
    lengths: _Floats = np.hypot(*vectors.T)
    return lengths


def classify(pixels: _Floats) -> NDArray[np.int64]:
    """The class of each pixel."""
    cb, cr = (pixels @ CHROMA.T).T
    sector = np.floor((np.arctan2(cr, cb) / (2 * np.pi) % 1) * _SECTORS).astype(np.int64)
    light = np.minimum(pixels @ LUMA * NEUTRALS // LEVELS, NEUTRALS - 1).astype(np.int64)
    return np.where(np.hypot(cb, cr) < COLOURED, light, NEUTRALS + sector % _SECTORS)


def are_several(classes: list[int]) -> bool:
    """Whether two of the classes are hues that are clearly different."""
    hues = [one for one in classes if one >= NEUTRALS]
    return any(_APART <= abs(one - other) <= _SECTORS - _APART for one in hues for other in hues)

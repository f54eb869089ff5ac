"""The detail of thumbnails, from which their similarity is computed.

Detail is a thumbnail minus its blur, divided by the strength of that difference around each pixel.
So every part of a picture counts alike: light and contrast change little, and a logo has little
weight. Ground and frame are left out, because any two subjects of one outline would correlate on
the same ground.

The constants found the most edited copies at 99 % precision among look-alikes; neighbouring values
do nearly as well (benchmarks/accuracy/edited_copies.py).
"""

import numpy as np
from numba import float32, int8, int32, int64, uint8
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels import array, compiled, const, inner
from fastphash.kernels.banded import find_bands, multiply
from fastphash.kernels.subject import find_subject

#: Shifts of up to this many pixels are tried, along both axes.
SHIFT = 2
SHIFTS = (2 * SHIFT + 1) ** 2
#: Detail of ordinary strength, in the units of its int8 values.
UNIT = 32
_MAX_DETAIL = np.float32(127)
# variance, in squared grey levels, of rounding and compression: below it nothing is detail
NOISE = 0.25

_Plane = NDArray[np.float32]


@inner
def _load(pixels: NDArray[np.uint8], plane: _Plane) -> None:
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            plane[i, j] = pixels[i * THUMBNAIL_SIDE + j]


@inner
def _filter(
    matrices: _Plane, bands: NDArray[np.int64], plane: _Plane, scratch: _Plane, out: _Plane
) -> None:
    """Apply a matrix to the columns of a plane, and its transpose to the rows."""
    multiply(matrices, bands, matrices, bands, plane, scratch, out)


@inner
def _mask(values: _Plane, mask: _Plane) -> None:
    """Make a mask 0 or 1, and leave only values where it is 1."""
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            mask[i, j] = mask[i, j] > np.float32(0.5)
            values[i, j] *= mask[i, j]


@inner
def _divide(values: _Plane, weights: _Plane) -> None:
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            values[i, j] /= max(weights[i, j], np.float32(1e-3))


@inner
def _sum_energy(
    detail: NDArray[np.int8], sums: NDArray[np.int32], energy: NDArray[np.int32]
) -> None:
    """Sum of squares of the pixels that stay inside when a thumbnail moves by minus each shift."""
    for i in range(THUMBNAIL_SIDE):
        line = np.int32(0)
        for j in range(THUMBNAIL_SIDE):
            line += np.int32(detail[i * THUMBNAIL_SIDE + j]) ** 2
            sums[i + 1, j + 1] = sums[i, j + 1] + line
    s = 0
    for dy in range(-SHIFT, SHIFT + 1):
        top, bottom = max(dy, 0), min(THUMBNAIL_SIDE + dy, THUMBNAIL_SIDE)
        for dx in range(-SHIFT, SHIFT + 1):
            left, right = max(dx, 0), min(THUMBNAIL_SIDE + dx, THUMBNAIL_SIDE)
            inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
            energy[s] = inside
            s += 1


@compiled(
    const(uint8, 2),
    const(int64),
    const(float32, 4),
    const(float32, 4),
    array(int8, 3),
    array(int32, 3),
)
def extract_detail(
    thumbnails: NDArray[np.uint8],
    rows: NDArray[np.int64],
    zooms: NDArray[np.float32],
    blurs: NDArray[np.float32],
    detail: NDArray[np.int8],
    energy: NDArray[np.int32],
) -> None:
    """Fill the detail of thumbnails at some scales, and its energy for each shift.

    Parameters
    ----------
    thumbnails : uint8 (n, 1024)
    rows : int64 (m,)
        The rows of `thumbnails` to describe.
    zooms : float32 (z, 2, 32, 32)
        Matrices that enlarge the middle of a thumbnail: for its columns, transposed for its rows.
        Here and below, the numbers of a later row of a matrix don't begin or end further left.
    blurs : float32 (2, 2, 32, 32)
        The same for the blur that is subtracted, and for the neighbourhood of a pixel.
    detail : int8 (m, scales, 1024)
        The last z scales are filled.
    energy : int32 (m, scales, 25)
    """
    filled = detail.shape[1] - zooms.shape[0]
    whole, subject, plane, mask, smooth, weight, square, scratch = np.empty(
        (8, THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.float32
    )
    sums = np.zeros((THUMBNAIL_SIDE + 1, THUMBNAIL_SIDE + 1), np.int32)
    zoom_bands, blur_bands = find_bands(zooms), find_bands(blurs)
    for m in range(rows.size):
        _load(thumbnails[rows[m]], whole)
        masked = find_subject(thumbnails[rows[m]], subject)
        for z in range(zooms.shape[0]):
            _filter(zooms[z], zoom_bands[z], whole, scratch, plane)
            if masked:
                # only the subject is blurred, so that no ground gets into it
                _filter(zooms[z], zoom_bands[z], subject, scratch, mask)
                _mask(plane, mask)
                _filter(blurs[0], blur_bands[0], mask, scratch, weight)
            _filter(blurs[0], blur_bands[0], plane, scratch, smooth)
            if masked:
                _divide(smooth, weight)
                _mask(smooth, mask)
                _filter(blurs[1], blur_bands[1], mask, scratch, weight)
            for i in range(THUMBNAIL_SIDE):
                for j in range(THUMBNAIL_SIDE):
                    plane[i, j] -= smooth[i, j]
                    square[i, j] = plane[i, j] * plane[i, j]
            _filter(blurs[1], blur_bands[1], square, scratch, smooth)
            if masked:
                _divide(smooth, weight)
            normalised = detail[m, filled + z]
            # these two loops as functions of their own: 5.6 us for a scale instead of 3.1
            for i in range(THUMBNAIL_SIDE):
                for j in range(THUMBNAIL_SIDE):
                    strength = np.sqrt(smooth[i, j] + np.float32(NOISE))
                    value = np.rint(np.float32(UNIT) * plane[i, j] / strength)
                    normalised[i * THUMBNAIL_SIDE + j] = min(max(value, -_MAX_DETAIL), _MAX_DETAIL)
            _sum_energy(normalised, sums, energy[m, filled + z])

"""How much two thumbnails show the same detail, wherever it lies and whatever its contrast.

Of a thumbnail only the detail counts: it less its blur, divided by how strong the detail is around
each pixel. So every place of a picture counts alike, and neither light nor contrast nor a logo says
much by itself. A plain ground says nothing at all: what stands on white is compared by what is
inside of it, since any two things of one outline would be alike; and so does a frame.

The constants are those that found the most edited copies at 99 % precision among look-alikes; their
neighbours do nearly as well (benchmarks/accuracy/edited_copies.py).
"""

import math

import numpy as np
from numba import float32, int8, int32, int64, uint8, uint16
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels import array, compiled, const, inner
from fastphash.kernels.simd import combine, dot

#: Shifts of up to so many pixels are tried, along both axes.
SHIFT = 2
SHIFTS = (2 * SHIFT + 1) ** 2
_PADDED = THUMBNAIL_SIDE + 2 * SHIFT
# detail is kept as int8; that of ordinary strength is this large
UNIT = 32
_LARGEST = 127
# variance, in squared grey levels, that is rounding and compression and no detail
NOISE = 0.25
# mean square, in squared units, below which there is too little detail to tell copies by
FAINT = 0.25
# The ground is what lies within so many levels of the most frequent one, in blocks of 3 x 3 ...
GROUND_RANGE = 3
# ... if it is this share of a thumbnail, and the rest stands out from it by this deviation.
GROUND_SHARE = 0.2
GROUND_DEVIATION = 25.0
# A frame has bars along one edge or more: lines of one level each, but for so many levels, at most
# so many of them. The lines beside it hold parts of its edge, sharpened by the resize.
BAR_RANGE = 6
MOST_BAR = 10
BESIDE_BAR = 2

_Plane = NDArray[np.float32]


@inner
def _multiply(a: _Plane, b: _Plane, out: _Plane) -> None:
    """Product of matrices (32, 32)."""
    for i in range(THUMBNAIL_SIDE):
        combine(a, i, b, out)


@inner
def _filter(matrices: _Plane, plane: _Plane, scratch: _Plane, out: _Plane) -> None:
    """A plane with a matrix applied to its columns and its transpose to its rows."""
    _multiply(matrices[0], plane, scratch)
    _multiply(scratch, matrices[1], out)


@inner
def _around(plane: NDArray[np.bool_], i: int, j: int, wanted: bool) -> bool:
    """Whether all pixels of a 3 x 3 block, as far as they are inside, are as wanted."""
    for y in range(max(i - 1, 0), min(i + 2, THUMBNAIL_SIDE)):
        for x in range(max(j - 1, 0), min(j + 2, THUMBNAIL_SIDE)):
            if plane[y, x] != wanted:
                return False
    return True


@inner
def _bar(pixels: NDArray[np.uint8], first: int, step: int, along: int) -> int:
    """How many lines from an edge on a bar takes, with those that it shines into; 0 without one."""
    for line in range(MOST_BAR + 1):
        low, high = np.int64(255), np.int64(0)
        for k in range(THUMBNAIL_SIDE):
            value = np.int64(pixels[first + line * step + k * along])
            low, high = min(low, value), max(high, value)
        if high - low > BAR_RANGE:
            return line + BESIDE_BAR if line else 0
    return 0


@inner
def _find_inside(pixels: NDArray[np.uint8], subject: _Plane) -> bool:
    """1 inside of a frame, 0 on and next to its bars; whether there are any."""
    top, bottom = (
        _bar(pixels, 0, THUMBNAIL_SIDE, 1),
        _bar(pixels, THUMBNAIL_SIDE * (THUMBNAIL_SIDE - 1), -THUMBNAIL_SIDE, 1),
    )
    left, right = (
        _bar(pixels, 0, 1, THUMBNAIL_SIDE),
        _bar(pixels, THUMBNAIL_SIDE - 1, -1, THUMBNAIL_SIDE),
    )
    subject[:] = 0
    subject[top : THUMBNAIL_SIDE - bottom, left : THUMBNAIL_SIDE - right] = 1
    return bool(top + bottom + left + right > 0)


@inner
def _find_subject(pixels: NDArray[np.uint8], subject: _Plane) -> bool:
    """1 where a thumbnail shows its subject, 0 on and next to ground and frame; whether any is."""
    framed = bool(_find_inside(pixels, subject))
    frequency = np.zeros(256, np.int64)
    total = 0.0
    squares = 0.0
    for value in pixels:
        frequency[value] += 1
        total += value
        squares += np.float64(value) * value
    ground = 0
    for level in range(256):
        if frequency[level] > frequency[ground]:
            ground = level
    plain = 0
    for level in range(max(ground - GROUND_RANGE, 0), min(ground + GROUND_RANGE, 255) + 1):
        plain += frequency[level]
    mean = total / pixels.size
    if plain < GROUND_SHARE * pixels.size or (
        squares / pixels.size - mean * mean < GROUND_DEVIATION * GROUND_DEVIATION
    ):
        return framed
    near = np.empty((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.bool_)
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            near[i, j] = abs(np.int64(pixels[i * THUMBNAIL_SIDE + j]) - ground) <= GROUND_RANGE
    middle = np.empty((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.bool_)
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            middle[i, j] = _around(near, i, j, True)
    plain = 0
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            near[i, j] = not _around(middle, i, j, False)
            plain += near[i, j]
    if plain < GROUND_SHARE * pixels.size:
        return framed
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            if not _around(near, i, j, False):
                subject[i, j] = 0
    return True


@inner
def _mask(values: _Plane, mask: _Plane) -> None:
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            values[i, j] *= mask[i, j]


@inner
def _divide(values: _Plane, weights: _Plane) -> None:
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            values[i, j] /= max(weights[i, j], np.float32(1e-3))


@inner
def _sum_below_shifts(
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
    const(float32, 3),
    const(float32, 3),
    array(int8, 3),
    array(int32, 3),
)
def extract_detail(
    thumbnails: NDArray[np.uint8],
    rows: NDArray[np.int64],
    zooms: NDArray[np.float32],
    blur: NDArray[np.float32],
    around: NDArray[np.float32],
    detail: NDArray[np.int8],
    energy: NDArray[np.int32],
) -> None:
    """The detail of thumbnails at several scales, and its energy below each shift.

    Parameters
    ----------
    thumbnails : uint8 (n, 1024)
    rows : int64 (m,)
        Which of them.
    zooms : float32 (scales - 1, 2, 32, 32)
        What enlarges the middle of a thumbnail: a matrix for its columns, its transpose for rows.
        The first scale is the thumbnail as it is.
    blur, around : float32 (2, 32, 32)
        The same for what is taken off, and for the neighbourhood of a pixel.
    detail : int8 (m, scales, 1024)
    energy : int32 (m, scales, 25)
    """
    whole, subject, plane, mask, smooth, weight, square, scratch = np.empty(
        (8, THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.float32
    )
    sums = np.zeros((THUMBNAIL_SIDE + 1, THUMBNAIL_SIDE + 1), np.int32)
    for m in range(rows.size):
        pixels = thumbnails[rows[m]]
        for i in range(THUMBNAIL_SIDE):
            for j in range(THUMBNAIL_SIDE):
                whole[i, j] = pixels[i * THUMBNAIL_SIDE + j]
        grounded = _find_subject(pixels, subject)
        for z in range(detail.shape[1]):
            if z:
                _filter(zooms[z - 1], whole, scratch, plane)
            else:
                plane[:] = whole
            if grounded:
                # what is blurred is the subject alone: of the ground nothing gets into it
                if z:
                    _filter(zooms[z - 1], subject, scratch, mask)
                else:
                    mask[:] = subject
                for i in range(THUMBNAIL_SIDE):
                    for j in range(THUMBNAIL_SIDE):
                        mask[i, j] = mask[i, j] > np.float32(0.5)
                _mask(plane, mask)
                _filter(blur, mask, scratch, weight)
            _filter(blur, plane, scratch, smooth)
            if grounded:
                _divide(smooth, weight)
                _mask(smooth, mask)
                _filter(around, mask, scratch, weight)
            for i in range(THUMBNAIL_SIDE):
                for j in range(THUMBNAIL_SIDE):
                    plane[i, j] -= smooth[i, j]
                    square[i, j] = plane[i, j] * plane[i, j]
            _filter(around, square, scratch, smooth)
            if grounded:
                _divide(smooth, weight)
            own = detail[m, z]
            for i in range(THUMBNAIL_SIDE):
                for j in range(THUMBNAIL_SIDE):
                    strength = np.sqrt(smooth[i, j] + np.float32(NOISE))
                    value = np.rint(np.float32(UNIT) * plane[i, j] / strength)
                    own[i * THUMBNAIL_SIDE + j] = min(
                        max(value, np.float32(-_LARGEST)), np.float32(_LARGEST)
                    )
            _sum_below_shifts(own, sums, energy[m, z])


@inner
def _best_shift(
    padded: NDArray[np.int8],
    energy: NDArray[np.int32],
    shifts: NDArray[np.uint16],
    other: NDArray[np.int8],
    other_energy: NDArray[np.int32],
) -> float:
    """The best correlation of two details over all shifts of the first, turned already."""
    best = 0.0
    s = 0
    for dy in range(-SHIFT, SHIFT + 1):
        for dx in range(-SHIFT, SHIFT + 1):
            product = dot(padded, (SHIFT - dy) * _PADDED + SHIFT - dx, _PADDED, other, 0)
            if product > 0:
                common = (THUMBNAIL_SIDE - abs(dy)) * (THUMBNAIL_SIDE - abs(dx))
                strength = math.sqrt(
                    np.float64(energy[shifts[SHIFTS - 1 - s]]) * np.float64(other_energy[s])
                )
                best = max(best, product / max(strength, FAINT * UNIT * UNIT * common))
            s += 1
    return best


@compiled(
    const(int8, 3),
    const(int32, 3),
    const(int64),
    const(int8, 3),
    const(int32, 3),
    const(int64),
    const(uint8),
    const(uint16, 2),
    const(uint16, 2),
    array(uint8),
    array(float32),
)
def correlate_pairs(
    left: NDArray[np.int8],
    left_energy: NDArray[np.int32],
    left_rows: NDArray[np.int64],
    right: NDArray[np.int8],
    right_energy: NDArray[np.int32],
    right_rows: NDArray[np.int64],
    mask: NDArray[np.uint8],
    turned: NDArray[np.uint16],
    turned_shifts: NDArray[np.uint16],
    orientation: NDArray[np.uint8],
    score: NDArray[np.float32],
) -> None:
    """The best score of each pair, over shifts, scales and the orientations that mask[i] allows.

    Details are those of `describe`; one of a pair is enlarged, or neither is. `turned` (8, 1024)
    and `turned_shifts` (8, 25) say where the pixels of a left detail, and its energies, come from.
    """
    scales = left.shape[1]
    padded = np.zeros((scales, _PADDED * _PADDED), np.int8)
    for p in range(mask.size):
        a, b = left_rows[p], right_rows[p]
        best = -1.0
        for t in range(turned.shape[0]):
            if not mask[p] >> t & 1:
                continue
            for z in range(scales):
                for i in range(THUMBNAIL_SIDE):
                    for j in range(THUMBNAIL_SIDE):
                        place = (i + SHIFT) * _PADDED + SHIFT + j
                        padded[z, place] = left[a, z, turned[t, i * THUMBNAIL_SIDE + j]]
            shifts = turned_shifts[t]
            found = _best_shift(
                padded[0], left_energy[a, 0], shifts, right[b, 0], right_energy[b, 0]
            )
            for z in range(1, scales):
                own = _best_shift(
                    padded[z], left_energy[a, z], shifts, right[b, 0], right_energy[b, 0]
                )
                other = _best_shift(
                    padded[0], left_energy[a, 0], shifts, right[b, z], right_energy[b, z]
                )
                found = max(found, own, other)
            if found > best:
                best = found
                orientation[p] = t
        score[p] = min(best, 1.0)

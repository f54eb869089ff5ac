"""Normalised cross-correlation of the detail of two thumbnails, over small shifts and scales."""

import math

import numpy as np
from numba import float32, int8, int32, int64, uint8, uint16
from numpy.typing import NDArray

from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.kernels import array, compiled, const, inner
from fastphash.kernels.detail import SHIFT, SHIFTS, UNIT
from fastphash.kernels.simd import dot

# mean square of detail, in squared units, below which there is too little of it to identify a copy
FAINT = 0.25
_PADDED = THUMBNAIL_SIDE + 2 * SHIFT


@inner
def _best_shift(
    padded: NDArray[np.int8],
    padded_energy: NDArray[np.int32],
    shifts: NDArray[np.uint16],
    detail: NDArray[np.int8],
    energy: NDArray[np.int32],
) -> float:
    """The highest correlation of two details over all shifts of the first.

    The first detail is oriented and padded; `shifts` orients its energies.
    """
    best = 0.0
    s = 0
    for dy in range(-SHIFT, SHIFT + 1):
        for dx in range(-SHIFT, SHIFT + 1):
            product = dot(padded, (SHIFT - dy) * _PADDED + SHIFT - dx, _PADDED, detail, 0)
            if product > 0:
                common = (THUMBNAIL_SIDE - abs(dy)) * (THUMBNAIL_SIDE - abs(dx))
                strength = math.sqrt(
                    np.float64(padded_energy[shifts[SHIFTS - 1 - s]]) * np.float64(energy[s])
                )
                best = max(best, product / max(strength, FAINT * UNIT * UNIT * common))
            s += 1
    return best


@inner
def _pad(detail: NDArray[np.int8], indices: NDArray[np.uint16], padded: NDArray[np.int8]) -> None:
    """Orient a detail (1024,) and write it into the middle of `padded`."""
    for i in range(THUMBNAIL_SIDE):
        for j in range(THUMBNAIL_SIDE):
            place = (i + SHIFT) * _PADDED + SHIFT + j
            padded[place] = detail[indices[i * THUMBNAIL_SIDE + j]]


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
    indices: NDArray[np.uint16],
    shift_indices: NDArray[np.uint16],
    orientation: NDArray[np.uint8],
    score: NDArray[np.float32],
) -> None:
    """The best score of each pair over shifts, scales and the orientations set in mask[i].

    Details and energies are those of `extract_detail`; at most one detail of a pair is enlarged.
    `indices` (8, 1024) and `shift_indices` (8, 25) orient the left detail and its energies, as
    `fastphash.base.orientations.orientation_indices` gives them. Scores are 0 to 1.
    """
    scales = left.shape[1]
    padded = np.zeros((scales, _PADDED * _PADDED), np.int8)
    for p in range(mask.size):
        a, b = left_rows[p], right_rows[p]
        best = -1.0
        for t in range(indices.shape[0]):
            if not mask[p] >> t & 1:
                continue
            for z in range(scales):
                _pad(left[a, z], indices[t], padded[z])
            shifts = shift_indices[t]
            highest = _best_shift(
                padded[0], left_energy[a, 0], shifts, right[b, 0], right_energy[b, 0]
            )
            for z in range(1, scales):
                left_enlarged = _best_shift(
                    padded[z], left_energy[a, z], shifts, right[b, 0], right_energy[b, 0]
                )
                right_enlarged = _best_shift(
                    padded[0], left_energy[a, 0], shifts, right[b, z], right_energy[b, z]
                )
                highest = max(highest, left_enlarged, right_enlarged)
            if highest > best:
                best = highest
                orientation[p] = t
        score[p] = min(best, 1.0)

"""The perceptual hash: a thumbnail's lowest DCT frequencies, as the bits of a `uint64`."""

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from fastphash.hashing.bits import above_median, order_flips, pack, turn

#: Pixels along a side of a thumbnail, for each frequency along a side of its hash.
PIXELS_PER_BIT = 4


def hash_thumbnails(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash thumbnails.

    Parameters
    ----------
    thumbnails : uint8 (..., 32, 32)

    Returns
    -------
    uint64 (...)
        Bit 63 is the lowest frequency, and the others follow row by row, as in
        ``int(str(imagehash.phash(image)), 16)``.

    Notes
    -----
    This calls ``scipy.fft.dct`` in the order of ImageHash, columns first and then rows, instead of
    a matrix product. On flat and symmetric images, coefficients tie with the median, and another
    order of operations turns their bits into noise. One-dimensional transforms are independent, so
    transforms that only high frequencies need are left out.
    """
    return pack(_lowest_bits(_lowest_rows(thumbnails)))[..., 0]


def hash_orientations(both: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash all eight orientations in canonical order: uint8 (..., 2, 32, 32) to uint64 (..., 8).

    `both` holds the thumbnails of an image and of the transposed image, as
    `fastphash.images.thumbnail.both_thumbnails` returns them.
    """
    return pack(phash_bits(both))[..., 0]


def phash_bits(both: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Bits of all eight orientations: (..., 2, 4n, 4n) to (..., 8, n, n).

    Of one thumbnail alone, (..., 1, 4n, 4n), those of this one: (..., 1, n, n).

    The bits are those of the oriented thumbnail. To mirror an image left to right reverses the
    order of its columns, not what is in them: half of the transforms of columns serve two
    orientations.
    """
    if both.shape[-3] == 1:
        return _lowest_bits(_lowest_rows(both))
    upside_down = both[..., ::-1, :]
    rows = _lowest_rows(np.stack([both, upside_down], axis=-3))
    return order_flips(_lowest_bits(np.stack([rows, rows[..., ::-1]], axis=-3)))


def _lowest_rows(thumbnails: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The lowest frequencies of each column: (..., 4n, 4n) to (..., n, 4n)."""
    low = thumbnails.shape[-2] // PIXELS_PER_BIT
    lowest: NDArray[np.float64] = scipy.fft.dct(thumbnails.astype(np.float64), axis=-2)
    return lowest[..., :low, :]


def _lowest_bits(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    return above_median(scipy.fft.dct(rows, axis=-1)[..., : rows.shape[-2]])


def simple_phash_bits(both: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Bits of ImageHash's ``phash_simple``; shapes are those of `phash_bits`."""
    thumbnails = turn(both)
    low = thumbnails.shape[-1] // PIXELS_PER_BIT
    rows = thumbnails[..., :low, :].astype(np.float64)
    values = scipy.fft.dct(rows, axis=-1)[..., 1 : low + 1]
    # Added in the order of ndarray.mean, which takes all values in one line: where rows are equal,
    # the mean ties with values.
    line = np.ascontiguousarray(values).reshape(*values.shape[:-2], low * low)
    bits: NDArray[np.bool_] = values > line.mean(axis=-1)[..., None, None]
    return bits

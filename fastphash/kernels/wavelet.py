"""The Haar wavelet, with the roundings of PyWavelets (``convolution.template.c``), and sums."""

import math

import numpy as np
from numba import float64, int64, uint8
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const

# both weights of the filter
_ROOT = math.sqrt(0.5)


@compiled(const(uint8, 2), array(int64, 2))
def sum_blocks(pixels: NDArray[np.uint8], sums: NDArray[np.int64]) -> None:
    """Fill `sums` (n, n) with the sums of square blocks of `pixels` (n * side, n * side)."""
    side = pixels.shape[0] // sums.shape[0]
    for i in range(sums.shape[0]):
        line = sums[i]
        for j in range(line.size):
            line[j] = 0
        for y in range(i * side, (i + 1) * side):
            row = pixels[y]
            for j in range(line.size):
                total = np.uint32(0)
                for pixel in row[j * side : (j + 1) * side]:
                    total += np.uint32(pixel)
                line[j] += total


@compiled(const(float64, 2), array(float64, 2))
def low_pass(fine: NDArray[np.float64], coarse: NDArray[np.float64]) -> None:
    """Fill `coarse` (h, w) with the approximation of `fine` (2h, 2w): ``pywt.dwt2``'s first."""
    for i in range(coarse.shape[0]):
        upper, lower, line = fine[2 * i], fine[2 * i + 1], coarse[i]
        for j in range(line.size):
            left = _ROOT * lower[2 * j] + _ROOT * upper[2 * j]
            right = _ROOT * lower[2 * j + 1] + _ROOT * upper[2 * j + 1]
            line[j] = _ROOT * right + _ROOT * left


@compiled(const(float64, 2), array(float64, 2))
def restore(coarse: NDArray[np.float64], fine: NDArray[np.float64]) -> None:
    """Give `fine` (2h, 2w) another approximation (h, w), and leave it its details.

    The same as ``pywt.idwt2((coarse, pywt.dwt2(fine)[1]))``, in place.
    """
    for i in range(coarse.shape[0]):
        upper, lower, line = fine[2 * i], fine[2 * i + 1], coarse[i]
        for j in range(line.size):
            one, two = _ROOT * upper[2 * j], _ROOT * upper[2 * j + 1]
            three, four = _ROOT * lower[2 * j], _ROOT * lower[2 * j + 1]
            # along columns, then along rows
            left, right = three + one, four + two
            left_detail, right_detail = one - three, two - four
            across = _ROOT * left - _ROOT * right
            down = _ROOT * right_detail + _ROOT * left_detail
            diagonal = _ROOT * left_detail - _ROOT * right_detail
            # and back, along rows first
            left = _ROOT * (_ROOT * line[j] + _ROOT * across)
            right = _ROOT * (_ROOT * line[j] - _ROOT * across)
            left_detail = _ROOT * (_ROOT * down + _ROOT * diagonal)
            right_detail = _ROOT * (_ROOT * down - _ROOT * diagonal)
            upper[2 * j], upper[2 * j + 1] = left + left_detail, right + right_detail
            lower[2 * j], lower[2 * j + 1] = left - left_detail, right - right_detail

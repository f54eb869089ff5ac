"""The Haar wavelet of PyWavelets, one block of four pixels after the other."""

import math

import numpy as np

ROOT = math.sqrt(0.5)


def sum_blocks(pixels, side):
    size = len(pixels) // side
    return pixels.astype(np.int64).reshape(side, size, side, size).sum(axis=(1, 3))


def split(one, two):
    """Approximation and detail of two neighbours."""
    return ROOT * two + ROOT * one, -ROOT * two + ROOT * one


def join(approximation, detail):
    return ROOT * approximation + ROOT * detail, ROOT * approximation - ROOT * detail


def low_pass(fine):
    """(2h, 2w) to (h, w): along columns, then along rows."""
    left, _ = split(fine[::2, ::2], fine[1::2, ::2])
    right, _ = split(fine[::2, 1::2], fine[1::2, 1::2])
    return split(left, right)[0]


def restore(coarse, fine):
    """`fine` with another approximation."""
    left, left_detail = split(fine[::2, ::2], fine[1::2, ::2])
    right, right_detail = split(fine[::2, 1::2], fine[1::2, 1::2])
    across = split(left, right)[1]
    low = join(coarse, across)
    high = join(*split(left_detail, right_detail))
    restored = np.empty_like(fine)
    for column in (0, 1):
        restored[::2, column::2], restored[1::2, column::2] = join(low[column], high[column])
    return restored

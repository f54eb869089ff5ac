"""Plain twins: PDQ, operation by operation as Meta's C++ does it in float32."""

import math

import numpy as np

# row i holds frequency i + 1; each cosine is rounded to float32 after it is scaled
_SCALE = float(np.float32(math.sqrt(2 / 64)))
PDQ_COSINES = np.array(
    [
        [_SCALE * math.cos(math.pi / 2 / 64 * (i + 1) * (2 * j + 1)) for j in range(64)]
        for i in range(16)
    ],
    np.float32,
)


def pdq_luma(pixels):
    """float32 (h, w) of grey (h, w) or RGB (h, w, 3)."""
    if pixels.ndim == 2:
        return pixels.astype(np.float32)
    red, green, blue = np.moveaxis(pixels, -1, 0)
    return (red * 0.299 + green * 0.587 + blue * 0.114).astype(np.float32)


def box(values, window):
    """Means of `window` rows by a running sum, of fewer at the edges."""
    ahead = window // 2
    size = len(values)
    out = np.empty_like(values)
    total = np.zeros(values.shape[1:], np.float32)
    for added in range(size + ahead):
        if added < size:
            total = total + values[added]
        if added >= window:
            total = total - values[added - window]
        middle = added - ahead
        if middle >= 0:
            count = min(added + 1, size) - max(added + 1 - window, 0)
            out[middle] = total / np.float32(count)
    return out


def pdq_square(pixels):
    """The 64 x 64 pixels that PDQ looks at, float32, of at least 5 x 5 pixels."""
    luma = pdq_luma(pixels)
    height, width = luma.shape
    for _ in range(2):
        luma = box(luma.T, math.ceil(width / 128)).T
        luma = box(luma, math.ceil(height / 128))
    rows, columns = ([int((i + 0.5) * size / 64) for i in range(64)] for size in (height, width))
    return luma[rows][:, columns]


def pdq_frequencies(square):
    half = np.zeros((16, 64), np.float32)
    for k in range(64):
        half = half + PDQ_COSINES[:, k : k + 1] * square[k]
    out = np.zeros((16, 16), np.float32)
    for k in range(64):
        out = out + half[:, k : k + 1] * PDQ_COSINES[:, k]
    return out


def pdq_quality(square):
    steps = 0
    for one, other in ((square[:-1], square[1:]), (square[:, :-1], square[:, 1:])):
        hundredths = (one - other) * np.float32(100) / np.float32(255)
        steps += int(np.abs(hundredths.astype(np.int32)).sum())
    return min(steps // 90, 100)


def pdq_hash(frequencies):
    """Which are above the lower of the two middle ones; the last is the highest bit."""
    values = frequencies.reshape(-1).tolist()
    median = sorted(values)[127]
    bits = sum(1 << place for place, value in enumerate(values) if value > median)
    return [bits >> shift & (1 << 64) - 1 for shift in (192, 128, 64, 0)]


def pdq_turned(frequencies):
    """The frequencies of the eight orientations, from those of the upright image.

    Where an image is reversed, every other frequency changes its sign.
    """
    signs = np.where(np.arange(16) % 2, 1, -1).astype(np.float32)
    down, across = signs[:, None], signs[None]
    return [
        frequencies,
        (frequencies * across).T,
        frequencies * down * across,
        (frequencies * down).T,
        frequencies * across,
        frequencies * down,
        frequencies.T,
        (frequencies * down * across).T,
    ]

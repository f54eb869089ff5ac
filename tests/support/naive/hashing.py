"""Plain twins: grey, chroma, thumbnail, hashes of windows."""

import math
from fractions import Fraction

import numpy as np
import scipy.fft

from tests.support.naive.orientations import TURNS


def grey(rgb):
    """DESIGN, "The hash", step 1: (..., 3) to (...)."""
    red, green, blue = (rgb[..., c].astype(np.int64) for c in range(3))
    return ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(np.uint8)


def chroma(rgb):
    """Cb - 128 and Cr - 128 of 8 x 8 cells: of an image whose pixels are 8 x 8 as large."""
    height, width = rgb.shape[:2]
    large = rgb.repeat(8, axis=0).repeat(8, axis=1).reshape(8, height, 8, width, 3)
    red, green, blue = np.moveaxis(large.sum(axis=(1, 3), dtype=np.int64), -1, 0)
    cb = -11059 * red - 21709 * green + 32768 * blue
    cr = 32768 * red - 27439 * green - 5329 * blue
    means = [Fraction(int(x), 65536 * height * width) for x in np.stack([cb, cr]).flat]
    rounded = [math.floor(mean + Fraction(1, 2)) for mean in means]
    return np.clip(rounded, -127, 127).astype(np.int8).reshape(2, 8, 8)


def scaled(values):
    """The 16-bit rule, pixel by pixel."""
    finite = [float(x) for x in values.flat if math.isfinite(x)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    out = np.zeros(values.shape, np.uint8)
    if low < high:
        for i, x in enumerate(values.flat):
            y = float(x) if math.isfinite(x) else low
            out.flat[i] = math.floor(255 * (y - low) / (high - low) + 0.5)
    return out


def rendered(values, low=2, high=98, nodata=None):
    """Two percentiles of a band become 0 and 255; what is no picture becomes the mean of the rest.

    With `low` and `high` of 0 and 100 these are the least and the greatest value.
    """
    shown = sorted(float(x) for x in values.flat if math.isfinite(x) and x != nodata)
    if not shown:
        return np.zeros(values.shape, np.uint8)
    ends = [shown[int((len(shown) - 1) * share / 100 + 0.5)] for share in (low, high)]
    if ends[0] == ends[1]:
        ends = shown[0], shown[-1]
    levels = [rendered_level(float(x), *ends, nodata) for x in values.flat]
    known = [level for level in levels if level is not None]
    mean = math.floor(sum(known) / len(known) + 0.5)
    filled = [mean if level is None else level for level in levels]
    return np.array(filled, np.uint8).reshape(values.shape)


def rendered_level(value, low, high, nodata):
    if not math.isfinite(value) or value == nodata:
        return None
    if low == high:
        return 0
    return min(max(math.floor(255 * (value - low) / (high - low) + 0.5), 0), 255)


def sinc(x):
    return math.sin(x * math.pi) / (x * math.pi) if x else 1.0


def lanczos(x):
    return sinc(x) * sinc(x / 3) if -3 <= x < 3 else 0.0


def taps(size, extent, out_size=32):
    """For each output pixel the first input pixel and the weights, in units of 2**-22."""
    scale = extent / out_size
    stretch = max(scale, 1.0)
    result = []
    for i in range(out_size):
        centre = (i + 0.5) * scale
        low = max(int(centre - 3 * stretch + 0.5), 0)
        high = min(int(centre + 3 * stretch + 0.5), size)
        lobe = [lanczos((k - centre + 0.5) * (1 / stretch)) for k in range(low, high)]
        total = 0.0
        for value in lobe:
            total += value
        shares = [value / total for value in lobe]
        result.append((low, [int(s * 2**22 + math.copysign(0.5, s)) for s in shares]))
    return result


def shrink(image, extent, out_size=32):
    """One pass: (h, w) to (out_size, w), rounded and clipped."""
    lines = []
    for start, weights in taps(image.shape[0], extent, out_size):
        total = np.full(image.shape[1], 1 << 21, np.int64)
        for k, weight in enumerate(weights):
            total += image[start + k].astype(np.int64) * weight
        lines.append(np.clip(total >> 22, 0, 255))
    return np.array(lines, np.uint8)


def vertical_first(width, height, pass_order, size=(32, 32)):
    less_width, less_height = width - size[0], height - size[1]
    return {
        "horizontal": False,
        "pillow12.2": height > 100 * width and less_height > 0,
        "pillow13": less_height > 0 and less_height > 2 * less_width,
    }[pass_order]


def thumbnail(image, pass_order, extent=None, size=(32, 32)):
    height, width = image.shape
    columns, rows = extent or (width, height)
    if vertical_first(width, height, pass_order, size):
        return shrink(shrink(image, rows, size[1]).T, columns, size[0]).T
    return shrink(shrink(image.T, columns, size[0]).T, rows, size[1])


def stretched(line, low, high):
    """A stretch of a line of 32 pixels as 32 pixels, by Lanczos; `low` and `high` are shares."""
    out = []
    for i in range(32):
        place = 32 * (low + (high - low) * (i + 0.5) / 32) - 0.5
        shares = [lanczos(place - k) for k in range(32)]
        out.append(sum(s * value for s, value in zip(shares, line, strict=True)) / sum(shares))
    return out


def window_hashes(square, window):
    """Hashes of a window of a thumbnail (32, 32) in all orientations."""
    left, top, right, bottom = window
    columns = [stretched(column, top, bottom) for column in square.T.tolist()]
    plane = np.array([stretched(row, left, right) for row in np.array(columns).T.tolist()])
    hashes = []
    for turn in TURNS:
        low = scipy.fft.dct(scipy.fft.dct(turn(plane), axis=0), axis=1)[:8, :8].reshape(-1)
        bits = "".join("01"[int(value > np.median(low))] for value in low)
        hashes.append(int(bits, 2))
    return hashes

"""Plain twins of the kernels and of what is built on them: slow, short and obviously right."""

import math

import numpy as np

INVERSE = (0, 3, 2, 1, 4, 5, 6, 7)
TURNS = (
    lambda a: a,
    lambda a: np.rot90(a, 1),
    lambda a: np.rot90(a, 2),
    lambda a: np.rot90(a, 3),
    lambda a: a[:, ::-1],
    lambda a: a[::-1],
    lambda a: a.T,
    lambda a: np.rot90(a, 2).T,
)


def grey(rgb):
    """DESIGN, "The hash", step 1: (..., 3) to (...)."""
    red, green, blue = (rgb[..., c].astype(np.int64) for c in range(3))
    return ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(np.uint8)


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


def shrink(image, extent):
    """One pass: (h, w) to (32, w), rounded and clipped."""
    lines = []
    for start, weights in taps(image.shape[0], extent):
        total = np.full(image.shape[1], 1 << 21, np.int64)
        for k, weight in enumerate(weights):
            total += image[start + k].astype(np.int64) * weight
        lines.append(np.clip(total >> 22, 0, 255))
    return np.array(lines, np.uint8)


def vertical_first(width, height, pass_order):
    return {
        "horizontal": False,
        "pillow12.2": height > 100 * width and height > 32,
        "pillow13": height - 32 > 0 and height - 32 > 2 * (width - 32),
    }[pass_order]


def thumbnail(image, pass_order, extent=None):
    height, width = image.shape
    columns, rows = extent or (width, height)
    if vertical_first(width, height, pass_order):
        return shrink(shrink(image, rows).T, columns).T
    return shrink(shrink(image.T, columns).T, rows)


def equal_pairs(left, right):
    """Every (i, j) with left[i] == right[j]."""
    return [(i, j) for i, a in enumerate(left) for j, b in enumerate(right) if a == b]


def collapse(rows):
    """First row of each class, and the class of each row."""
    seen, of_row = {}, []
    for i, row in enumerate(rows):
        of_row.append(seen.setdefault(np.ascontiguousarray(row).tobytes(), (len(seen), i))[0])
    return [i for _, i in seen.values()], of_row


def mask(a, b, left_known, right_known):
    """Bit T is set if hash_T(a) == hash(b) or hash(a) == hash_T^-1(b)."""
    bits = 0
    for t in range(8):
        forward = t in left_known and a[t] == b[0]
        backward = INVERSE[t] in right_known and a[0] == b[INVERSE[t]]
        bits |= (forward or backward) << t
    return bits


def matches(left, right, left_known, right_known):
    """(i, j, mask) of every pair at distance 0, by (i, j)."""
    return [
        (i, j, bits)
        for i, a in enumerate(left.tolist())
        for j, b in enumerate(right.tolist())
        if (bits := mask(a, b, left_known, right_known))
    ]


def first_bit(bits):
    return next(t for t in range(8) if bits >> t & 1)


def on_plain_ground(pixels):
    """Whether three quarters are within two levels of the most frequent one."""
    ground = np.bincount(pixels, minlength=256).argmax()
    return (np.abs(pixels.astype(int) - ground) <= 2).mean() >= 0.75


def compare(a, b):
    """Whether two thumbnails (1024,) show the same picture, and their correlation."""
    plain = on_plain_ground(a) and on_plain_ground(b)
    a, b = a.astype(float), b.astype(float)
    levels = np.abs(a - b).max()
    if levels == 0:
        return True, 1.0
    if min(a.std(), b.std()) < 1:
        return bool(levels <= 4), 1 - levels / 255
    u, v = (a - a.mean()) / a.std(), (b - b.mean()) / b.std()
    correlation = min(max((u * v).mean(), 0.0), 1.0)
    if plain and max((u**4).mean(), (v**4).mean()) > 20:
        return bool(levels <= 4 and correlation >= 0.95), correlation
    apart = np.abs(u - v).max()
    saved = levels <= 17 and correlation >= 0.9 and apart <= 2
    edited = correlation >= 0.97 and apart <= 3
    return bool(saved or edited), correlation


def judge(a, b, bits):
    """(agrees, orientation, score): the first orientation in the mask that agrees, or the first."""
    verdicts = []
    for t in range(8):
        if bits >> t & 1:
            turned = TURNS[t](a.reshape(32, 32)).reshape(-1)
            agrees, score = compare(turned, b)
            verdicts.append((agrees, t, score))
    return next((verdict for verdict in verdicts if verdict[0]), verdicts[0])


def stars(hashes, thumbnails=None, known=None):
    """(keeper, agrees, orientation, score) of each row; a keeper is its own, upright."""
    known = range(hashes.shape[1]) if known is None else known
    rows = hashes.tolist()
    found, keepers = [], []
    for i, row in enumerate(rows):
        mine = (i, thumbnails is not None, 0, 1.0 if thumbnails is not None else math.nan)
        for k in keepers:
            bits = mask(row, rows[k], known, known)
            if not bits:
                continue
            if thumbnails is None:
                mine = (k, False, first_bit(bits), math.nan)
                break
            verdict = judge(thumbnails[i], thumbnails[k], bits)
            if verdict[0]:
                mine = (k, *verdict)
                break
        else:
            keepers.append(i)
        found.append(mine)
    return found

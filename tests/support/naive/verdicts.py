"""Plain twins: agreement, similarity and colour of two thumbnails."""

import functools
import math

import numpy as np
from scipy.optimize import minimize_scalar

from tests.support.naive.orientations import TURNS


def first_bit(bits):
    return next(t for t in range(8) if bits >> t & 1)


def on_ground(pixels):
    """Which pixels are within two levels of the most frequent one."""
    ground = np.bincount(pixels, minlength=256).argmax()
    return np.abs(pixels.astype(int) - ground) <= 2


def agree_inside(a, b):
    """Whether what is inside of the outlines of pictures on a ground agrees, if there is any."""
    inside = np.ones((30, 30), bool)
    for pixels in (a, b):
        ground = on_ground(pixels).reshape(32, 32)
        if ground.mean() < 0.5:
            return True
        inside &= ~everywhere(np.any, ground)[1:-1, 1:-1]
    if inside.sum() < 9:
        return True
    x, y = (pixels.reshape(32, 32)[1:-1, 1:-1][inside].astype(float) for pixels in (a, b))
    for shown, pixels in ((x, a), (y, b)):
        ground = np.bincount(pixels, minlength=256).argmax()
        if shown.std() >= 0.05 * max(abs(shown.mean() - ground), 1):
            return min(x.std(), y.std()) > 0 and np.corrcoef(x, y)[0, 1] >= 0.9
    return np.abs(x - y).max() <= 17


def compare(a, b):
    """Whether two thumbnails (1024,) show the same picture, and their correlation."""
    plain = min(on_ground(a).mean(), on_ground(b).mean()) >= 0.75
    alike = agree_inside(a, b)
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
    return bool((saved or edited) and alike), correlation


def judge(a, b, bits):
    """(agrees, orientation, score): the first orientation in the mask that agrees, or the first."""
    verdicts = []
    for t in range(8):
        if bits >> t & 1:
            turned = TURNS[t](a.reshape(32, 32)).reshape(-1)
            agrees, score = compare(turned, b)
            verdicts.append((agrees, t, score))
    return next((verdict for verdict in verdicts if verdict[0]), verdicts[0])


def gaussian(sigma):
    """Weights of a blur, for a plane that is mirrored beyond its edges."""
    reach = math.ceil(4 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return reach, weights / weights.sum()


def blurred(plane, sigma):
    reach, weights = gaussian(sigma)
    wide = np.pad(plane, reach, mode="symmetric")
    rows = sum(w * wide[k : k + 32] for k, w in enumerate(weights))
    return sum(w * rows[:, k : k + 32] for k, w in enumerate(weights))


def cubic(x):
    """Catmull and Rom's kernel."""
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def enlarged(plane, factor):
    """The middle of a plane; what lies beyond an edge is as the edge."""

    def along(lines):
        out = np.zeros_like(lines)
        for i in range(32):
            place = 15.5 + (i - 15.5) / factor
            for k in range(math.floor(place) - 1, math.floor(place) + 3):
                out[i] += cubic(place - k) * lines[min(max(k, 0), 31)]
        return out

    return along(along(plane).T).T


def everywhere(test, plane):
    """`np.any` or `np.all` of the 3 x 3 around each pixel, as far as it is inside."""
    # what lies beyond an edge is as the edge, and so changes neither
    around = np.lib.stride_tricks.sliding_window_view(np.pad(plane, 1, mode="edge"), (3, 3))
    return test(around, axis=(2, 3))


def bar(lines):
    """How many of the first lines (32, 32) are a bar or next to it."""
    plain = np.ptp(lines.astype(int), axis=1) <= 6
    count = plain.argmin() if not plain.all() else 32
    return count + 2 if 0 < count <= 10 else 0


def inside(pixels):
    """1 on what a thumbnail shows, 0 on bars along its edges and next to them."""
    mask = np.ones((32, 32))
    for turn in range(4):
        np.rot90(mask, turn)[: bar(np.rot90(pixels, turn))] = 0
    return mask


def subject(pixels):
    """1 on what a thumbnail shows, 0 on frame and plain ground and next to them; all 1 without."""
    everything = inside(pixels)
    frequency = np.bincount(pixels.reshape(-1), minlength=256)
    near = np.abs(pixels.astype(int) - frequency.argmax()) <= 3
    ground = everywhere(np.any, everywhere(np.all, near))
    if pixels.astype(float).var() < 25**2 or ground.mean() < 0.2:
        return everything
    return everything * ~everywhere(np.any, ground)


def detail(pixels, factor):
    """A thumbnail (32, 32) less its blur, in units of how strong that is around each pixel."""
    mask = subject(pixels)
    plane, mask = enlarged(pixels.astype(float), factor), enlarged(mask, factor) > 0.5
    high = mask * (plane - blurred(plane * mask, 2.0) / np.maximum(blurred(mask * 1.0, 2.0), 1e-3))
    around = blurred(high**2, 1.5) / np.maximum(blurred(mask * 1.0, 1.5), 1e-3)
    return np.clip(np.rint(32 * high / np.sqrt(around + 0.25)), -127, 127)


def correlation(a, b):
    """The best over shifts of up to two pixels, of what two details have in common."""
    best = 0.0
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            u = a[max(-dy, 0) : 32 - max(dy, 0), max(-dx, 0) : 32 - max(dx, 0)]
            v = b[max(dy, 0) : 32 + min(dy, 0), max(dx, 0) : 32 + min(dx, 0)]
            strength = math.sqrt((u**2).sum() * (v**2).sum())
            best = max(best, (u * v).sum() / max(strength, 0.25 * 32**2 * u.size))
    return best


@functools.cache
def details(pixels):
    plane = np.frombuffer(pixels, np.uint8).reshape(32, 32)
    return [detail(plane, factor) for factor in (1.0, 1.08, 1.17)]


@functools.cache
def turned_correlation(a, b, t, zooms):
    ours, theirs = [TURNS[t](plane) for plane in details(a)], details(b)
    pairs = [(own, theirs[0]) for own in ours[:zooms]]
    pairs += [(ours[0], other) for other in theirs[1:zooms]]
    return min(max(correlation(*pair) for pair in pairs), 1.0)


def similarity(a, b, bits):
    """(orientation, score) of two thumbnails (1024,), best first: enlarged if they are alike."""
    for zooms in (1, 3):
        scores = {
            t: turned_correlation(a.tobytes(), b.tobytes(), t, zooms)
            for t in range(8)
            if bits >> t & 1
        }
        best = max(scores, key=lambda t: scores[t])
        if scores[best] < 0.15:
            break
    return best, scores[best]


@functools.cache
def cached_verdict(a, b, distance, bits):
    ours, theirs = np.frombuffer(a, np.uint8), np.frombuffer(b, np.uint8)
    found = judge(ours, theirs, bits) if distance == 0 else (False, 0, 0.0)
    return found if found[0] else (False, *similarity(ours, theirs, bits))


def verdict(thumbnails, i, j, distance, bits):
    """(agrees, orientation, score) of a match."""
    if thumbnails is None:
        return False, first_bit(bits), math.nan
    found = cached_verdict(thumbnails[i].tobytes(), thumbnails[j].tobytes(), distance, bits)
    return (*found[:2], 0.0) if either_flat(thumbnails, i, j) else found


def is_flat(pixels):
    """Whether a thumbnail is flat without nine pixels, the lowest and highest ones."""
    ordered = np.sort(pixels.reshape(-1).astype(float))
    rest = ordered.size - 9
    return min(ordered[low : low + rest].std() for low in range(10)) < 1


def either_flat(thumbnails, i, j):
    return is_flat(thumbnails[i]) or is_flat(thumbnails[j])


def colours(a, b, t):
    """(colour, distance) of chroma (128,) of a pair, a turned: 0 same, 1 faded, 2 different."""

    def rest(tint):
        def mean_square(share):
            off = v - share * u
            cast = off.mean((1, 2))
            taken = cast * min(tint / max(math.hypot(*cast), 1e-9), 1)
            return ((off - taken[:, None, None]) ** 2).sum() / 64

        return math.sqrt(minimize_scalar(mean_square, bounds=(0, 1), options={"xatol": 1e-9}).fun)

    u = np.stack([TURNS[t](plane) for plane in a.reshape(2, 8, 8)]).astype(float)
    v = b.reshape(2, 8, 8).astype(float)
    if (v**2).sum() > (u**2).sum():
        u, v = v, u
    strong, weak = (math.sqrt((planes**2).sum() / 64) for planes in (u, v))
    levels = rest(0)
    tinted = levels >= 7 and rest(20) <= 0.5 * levels
    if tinted:
        levels = rest(20)
    if levels >= 7 and levels >= 0.6 * weak:
        return 2, levels
    return int(tinted or (strong >= 3 and weak < 0.7 * strong)), levels


def is_copy(thumbnails, i, j, distance, bits, min_score):
    if thumbnails is None:
        return True
    if either_flat(thumbnails, i, j):
        return False
    if distance and min_score is None:
        return True
    agrees, _, score = verdict(thumbnails, i, j, distance, bits)
    return agrees or (min_score is not None and score >= min_score)

"""Plain twins of the kernels and of what is built on them: slow, short and obviously right."""

import functools
import math
from fractions import Fraction

import numpy as np
from scipy.optimize import minimize_scalar

TOP = 2**64 - 1
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


def collapse(rows):
    """First row of each class, and the class of each row."""
    seen, of_row = {}, []
    for i, row in enumerate(rows):
        of_row.append(seen.setdefault(np.ascontiguousarray(row).tobytes(), (len(seen), i))[0])
    return [i for _, i in seen.values()], of_row


def relation(left, right, left_known, right_known):
    """(n, m) least distances over all orientations, and a bit for each that gives it."""
    ways = [(t, 0, t) for t in left_known]
    ways += [(0, INVERSE[t], t) for t in range(8) if INVERSE[t] in right_known]
    apart = [np.bitwise_count(left[:, None, a] ^ right[None, :, b]) for a, b, _ in ways]
    least = np.min(apart, axis=0)
    bits = [(d == least) * np.uint8(1 << t) for d, (_, _, t) in zip(apart, ways, strict=True)]
    return least, np.bitwise_or.reduce(bits)


def distance_counts(hashes, known):
    """How many pairs i < j are at each least distance, and at each greatest."""
    ways = [(t, 0) for t in known] + [(0, INVERSE[t]) for t in range(8) if INVERSE[t] in known]
    counts = np.zeros((2, 65), np.int64)
    for j, b in enumerate(hashes.tolist()):
        for a in hashes[:j].tolist():
            apart = [(a[s] ^ b[t]).bit_count() for s, t in ways]
            counts[0, min(apart)] += 1
            counts[1, max(apart)] += 1
    return counts


def matches(left, right, radius, left_known, right_known):
    """(i, j, distance, mask) of every pair within a radius, by (i, j)."""
    distance, mask = relation(left, right, left_known, right_known)
    return [
        (i, j, int(distance[i, j]), int(mask[i, j]))
        for i, j in np.argwhere(distance <= radius).tolist()
    ]


def near_pairs(values, others, radius):
    """Every (a, b) of values and others within a radius."""
    return {(a, b) for a in values for b in others if (a ^ b).bit_count() <= radius}


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
        inside &= everywhere(lambda around: not around.any(), ground)[1:-1, 1:-1]
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


def block(plane, i, j):
    """The 3 x 3 around a pixel, as far as it is inside."""
    return plane[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]


def everywhere(test, plane):
    return np.array([[test(block(plane, i, j)) for j in range(32)] for i in range(32)])


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
    return cached_verdict(thumbnails[i].tobytes(), thumbnails[j].tobytes(), distance, bits)


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
    if thumbnails is None or (distance and min_score is None):
        return True
    agrees, _, score = verdict(thumbnails, i, j, distance, bits)
    return agrees or (min_score is not None and score >= min_score)


def links(hashes, radius, thumbnails=None, known=None, min_score=0.5):
    """{(i, j), ...} of rows within reach of one another, both ways round."""
    known = range(hashes.shape[1]) if known is None else known
    return {
        (i, j)
        for i, j, distance, bits in matches(hashes, hashes, radius, known, known)
        if is_copy(thumbnails, i, j, distance, bits, min_score)
    }


def stars(rows, reach):
    """The keeper of each row: the first earlier keeper within reach, or itself."""
    keeper = []
    for i in range(rows):
        keeper.append(next((k for k in range(i) if keeper[k] == k and (i, k) in reach), i))
    return keeper


def components(rows, reach):
    """The first row that a chain leads to from each row."""
    keeper = list(range(rows))
    for first in range(rows):
        todo = [first] if keeper[first] == first else []
        while todo:
            i = todo.pop()
            keeper[i] = first
            todo += [j for j in range(rows) if (i, j) in reach and keeper[j] > first]
    return keeper


def copies(hashes, thumbnails, keeper, known=None):
    """(keeper, distance, agrees, orientation, score) of each row against its keeper."""
    known = range(hashes.shape[1]) if known is None else known
    distance, mask = relation(hashes, hashes, known, known)
    found = []
    for i, k in enumerate(keeper):
        if i == k:
            same = thumbnails is not None
            found.append((i, 0, same, 0, 1.0 if same else math.nan))
        else:
            apart = int(distance[i, k])
            found.append((k, apart, *verdict(thumbnails, i, k, apart, int(mask[i, k]))))
    return found


def kind_of(hashes, thumbnails, contents, i, j):
    """(kind, distance, orientation, score) of a pair of rows; equal contents are equal bytes."""
    known = range(hashes.shape[1])
    distance, bits = relation(hashes[[i]], hashes[[j]], known, known)
    distance, bits = int(distance[0, 0]), int(bits[0, 0])
    if contents[i] == contents[j]:
        return "identical", 0, 0, 1.0
    agrees, orientation, score = verdict(thumbnails, i, j, distance, bits)
    if agrees:
        return "augmented" if orientation else "exact", distance, orientation, score
    near = score >= 0.5 or (distance and math.isnan(score))
    return "near" if near else "collision", distance, orientation, score


def clean(order, allowed, radius, copies, not_copies, kinds):
    """{row: its keeper}: each row, in order, goes for the first one that stays it is a copy of."""

    def is_copy(i, j):
        kind, distance = kinds[i, j][:2]
        is_allowed = kind in allowed and distance <= (0 if kind == "collision" else radius)
        pair = frozenset((i, j))
        return (is_allowed or pair in copies) and pair not in not_copies

    keeper = {}
    for row in order:
        stay = [k for k, of in keeper.items() if k == of]
        keeper[row] = next((k for k in stay if is_copy(row, k)), row)
    return keeper


def near(array, start, word, radius):
    """Bit i is set if array[start + i] is within `radius` of `word`, i < 8."""
    return sum((array[start + i] ^ word).bit_count() <= radius and 1 << i for i in range(8))


def near_some(array, start, word, radius):
    """Four windows of `near` in one."""
    windows = [near(array, start + 8 * j, word, radius) for j in range(4)]
    return windows[0] | windows[1] | windows[2] | windows[3]


def unlike(array, start, word):
    """Bit i is set if array[start + i] and `word` differ above the last bit, i < 8."""
    return sum((array[start + i] // 2 != word // 2) << i for i in range(8))


def permute(value, order):
    """The bits of a value in the order given, from the most significant."""
    return sum((value >> bit & 1) << (63 - place) for place, bit in enumerate(order))


def sort_values(values, rows):
    """(value, its rows as they come) of each different value, ascending."""
    return [
        (v, [row for value, row in zip(values, rows, strict=True) if value == v])
        for v in sorted(set(values))
    ]


def find_bounds(values, shift):
    """Where the top bits t begin among sorted values, for each t and for what is beyond."""
    return [sum(v >> shift < t for v in values) for t in range((1 << (64 - shift)) + 1)]


def find_places(values, wanted):
    return [sum(v < w for v in values) for w in wanted]


def split_segments(segments, shift, digits):
    """Each segment cut into `digits` parts."""
    return [
        [v for v in segment if v >> shift & (digits - 1) == digit]
        for segment in segments
        for digit in range(digits)
    ]


def crowd(seed, size, width=1):
    """Awkward hashes (size, width): a kind of crowd by the seed."""
    rng = np.random.default_rng(seed)
    shape = (size, width)
    kind = ["chance", "few", "ball", "clusters", "few bits", "equal blocks", "ends"][seed % 7]
    if kind == "few":
        return rng.integers(0, 3, shape).astype(np.uint64)
    rows = rng.integers(0, TOP, shape, np.uint64, endpoint=True)
    if kind == "chance":
        return rows
    if kind == "equal blocks":
        low, high = np.sort(rng.integers(0, 65, 2)).tolist()
        own = (1 << high) - (1 << low)
        return (rows & np.uint64(own)) | (rows[:1, :1] & np.uint64(TOP ^ own))
    centres = np.array([0, TOP], np.uint64) if kind == "ends" else rows[:3, 0]
    rows = centres[rng.integers(0, 1 if kind == "ball" else centres.size, shape)] if size else rows
    for _ in range(rng.integers(0, 7)):
        bit = rng.integers(0, 9 if kind == "few bits" else 64, shape)
        rows = rows ^ (np.uint64(1) << bit.astype(np.uint64))
    return rows


def ball(size, radius):
    """Different hashes (size,), all within a radius of one."""
    rng = np.random.default_rng(size)
    flips = rng.permuted(np.tile(np.arange(64, dtype=np.uint64), (2 * size, 1)), axis=1)
    found = np.bitwise_xor.reduce(np.uint64(1) << flips[:, :radius], axis=1)
    return rng.permutation(np.unique(found))[:size] ^ np.uint64(0x9E3779B97F4A7C15)


def filter_coco(document, goes):
    """A COCO file, parsed, without some images and their annotations."""
    kept = dict(document)
    kept["images"] = [one for one in document["images"] if one["id"] not in goes]
    if "annotations" in document:
        some = document["annotations"]
        kept["annotations"] = [one for one in some if one["image_id"] not in goes]
    return kept


def fill(polygon, height, width):
    """Pixels (height, width) whose centre is inside a polygon (n, 2), by the crossing rule."""
    y, x = np.mgrid[:height, :width] + 0.5
    inside = np.zeros((height, width), bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 != y1:
            crosses = (y0 <= y) != (y1 <= y)
            inside ^= crosses & (x < x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    return inside

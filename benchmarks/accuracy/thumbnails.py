"""Which pairs of equal hashes do the thumbnails call copies?

Copies are pictures that were saved again or edited. Look-alikes are different pictures that often
have equal hashes: crops on white, flat images, gradients. Only pairs at distance 0 count. The
tolerances of the thumbnails' comparison come from this table.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.support.command_line import make_parser
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import Pixels, load_pictures, random_crops, random_size, square
from fastphash.hashing.phash import hash_thumbnails
from fastphash.images.decode import Decoding, decode
from fastphash.images.encode import encode
from fastphash.images.pixels import array_grey
from fastphash.images.thumbnail import thumbnail
from fastphash.joins.matches import Matches
from fastphash.store.content import Content
from fastphash.verification.comparison import compare_images

Edits = dict[str, Callable[[Pixels], Pixels]]

# of things on white pages, in pixels
_SIDES = (40, 60, 75, 105)
_PAGE_SIDE = 300
_THINGS = 300


def main() -> None:
    arguments = make_parser(__doc__, count=500).parse_args()
    pictures = load_pictures(arguments.photos)
    draw_size = random_size((64, 499), (64, 499))
    originals = list(random_crops(pictures, arguments.count, draw_size))
    header = ("pairs of equal hashes", "of", "called copies", "share")
    rows = [
        *copies("", originals, all_edits()),
        *copies_on_pages(pictures),
        *look_alikes(pictures),
    ]
    print_table(header, rows)


def copies(what: str, originals: list[Pixels], edits: Edits) -> Iterator[tuple[str, ...]]:
    """A row per edit."""
    before = [thumb(pixels) for pixels in originals]
    for name, edit in edits.items():
        after = [thumb(edit(pixels)) for pixels in originals]
        yield row(f"copy{what}, {name}", before, after, [(i, i) for i in range(len(before))])


def copies_on_pages(pictures: list[Pixels]) -> Iterator[tuple[str, ...]]:
    edits = {name: edit for name, edit in all_edits().items() if name.startswith("saved")}
    for side in _SIDES:
        things = random_crops(pictures, _THINGS, square(side))
        middle = (_PAGE_SIDE - side + 1) // 2
        pages = [on_page(thing, middle, middle) for thing in things]
        yield from copies(f" of {side} pixels on a white page", pages, edits)


def all_edits() -> Edits:
    def saved(quality: int) -> Callable[[Pixels], Pixels]:
        return lambda pixels: decoded(encode(pixels, "JPEG", quality))

    def scaled(gain: float, pivot: float) -> Callable[[Pixels], Pixels]:
        return lambda pixels: np.clip(
            (pixels.astype(np.float64) - pivot) * gain + pivot, 0, 255
        ).astype(np.uint8)

    edits: Edits = {
        f"saved again at quality {quality}": saved(quality) for quality in (30, 50, 75, 95)
    }
    edits |= {f"brightness x {gain}": scaled(gain, 0) for gain in (0.5, 0.8, 1.2, 1.5)}
    edits |= {f"contrast x {gain}": scaled(gain, 128) for gain in (0.5, 1.3)}
    return edits


def look_alikes(pictures: list[Pixels]) -> Iterator[tuple[str, ...]]:
    rng = np.random.default_rng(1)
    for side in _SIDES:
        middle = (_PAGE_SIDE - side + 1) // 2
        for name, top, left in (("the middle", middle, middle), ("a corner", 10, 20)):
            things = random_crops(pictures, _THINGS, square(side))
            pages = [thumb(on_page(thing, top, left)) for thing in things]
            yield all_pairs(f"look-alike, {side} pixels in {name} of a white page", pages)
    flat = [np.full((64, 64), level, np.uint8) for level in range(0, 256, 8)]
    yield all_pairs("look-alike, flat, 8 levels apart or more", [thumb(page) for page in flat])
    yield all_pairs("look-alike, gradients", [thumb(gradient(rng)) for _ in range(300)])


def on_page(thing: Pixels, top: int, left: int) -> Pixels:
    page = np.full((_PAGE_SIDE, _PAGE_SIDE, 3), 255, np.uint8)
    page[top : top + thing.shape[0], left : left + thing.shape[1]] = thing
    return page


def gradient(rng: np.random.Generator) -> Pixels:
    """A ramp in a random direction, with a random exponent."""
    x, y = rng.uniform(-1, 1, 2)
    ramp = np.add.outer(np.arange(64) * y, np.arange(64) * x)
    ramp = ((ramp - ramp.min()) / np.ptp(ramp)) ** rng.uniform(0.5, 2)
    low, high = np.sort(rng.uniform(0, 255, 2))
    return np.asarray(low + ramp * (high - low), np.uint8)


def all_pairs(name: str, thumbnails: list[Pixels]) -> tuple[str, ...]:
    """The row of all pairs of different thumbnails."""
    pairs = itertools.combinations(enumerate(thumbnails), 2)
    different = [(i, j) for (i, one), (j, other) in pairs if (one != other).any()]
    return row(name, thumbnails, thumbnails, different)


def row(
    name: str, left: list[Pixels], right: list[Pixels], pairs: list[tuple[int, int]]
) -> tuple[str, ...]:
    """Count those of the pairs that have equal hashes."""
    a, b = np.array(pairs, np.int64).reshape(-1, 2).T
    one, other = np.stack(left), np.stack(right)
    equal = hash_thumbnails(one)[a] == hash_thumbnails(other)[b]
    a, b = np.ascontiguousarray(a[equal]), np.ascontiguousarray(b[equal])
    upright = Matches(a, b, np.zeros(a.size, np.uint8), np.ones(a.size, np.uint8))
    agrees = compare_images(
        upright, *(Content(pixels.reshape(-1, 1024)) for pixels in (one, other))
    ).agrees
    share = f"{agrees.mean():.2%}" if agrees.size else "-"
    return name, f"{agrees.size:,}", f"{agrees.sum():,}", share


def thumb(pixels: Pixels) -> Pixels:
    return thumbnail(array_grey(pixels))


def decoded(data: bytes) -> Pixels:
    return decode(data, Decoding()).grey


if __name__ == "__main__":
    main()

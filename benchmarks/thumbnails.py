"""Which pairs of equal hashes do the thumbnails call copies? The tolerances of kernels/agree.py.

On one side copies that were saved again or edited, on the other pictures that only look alike to
the hash: crops on white, flat images, gradients. Only pairs at distance 0 are counted.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import common
import numpy as np
from numpy.typing import NDArray

from fastphash import images
from fastphash.hashes import Content
from fastphash.hashing import hash_thumbnails
from fastphash.joins import Matches
from fastphash.thumbnail import thumbnail
from fastphash.verify import judge

Pixels = NDArray[np.uint8]

# of things on pages of 300 x 300
_SIDES = (40, 60, 75, 105)


def main() -> None:
    arguments = common.parser(__doc__).parse_args()
    originals = list(
        common.crops(
            arguments.photos,
            arguments.count,
            lambda rng: (int(rng.integers(64, 500)), int(rng.integers(64, 500))),
        )
    )
    header = ("pairs of equal hashes", "of", "called copies", "share")
    rows = [
        *copies("", originals, edits()),
        *copies_on_pages(arguments.photos),
        *look_alikes(arguments.photos),
    ]
    common.table(header, rows)


Edits = dict[str, Callable[[Pixels], Pixels]]


def copies(what: str, originals: list[Pixels], made: Edits) -> Iterator[tuple[str, ...]]:
    before = [thumb(pixels) for pixels in originals]
    for name, edit in made.items():
        after = [thumb(edit(pixels)) for pixels in originals]
        yield row(f"copy{what}, {name}", before, after, [(i, i) for i in range(len(before))])


def copies_on_pages(folders: list[Path]) -> Iterator[tuple[str, ...]]:
    again = {name: edit for name, edit in edits().items() if name.startswith("saved")}
    for side in _SIDES:
        things = common.crops(folders, 300, square(side))
        made = [on_page(thing, 150 - side // 2, 150 - side // 2) for thing in things]
        yield from copies(f" of {side} pixels on a white page", made, again)


def square(side: int) -> Callable[[np.random.Generator], tuple[int, int]]:
    return lambda _: (side, side)


def edits() -> Edits:
    def saved(quality: int) -> Callable[[Pixels], Pixels]:
        return lambda pixels: decoded(images.encode(pixels, "JPEG", quality))

    def scaled(gain: float, pivot: float) -> Callable[[Pixels], Pixels]:
        return lambda pixels: np.clip(
            (pixels.astype(np.float64) - pivot) * gain + pivot, 0, 255
        ).astype(np.uint8)

    made: Edits = {
        f"saved again at quality {quality}": saved(quality) for quality in (30, 50, 75, 95)
    }
    made |= {f"brightness x {gain}": scaled(gain, 0) for gain in (0.5, 0.8, 1.2, 1.5)}
    made |= {f"contrast x {gain}": scaled(gain, 128) for gain in (0.5, 1.3)}
    return made


def look_alikes(folders: list[Path]) -> Iterator[tuple[str, ...]]:
    rng = np.random.default_rng(1)
    for side in _SIDES:
        for name, top, left in (
            ("the middle", 150 - side // 2, 150 - side // 2),
            ("a corner", 10, 20),
        ):
            things = common.crops(folders, 300, square(side))
            made = [thumb(on_page(thing, top, left)) for thing in things]
            yield all_pairs(f"look-alike, {side} pixels in {name} of a white page", made)
    flat = [np.full((64, 64), level, np.uint8) for level in range(0, 256, 8)]
    yield all_pairs("look-alike, flat, 8 levels apart or more", [thumb(page) for page in flat])
    yield all_pairs("look-alike, gradients", [thumb(gradient(rng)) for _ in range(300)])


def on_page(thing: Pixels, top: int, left: int) -> Pixels:
    page = np.full((300, 300, 3), 255, np.uint8)
    page[top : top + thing.shape[0], left : left + thing.shape[1]] = thing
    return page


def gradient(rng: np.random.Generator) -> Pixels:
    """A ramp in a random direction, bent at random."""
    x, y = rng.uniform(-1, 1, 2)
    ramp = np.add.outer(np.arange(64) * y, np.arange(64) * x)
    ramp = ((ramp - ramp.min()) / np.ptp(ramp)) ** rng.uniform(0.5, 2)
    low, high = np.sort(rng.uniform(0, 255, 2))
    return np.asarray(low + ramp * (high - low), np.uint8)


def all_pairs(name: str, made: list[Pixels]) -> tuple[str, ...]:
    pairs = itertools.combinations(range(len(made)), 2)
    return row(name, made, made, [(i, j) for i, j in pairs if (made[i] != made[j]).any()])


def row(
    name: str, left: list[Pixels], right: list[Pixels], pairs: list[tuple[int, int]]
) -> tuple[str, ...]:
    a, b = np.array(pairs, np.int64).reshape(-1, 2).T
    one, other = np.stack(left), np.stack(right)
    equal = hash_thumbnails(one)[a] == hash_thumbnails(other)[b]
    a, b = np.ascontiguousarray(a[equal]), np.ascontiguousarray(b[equal])
    upright = Matches(a, b, np.zeros(a.size, np.uint8), np.ones(a.size, np.uint8))
    agrees = judge(upright, *(Content(pixels.reshape(-1, 1024)) for pixels in (one, other))).agrees
    share = f"{agrees.mean():.2%}" if agrees.size else "-"
    return name, f"{agrees.size:,}", f"{agrees.sum():,}", share


def thumb(pixels: Pixels) -> Pixels:
    return thumbnail(images.array_grey(pixels))


def decoded(data: bytes) -> Pixels:
    return images.decode(data, images.Decoding()).grey


if __name__ == "__main__":
    main()

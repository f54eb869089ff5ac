"""Pictures whose copies are known: originals, their edited copies, and others that look like them.

Photos are cut into windows of 240 x 200 pixels (smaller pictures are taken whole; those longer than
1,024 are reduced first). The haystack holds the originals, which don't overlap, and distractors:
windows moved by 30 to 60 % as in a burst, windows between four others, and all sorts of windows
and tiles of the same folders. The needles are edited originals.

The truth: a needle is a copy of its original. It is no copy of a window that shares less than half
of the smaller one's area with it. Other pairs are not judged, being neither one nor the other; nor
are tiles that are known to show one place. Windows of one colour throughout, which are copies of
one another by any measure, are left out.
"""

import functools
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from edits import Edit, Picture, Window, graded
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from fastphash import demo

WIDTH, HEIGHT = 240, 200
LONGEST = 1024
SHORTEST = 32
# of the area of the smaller window: from here on pairs that are not listed are not judged
SHARED = 0.5

# EuroSAT has two tiles of one place, found by eye among the pairs that verifying ranked highest
_SAME_PLACE = ({"River_111.jpg", "River_1680.jpg"},)

_BURST, _BETWEEN = 3, 1
# windows of the same folders, for each original
_OTHERS = 4
_SCENES, _SCENE_SIDE = 24, 640

Step = Callable[[Generator], tuple[float, float]]
Source = Path | int
"""A file, or the number of a drawn scene."""


class Place(NamedTuple):
    """A window of a source."""

    source: int
    window: Window


class Pool(NamedTuple):
    """What is compared.

    Attributes
    ----------
    sources : list of Path or int
    folders : list of str
        Of each source, where it is from.
    scenes : list of int
        Of each source, the first source of the same place.
    originals : list of Place
    distractors : dict of str to list of Place
        By what they are.
    seed : int
    """

    sources: list[Source]
    folders: list[str]
    scenes: list[int]
    originals: list[Place]
    distractors: dict[str, list[Place]]
    seed: int

    @property
    def haystack(self) -> list[Place]:
        """The originals come first."""
        return [*self.originals, *(p for places in self.distractors.values() for p in places)]


class Needle(NamedTuple):
    """An edited copy of an original: its row among the originals, and that of the edit."""

    original: int
    edit: int
    place: Place
    picture: Picture


def build(folders: Sequence[Path], count: int, seed: int) -> Pool:
    """Choose originals and distractors; without folders, of drawn scenes."""
    sources: list[Source] = []
    names: list[str] = []
    groups: list[list[Place]] = []
    rng = np.random.default_rng(seed)
    scenes: list[Source] = list(range(_SCENES))
    given = [(folder.name, images_of(folder)) for folder in folders] or [("scenes", scenes)]
    for name, found in given:
        cells = [
            Place(len(sources) + i, window)
            for i, source in enumerate(found)
            for window in windows(size_of(source))
        ]
        sources += found
        names += [name] * len(found)
        groups.append([cells[i] for i in rng.permutation(len(cells))])
    shares = dealt(count, [len(group) for group in groups])

    def varied(places: Iterable[Place]) -> Iterator[Place]:
        return (p for p in places if not is_one_colour(p.window.cut(load(sources[p.source]))))

    chosen = [islice(varied(group), n) for group, n in zip(groups, shares, strict=True)]
    originals = sorted(place for some in chosen for place in some)
    unused = sorted({place for group in groups for place in group}.difference(originals))
    others = [unused[i] for i in sorted(rng.permutation(len(unused))[: _OTHERS * count])]
    near: dict[str, Iterable[Place]] = {
        "moved by 30 to 60 %": around(sources, originals, _BURST, burst, rng),
        "between four others": around(sources, originals, _BETWEEN, between, rng),
        "other windows and tiles": others,
    }
    distractors = {what: list(varied(places)) for what, places in near.items()}
    return Pool(sources, names, scenes_of(sources), originals, distractors, seed)


def images_of(folder: Path) -> list[Source]:
    """The files below a folder that Pillow takes for images, by name."""
    found: list[Source] = [path for path in sorted(folder.rglob("*")) if is_image(path)]
    if not found:
        raise SystemExit(f"no images in {str(folder)!r}: give a folder of photos")
    return found


def is_image(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        Image.open(path).close()
    except UnidentifiedImageError:
        return False
    except OSError as error:
        raise SystemExit(f"can't read {str(path)!r}: {error.strerror}") from error
    return True


def scenes_of(sources: list[Source]) -> list[int]:
    scenes = list(range(len(sources)))
    for names in _SAME_PLACE:
        rows = [i for i, s in enumerate(sources) if isinstance(s, Path) and s.name in names]
        for row in rows:
            scenes[row] = rows[0]
    return scenes


def size_of(source: Source) -> tuple[int, int]:
    """Width and height after it is reduced."""
    if isinstance(source, int):
        return _SCENE_SIDE, _SCENE_SIDE
    with Image.open(source) as image:
        return reduced(image.size)


def reduced(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(LONGEST / max(size), 1)
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)


@functools.lru_cache(maxsize=32)
def load(source: Source) -> Picture:
    if isinstance(source, int):
        return Image.fromarray(demo.scene(np.random.default_rng([1, source]), side=_SCENE_SIDE))
    try:
        with Image.open(source) as image:
            picture = image.convert("RGB")
    except OSError as error:
        raise SystemExit(f"can't decode {str(source)!r}: {error}: take it away") from error
    size = reduced(picture.size)
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)


def windows(size: tuple[int, int]) -> Iterator[Window]:
    """Windows side by side, each in the middle of its cell."""
    width, height = size
    if min(size) < SHORTEST:
        return
    if width < WIDTH or height < HEIGHT:
        yield Window(0, 0, width, height)
        return
    columns, rows = width // WIDTH, height // HEIGHT
    for row in range(rows):
        for column in range(columns):
            left = round((column + 0.5) * width / columns - WIDTH / 2)
            top = round((row + 0.5) * height / rows - HEIGHT / 2)
            yield Window(left, top, WIDTH, HEIGHT)


def is_one_colour(picture: Picture) -> bool:
    least, most = picture.convert("L").getextrema()
    return least == most


def dealt(count: int, available: list[int]) -> list[int]:
    """As evenly as what there is allows."""
    shares = [0] * len(available)
    order = sorted(range(len(available)), key=available.__getitem__)
    for place, i in enumerate(order):
        shares[i] = min(available[i], math.ceil((count - sum(shares)) / (len(order) - place)))
    return shares


def around(
    sources: list[Source],
    originals: list[Place],
    times: int,
    step: Step,
    rng: Generator,
) -> Iterator[Place]:
    """Windows a step from each original, where there is room."""
    for source, window in originals:
        size = size_of(sources[source])
        for _ in range(times):
            x, y = step(rng)
            ways = [window.moved(x * sign, y * other) for sign in (1, -1) for other in (1, -1)]
            for there in ways:
                if there.inside(size):
                    yield Place(source, there)
                    break


def burst(rng: Generator) -> tuple[float, float]:
    return rng.choice((-1, 1)) * rng.uniform(0.3, 0.6), rng.uniform(-0.2, 0.2)


def between(rng: Generator) -> tuple[float, float]:
    x, y = rng.choice((-0.5, 0.5), 2)
    return float(x), float(y)


def needles(pool: Pool, original: int, edits: Sequence[Edit] | None = None) -> Iterator[Needle]:
    """Every edit of one original for which there is room."""
    source, window = pool.originals[original]
    picture = load(pool.sources[source])
    for row, edit in enumerate(graded() if edits is None else edits):
        rng = np.random.default_rng([pool.seed, original, zlib.crc32(edit.name.encode())])
        framed = edit.frame(window, picture.size, rng)
        if framed is not None:
            made = edit.paint(framed.cut(picture), rng)
            yield Needle(original, row, Place(source, framed), made)


def unjudged(
    places: NDArray[np.int64], own: NDArray[np.int64], there: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of a needle and a haystack row that are no copies for sure, nor sure to be none.

    Parameters
    ----------
    places, there : int64 (n, 5), (m, 5)
        Scene, left, top, width and height of the needles and of the haystack.
    own : int64 (n,)
        The row of each needle's original.
    """
    order = np.argsort(there[:, 0], kind="stable")
    starts = np.searchsorted(
        there[order, 0], np.arange(max(there[:, 0].max(), places[:, 0].max()) + 2)
    )
    left, right = [], []
    for needle, (scene, *window) in enumerate(places.tolist()):
        rows = order[starts[scene] : starts[scene + 1]]
        rows = rows[(shared(window, there[rows, 1:]) >= SHARED) & (rows != own[needle])]
        left.append(np.full(rows.size, needle))
        right.append(rows)
    return np.concatenate(left), np.concatenate(right)


def shared(window: Sequence[int], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of the area of the smaller one, by how much a window overlaps each other."""
    left, top, width, height = window
    across = np.minimum(left + width, others[:, 0] + others[:, 2]) - np.maximum(left, others[:, 0])
    down = np.minimum(top + height, others[:, 1] + others[:, 3]) - np.maximum(top, others[:, 1])
    least = np.minimum(width * height, others[:, 2] * others[:, 3])
    return np.asarray(np.maximum(across, 0) * np.maximum(down, 0) / least)

"""A data set whose copies are known: originals, edited copies of them, and distractors.

Photos are cut into windows of 240 x 200 pixels that don't overlap; smaller pictures are used whole,
and pictures longer than 1,024 pixels are reduced first. The needles are edited originals. The
haystack holds the originals and the distractors: windows shifted from an original by 30 to 60 %, as
in a burst of photos; windows halfway between four others; other windows and tiles of the same
folders.

A needle is a copy of its original, and no copy of windows that share less than half of the area of
the smaller of the two; a needle's window is what it shows of its source. A picture that was pasted
into another one shows a window of that one too. Pairs that share more are ambiguous and count
neither way, as do tiles known to show one place. Windows of a single colour are left out: any
method calls them copies.
"""

import argparse
import functools
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from benchmarks.support.edits import Edit, all_edits
from benchmarks.support.image_operations import Picture, Window
from benchmarks.support.mixes import PLAIN
from benchmarks.support.pictures import image_files, load_picture
from fastphash.demo import scene

WIDTH, HEIGHT = 240, 200
# settings are chosen on one draw and reported on the other
DRAWS = ("choose", "report")
ALL = "all"

# the share of the smaller window's area from which on a pair is ambiguous
AMBIGUOUS = 0.5

_LONGEST, _SHORTEST = 1024, 32
# EuroSAT has two tiles of one place, found by eye among the pairs with the highest scores
_SAME_PLACE = ({"River_111.jpg", "River_1680.jpg"},)
# distractors for each original
_SHIFTED, _BETWEEN, _OTHERS = 3, 1, 4
_SCENES, _SCENE_SIDE = 24, 640

DrawShift = Callable[[Generator], tuple[float, float]]
"""Draws a shift, as shares of a window's width and height."""
Source = Path | int
"""A file, or the number of a drawn scene."""


def add_draw(parser: argparse.ArgumentParser, *others: str) -> None:
    """Add ``--draw``, one of `DRAWS` or of these others."""
    parser.add_argument(
        "--draw",
        choices=(*DRAWS, *others),
        default="report",
        help="which are drawn (default: %(default)s)",
    )


class Place(NamedTuple):
    """A window of a source."""

    source: int
    window: Window


class Dataset(NamedTuple):
    """Originals and distractors.

    Attributes
    ----------
    sources : list of Path or int
    folders : list of str
        The folder of each source.
    scenes : list of int
        For each source, the first source that shows the same place.
    originals : list of Place
    distractors : dict of str to list of Place
        By kind.
    seed : int
        Seeds the edits.
    mix : str
        Which edits the needles go through, see mixes.py.
    """

    sources: list[Source]
    folders: list[str]
    scenes: list[int]
    originals: list[Place]
    distractors: dict[str, list[Place]]
    seed: int
    mix: str = PLAIN

    @property
    def haystack(self) -> list[Place]:
        """The originals, then the distractors."""
        return [*self.originals, *(p for places in self.distractors.values() for p in places)]

    def picture(self, place: Place) -> Picture:
        return place.window.cut(load_source(self.sources[place.source]))


class Needle(NamedTuple):
    """An edited copy.

    Attributes
    ----------
    original : int
        Index of its original.
    edit : int
        Index of its edit.
    place : Place
        The part of the source that it shows.
    picture : Picture
    ground : Place or None
        What else it shows, if it was pasted into another picture.
    """

    original: int
    edit: int
    place: Place
    picture: Picture
    ground: Place | None = None


def build_dataset(
    folders: Sequence[Path], count: int, seed: int, *, draw: str = ALL, mix: str = PLAIN
) -> Dataset:
    """Choose originals and distractors from photos; without folders, from drawn scenes.

    The draws `choose` and `report` take originals from different halves of the files of each
    folder, whatever the seed; `all` takes them from all files. Distractors come from all files.
    """
    sources: list[Source] = []
    names: list[str] = []
    groups: list[list[Place]] = []
    kept: set[int] = set()
    rng = np.random.default_rng(seed)
    given: list[tuple[str, Sequence[Source]]]
    given = [(folder.name, image_files(folder)) for folder in folders]
    given = given or [("scenes", range(_SCENES))]
    for name, found in given:
        cells = [
            Place(len(sources) + i, window)
            for i, source in enumerate(found)
            for window in windows(size_of(source))
        ]
        kept.update(len(sources) + i for i in rows_of_draw(len(found), draw))
        sources += found
        names += [name] * len(found)
        groups.append([cells[i] for i in rng.permutation(len(cells))])
    drawn = [[place for place in group if place.source in kept] for group in groups]
    shares = divide_evenly(count, [len(group) for group in drawn])

    def varied(places: Iterable[Place]) -> Iterator[Place]:
        for place in places:
            if not is_one_colour(place.window.cut(load_source(sources[place.source]))):
                yield place

    chosen = [islice(varied(group), n) for group, n in zip(drawn, shares, strict=True)]
    originals = sorted(place for some in chosen for place in some)
    unused = sorted({place for group in groups for place in group}.difference(originals))
    others = [unused[i] for i in sorted(rng.permutation(len(unused))[: _OTHERS * count])]
    candidates: dict[str, Iterable[Place]] = {
        "moved by 30 to 60 %": shifted_windows(sources, originals, _SHIFTED, as_in_a_burst, rng),
        "between four others": shifted_windows(sources, originals, _BETWEEN, by_half, rng),
        "other windows and tiles": others,
    }
    distractors = {kind: list(varied(places)) for kind, places in candidates.items()}
    return Dataset(sources, names, scenes_of(sources), originals, distractors, seed, mix)


def rows_of_draw(files: int, draw: str) -> list[int]:
    """The files of a folder from which a draw takes its originals."""
    if draw == ALL:
        return list(range(files))
    order = np.random.default_rng(files).permutation(files)
    return sorted(order[DRAWS.index(draw) :: len(DRAWS)].tolist())


def scenes_of(sources: list[Source]) -> list[int]:
    scenes = list(range(len(sources)))
    for names in _SAME_PLACE:
        rows = [i for i, s in enumerate(sources) if isinstance(s, Path) and s.name in names]
        for row in rows:
            scenes[row] = rows[0]
    return scenes


def size_of(source: Source) -> tuple[int, int]:
    """Width and height, once reduced."""
    if isinstance(source, int):
        return _SCENE_SIDE, _SCENE_SIDE
    with Image.open(source) as image:
        return reduced_size(image.size)


def reduced_size(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(_LONGEST / max(size), 1)
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)


@functools.lru_cache(maxsize=32)
def load_source(source: Source) -> Picture:
    if isinstance(source, int):
        return Image.fromarray(scene(np.random.default_rng([1, source]), side=_SCENE_SIDE))
    picture = load_picture(source)
    size = reduced_size(picture.size)
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)


def windows(size: tuple[int, int]) -> Iterator[Window]:
    """Windows side by side, each in the middle of a cell of a regular grid."""
    width, height = size
    if min(size) < _SHORTEST:
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


def divide_evenly(count: int, available: list[int]) -> list[int]:
    """Divide a number as evenly as the available numbers allow."""
    shares = [0] * len(available)
    order = sorted(range(len(available)), key=available.__getitem__)
    for place, i in enumerate(order):
        shares[i] = min(available[i], math.ceil((count - sum(shares)) / (len(order) - place)))
    return shares


def shifted_windows(
    sources: list[Source],
    originals: list[Place],
    times: int,
    draw_shift: DrawShift,
    rng: Generator,
) -> Iterator[Place]:
    """Windows shifted from each original, where there is room."""
    for source, window in originals:
        size = size_of(sources[source])
        for _ in range(times):
            x, y = draw_shift(rng)
            for right, down in ((x, y), (x, -y), (-x, y), (-x, -y)):
                shifted = window.shifted(right, down)
                if shifted.inside(size):
                    yield Place(source, shifted)
                    break


def as_in_a_burst(rng: Generator) -> tuple[float, float]:
    return rng.choice((-1, 1)) * rng.uniform(0.3, 0.6), rng.uniform(-0.2, 0.2)


def by_half(rng: Generator) -> tuple[float, float]:
    x, y = rng.choice((-0.5, 0.5), 2)
    return float(x), float(y)


def edited_copies(
    dataset: Dataset, original: int, edits: Sequence[Edit] | None = None
) -> Iterator[Needle]:
    """All edits of one original that have enough room."""
    source, window = dataset.originals[original]
    picture = load_source(dataset.sources[source])
    for row, edit in enumerate(all_edits() if edits is None else edits):
        rng = np.random.default_rng([dataset.seed, original, zlib.crc32(edit.name.encode())])
        chosen = edit.choose_window(window, picture.size, rng)
        shown = chosen and edit.show(chosen, picture.size, rng)
        if chosen is None or shown is None:
            continue
        edited, ground = edit.operate(chosen.cut(picture), rng), None
        if edit.paste:
            ground = other_place(dataset, source, rng)
            if ground is None:
                continue
            edited = edit.paste(edited, dataset.picture(ground), rng)
        yield Needle(original, row, Place(source, shown), edited, ground)


def other_place(dataset: Dataset, source: int, rng: Generator) -> Place | None:
    """A random place of the haystack that shows another scene; None if there is none."""
    scene = dataset.scenes[source]
    others = [place for place in dataset.haystack if dataset.scenes[place.source] != scene]
    return others[rng.integers(len(others))] if others else None


def ambiguous_pairs(
    needles: NDArray[np.int64], originals: NDArray[np.int64], haystack: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of needles and haystack rows whose windows overlap, other than copies.

    Parameters
    ----------
    needles, haystack : int64 (n, 5), (m, 5)
        Scene, left, top, width and height of each.
    originals : int64 (n,)
        The haystack row of each needle's original.
    """
    order = np.argsort(haystack[:, 0], kind="stable")
    scenes = max(haystack[:, 0].max(), needles[:, 0].max()) + 1
    starts = np.searchsorted(haystack[order, 0], np.arange(scenes + 1))
    left, right = [], []
    for needle, (number, *window) in enumerate(needles.tolist()):
        rows = order[starts[number] : starts[number + 1]]
        ambiguous = overlap(window, haystack[rows, 1:]) >= AMBIGUOUS
        rows = rows[ambiguous & (rows != originals[needle])]
        left.append(np.full(rows.size, needle))
        right.append(rows)
    return np.concatenate(left), np.concatenate(right)


def overlap(window: Sequence[int], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """The area that a window shares with each other one, as a share of the smaller one's."""
    left, top, width, height = window
    across = np.minimum(left + width, others[:, 0] + others[:, 2]) - np.maximum(left, others[:, 0])
    down = np.minimum(top + height, others[:, 1] + others[:, 3]) - np.maximum(top, others[:, 1])
    least = np.minimum(width * height, others[:, 2] * others[:, 3])
    return np.asarray(np.maximum(across, 0) * np.maximum(down, 0) / least)

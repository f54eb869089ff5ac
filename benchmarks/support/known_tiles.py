"""Tiles whose copies are known: squares of photos, turned, mirrored and saved at some quality.

The numbers are those of the paper's data set: 280,741 tiles of 300 x 300 pixels for training and
60,317 for validation. Photos are cut into squares that don't overlap, 14,000 in all if they have as
many with a picture on them. Each is enlarged, with grain on it as photos have, and is saved in one
of eight orientations as JPEG at a quality from 75 to 95, for each of its tiles anew.
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from benchmarks.support.dataset import Source, load_source, size_of
from benchmarks.support.pictures import image_files
from fastphash.base.orientations import orient_pixels

SPLITS = ("train", "val")
TILES, ORIGINALS = 341_058, 14_000
SIDE = 300
_TRAINING = 280_741 / TILES
_QUALITIES = (75, 95)
_ORIENTATIONS = 8
# squares that are cut for each that is needed
_SPARE = 1.3
# least standard deviation of a square's grey levels: without, any method calls two of them copies
_LEAST_CONTRAST = 10.0
# standard deviation of grain, in grey levels
_GRAIN = 4.0
_SCENES = 48


class KnownTiles(NamedTuple):
    """Tiles and what they show.

    Attributes
    ----------
    sources : list of Path or int
        Photos, or numbers of drawn scenes.
    source : int64 (originals,)
    window : int64 (originals, 4)
        Left, top, right and bottom of each original in its source.
    original : int64 (tiles,)
        The tiles for training come first.
    orientation, quality : int64 (tiles,)
    training : int
        How many tiles are for training.
    """

    sources: list[Source]
    source: NDArray[np.int64]
    window: NDArray[np.int64]
    original: NDArray[np.int64]
    orientation: NDArray[np.int64]
    quality: NDArray[np.int64]
    training: int

    def name(self, tile: int) -> str:
        """The split and path of a tile."""
        if tile < self.training:
            return f"{SPLITS[0]}/{tile:06d}.jpg"
        return f"{SPLITS[1]}/{tile - self.training:06d}.jpg"

    def number(self, split: NDArray[np.str_], path: NDArray[np.str_]) -> NDArray[np.int64]:
        """The numbers of tiles, by their splits and paths."""
        place = np.array([int(name[: -len(".jpg")]) for name in path.tolist()], np.int64)
        return place + np.where(split == SPLITS[1], self.training, 0)


def plan_tiles(photos: Sequence[Path], count: int, seed: int = 0) -> KnownTiles:
    """Draw windows, and so many tiles of them; each window has one tile at least."""
    rng = np.random.default_rng(seed)
    files = [path for folder in photos for path in image_files(folder)]
    sources: list[Source] = [*files] if files else [*range(_SCENES)]
    wanted = max(round(count * ORIGINALS / TILES), 1)
    sizes = [size_of(source) for source in sources]
    area = sum(width * height for width, height in sizes)
    # each photo has one square at least
    side = min(math.isqrt(int(area / (wanted * _SPARE))), *map(min, sizes))
    cut = [_cut(source, side) for source in sources]
    source, window = np.repeat(np.arange(len(cut)), list(map(len, cut))), np.concatenate(cut)
    if not source.size:
        raise SystemExit("the photos have too little on them to cut tiles from")
    chosen = np.sort(rng.permutation(source.size)[:wanted])
    source, window = source[chosen], window[chosen]
    more = rng.integers(0, source.size, count - source.size)
    original = rng.permutation(np.concatenate([np.arange(source.size), more]))
    return KnownTiles(
        sources,
        source,
        window,
        original,
        rng.integers(0, _ORIENTATIONS, count),
        rng.integers(_QUALITIES[0], _QUALITIES[1] + 1, count),
        round(count * _TRAINING),
    )


def _cut(source: Source, side: int) -> NDArray[np.int64]:
    """The squares of a picture that have something on them, int64 (n, 4)."""
    grey = np.asarray(load_source(source).convert("L"))
    boxes = [
        (left, top, left + side, top + side)
        for top in range(0, grey.shape[0] - side + 1, side)
        for left in range(0, grey.shape[1] - side + 1, side)
        if grey[top : top + side, left : left + side].std() >= _LEAST_CONTRAST
    ]
    return np.array(boxes, np.int64).reshape(-1, 4)


def write_known_tiles(tiles: KnownTiles, folder: Path) -> None:
    """Write all tiles, with all cores."""
    for split in SPLITS:
        (folder / split).mkdir(parents=True)
    order = np.argsort(tiles.original, kind="stable")
    starts = np.searchsorted(tiles.original[order], np.arange(len(tiles.source) + 1))
    of_original = np.split(order, starts[1:-1])
    with ProcessPoolExecutor() as pool:
        tasks = [
            (folder, tiles.sources[source], _jobs(tiles, originals, of_original))
            for source in np.unique(tiles.source).tolist()
            if (originals := np.flatnonzero(tiles.source == source)).size
        ]
        list(pool.map(_write_tiles_of, tasks))


class _Job(NamedTuple):
    """A window, and for each of its tiles its name, orientation and quality."""

    window: tuple[int, int, int, int]
    tiles: list[tuple[str, int, int]]


def _jobs(
    tiles: KnownTiles, originals: NDArray[np.int64], of_original: list[NDArray[np.int64]]
) -> list[_Job]:
    return [
        _Job(
            tuple(tiles.window[original].tolist()),
            [
                (tiles.name(tile), int(tiles.orientation[tile]), int(tiles.quality[tile]))
                for tile in of_original[original].tolist()
            ],
        )
        for original in originals.tolist()
    ]


def _write_tiles_of(task: tuple[Path, Source, list[_Job]]) -> None:
    folder, source, jobs = task
    picture = load_source(source)
    for box, tiles in jobs:
        window = picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box)
        grain = np.random.default_rng(box).normal(0, _GRAIN, (SIDE, SIDE, 1))
        pixels = np.clip(np.asarray(window) + np.rint(grain), 0, 255).astype(np.uint8)
        for name, orientation, quality in tiles:
            (folder / name).write_bytes(
                simplejpeg.encode_jpeg(
                    orient_pixels(pixels, orientation),
                    quality=quality,
                    colorsubsampling="420",
                )
            )


def tile_paths(tiles: KnownTiles, folder: Path, number: int) -> Iterator[Path]:
    """So many tiles, evenly spaced."""
    for tile in np.linspace(0, tiles.original.size - 1, number).astype(int).tolist():
        yield folder / tiles.name(tile)

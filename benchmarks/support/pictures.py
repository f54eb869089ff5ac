"""Photos, or drawn scenes where no folder is given; crops of them, and small tiles."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from fastphash.demo import scene
from fastphash.images.encode import encode

Pixels = NDArray[np.uint8]
DrawSize = Callable[[Generator], tuple[int, int]]
"""Draws a width and a height."""

_SCENES, _SCENE_SIDE = 12, 640
_FILES_PER_FOLDER = 1000


def image_files(folder: Path) -> list[Path]:
    """The files below a folder that Pillow recognises as images, sorted."""
    found = [path for path in sorted(folder.rglob("*")) if is_image(path)]
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


def load_picture(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except OSError as error:
        raise SystemExit(f"can't decode {str(path)!r}: {error}: remove it") from error


def load_pictures(folders: Sequence[Path]) -> list[Pixels]:
    """All photos of the folders, or drawn scenes, as uint8 (h, w, 3)."""
    if folders:
        paths = [path for folder in folders for path in image_files(folder)]
        return [np.asarray(load_picture(path)) for path in paths]
    rng = np.random.default_rng(1)
    return [scene(rng, side=_SCENE_SIDE) for _ in range(_SCENES)]


def square(side: int) -> DrawSize:
    return lambda _: (side, side)


def random_size(widths: tuple[int, int], heights: tuple[int, int]) -> DrawSize:
    """Uniform sizes; both bounds are included."""

    def draw_size(rng: Generator) -> tuple[int, int]:
        return int(rng.integers(widths[0], widths[1] + 1)), int(
            rng.integers(heights[0], heights[1] + 1)
        )

    return draw_size


def random_crops(pictures: Sequence[Pixels], count: int, draw_size: DrawSize) -> Iterator[Pixels]:
    """Crops (h, w, 3) at random positions; crop i is of picture i modulo their number."""
    rng = np.random.default_rng(0)
    for i in range(count):
        picture = pictures[i % len(pictures)]
        width, height = draw_size(rng)
        width, height = min(width, picture.shape[1]), min(height, picture.shape[0])
        top = int(rng.integers(0, picture.shape[0] - height + 1))
        left = int(rng.integers(0, picture.shape[1] - width + 1))
        yield np.ascontiguousarray(picture[top : top + height, left : left + width])


def write_crops(
    folder: Path, photos: Sequence[Path], count: int, side: int = 300, quality: int = 85
) -> list[Path]:
    """Write square crops as JPEG files, no two with the same bytes.

    A worker hashes files with the same bytes only once, which would flatter it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[bytes, Path] = {}
    for crop in random_crops(load_pictures(photos), 4 * count, square(side)):
        if len(written) == count:
            break
        data = encode(crop, "JPEG", quality)
        if data not in written:
            written[data] = folder / f"{len(written):06d}.jpg"
            written[data].write_bytes(data)
    return list(written.values())


def write_tiles(folder: Path, count: int, seed: int) -> None:
    """Write tiles of 64 x 64 pixels as JPEG files: random colours in blocks of 4 x 4."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        parent = folder / f"{i // _FILES_PER_FOLDER:04d}"
        parent.mkdir(parents=True, exist_ok=True)
        blocks = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        tile = blocks.repeat(4, axis=0).repeat(4, axis=1)
        (parent / f"{i:07d}.jpg").write_bytes(encode(tile, "JPEG", 85))

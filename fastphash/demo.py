"""A data set of drawn images with planted copies, and how many of them an audit finds."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.files import parquet
from fastphash.images.encode import encode
from fastphash.results.audit_folder import GROUPS

_SEED = 20230
_TRAIN, _VAL = 240, 60
_SIDE = 160

_QUALITIES = {f"saved again at quality {quality}": quality for quality in (95, 85, 70, 50)}
_TURNS: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "rotate_90": np.rot90,
    "rotate_180": lambda a: np.rot90(a, 2),
    "rotate_270": lambda a: np.rot90(a, 3),
    "flip_left_right": lambda a: a[:, ::-1],
    "flip_top_bottom": lambda a: a[::-1],
    "transpose": lambda a: a.swapaxes(0, 1),
    "transverse": lambda a: np.rot90(a, 2).swapaxes(0, 1),
}
# this many identical copies share an original
_IDENTICAL_OF_ONE = 4
# copies of each sort in each split; their originals are in train, so copies in val are leaks
_PLANTED: dict[str, dict[str, int]] = {
    "train": {
        "identical": 12,
        **dict.fromkeys(ORIENTATIONS[1:], 3),
        **dict.fromkeys(_QUALITIES, 6),
    },
    "val": {
        "identical": 8,
        **dict.fromkeys(ORIENTATIONS[1:], 2),
        **dict.fromkeys(_QUALITIES, 4),
    },
}


class PlantedCopy(NamedTuple):
    """A planted copy: its sort, its path and its original's path, both as ``split/name``."""

    sort: str
    path: str
    original: str


def make(folder: Path, progress: Progress = no_progress) -> list[PlantedCopy]:
    """Draw images into ``folder/train`` and ``folder/val``, with copies inside and across them.

    Images are drawn from a seed: two runs make the same data set.
    """
    rng = np.random.default_rng(_SEED)
    for split in ("train", "val"):
        os.makedirs(folder / split)
    total = _TRAIN + _VAL
    scenes: dict[str, NDArray[np.uint8]] = {}
    for i in range(total):
        split = "train" if i < _TRAIN else "val"
        name = f"{split}/scene_{i:03d}.png"
        scenes[name] = scene(rng)
        _save(folder / name, scenes[name])
        progress("drawing", i + 1, total)
    train = [name for name in scenes if name.startswith("train")]
    originals = iter(rng.permutation(train).tolist())
    planted = []
    for split, numbers in _PLANTED.items():
        for sort, number in numbers.items():
            for k in range(number):
                if sort != "identical" or k % _IDENTICAL_OF_ONE == 0:
                    original = next(originals)
                stem = f"{split}/{sort.replace(' ', '_')}_{k}"
                path = _write_copy(folder, stem, sort, original, scenes[original])
                planted.append(PlantedCopy(sort, path, original))
    return planted


def _write_copy(
    folder: Path, stem: str, sort: str, original: str, pixels: NDArray[np.uint8]
) -> str:
    """Write a copy of an original; returns its path in the folder."""
    if sort in _QUALITIES:
        (folder / f"{stem}.jpg").write_bytes(encode(pixels, "JPEG", _QUALITIES[sort]))
        return f"{stem}.jpg"
    if sort == "identical":
        (folder / f"{stem}.png").write_bytes((folder / original).read_bytes())
    else:
        _save(folder / f"{stem}.png", np.ascontiguousarray(_TURNS[sort](pixels)))
    return f"{stem}.png"


def compare_with_planted(audit_folder: Path, planted: list[PlantedCopy]) -> list[list[str]]:
    """A row of text for each sort of copies: the sort, the copies planted, and the copies found.

    A copy is found if it is in one group with its original. The last row counts grouped images
    that are neither planted copies nor originals.
    """
    rows = parquet.read_table(audit_folder / GROUPS, ["group", "split", "path"]).to_pylist()
    group_of = {f"{row['split']}/{row['path']}": row["group"] for row in rows}
    table = []
    for sort in dict.fromkeys(copy.sort for copy in planted):
        copies = [copy for copy in planted if copy.sort == sort]
        found_count = sum(
            copy.path in group_of and group_of[copy.path] == group_of.get(copy.original)
            for copy in copies
        )
        table.append([sort, str(len(copies)), str(found_count)])
    planted_names = {name for copy in planted for name in (copy.path, copy.original)}
    false = sum(name not in planted_names for name in group_of)
    table.append(["false: never planted", "0", str(false)])
    return table


def scene(rng: np.random.Generator, side: int = _SIDE) -> NDArray[np.uint8]:
    """A landscape of smooth hills, fields and houses, with grain: uint8 (h, w, 3)."""
    height, width = (int(length) for length in rng.integers(side * 3 // 4, side * 5 // 4, 2))
    y, x = (2 * np.pi / side * np.arange(length)[:, None] for length in (height, width))
    waves = [
        (rng.normal(0, 1.5), rng.normal(0, 1.5), rng.uniform(), rng.uniform(5, 30, 3))
        for _ in range(8)
    ]
    across, down, phase, strength = (np.array(column) for column in zip(*waves, strict=True))
    # sin(across * x + down * y + phase), without a sine for each pixel
    down, across = down * y + 2 * np.pi * phase, across * x
    picture = np.empty((height, width, 3))
    for channel, strong in enumerate(strength.T):
        picture[..., channel] = (strong * np.sin(down)) @ np.cos(across).T
        picture[..., channel] += (strong * np.cos(down)) @ np.sin(across).T
    for _ in range(int(rng.integers(6, 18))):
        top, left = rng.uniform(0, height), rng.uniform(0, width)
        house_height, house_width = rng.uniform(side / 20, side / 3, 2)
        rows = slice(int(top), int(top + house_height))
        columns = slice(int(left), int(left + house_width))
        picture[rows, columns] = rng.uniform(-110, 110, 3)
    picture += rng.normal(0, 4, picture.shape)
    return np.clip(picture + rng.uniform(100, 155), 0, 255).astype(np.uint8)


def _save(path: Path, pixels: NDArray[np.uint8]) -> None:
    path.write_bytes(encode(pixels, "PNG"))

"""A data set with planted copies."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.files import parquet
from fastphash.images.preview import encode
from fastphash.results.audit_folder import GROUPS

NOTES = [
    "Near copies are those whose thumbnails are alike: --min-score says how much.",
    "Try it on your own: fastphash audit train=DIR val=DIR -o audit",
]

_SEED = 20230
_TRAIN, _VAL = 240, 60
_SIDE = 160

Truth = list[tuple[str, str, str]]
"""Planted copies: what was done, path of the copy, path of the original, each with its split."""

_SAVED_AGAIN = {f"saved again at quality {quality}": quality for quality in (95, 85, 70, 50)}


def make(folder: Path, progress: Progress = no_progress) -> Truth:
    """Draw images into ``folder/train`` and ``folder/val``, with copies inside and across them.

    Every image is drawn from a seed, so that two runs make the same data set.
    """
    rng = np.random.default_rng(_SEED)
    truth: Truth = []
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
    for place in ("train", "val"):
        for done, copies in _PLANTED[place].items():
            for k in range(copies):
                if done != "identical" or k % _REPEATS == 0:
                    original = next(originals)
                copy = f"{place}/{done.replace(' ', '_')}_{k}"
                copy += _plant(folder, copy, scenes[original], folder / original, done)
                truth.append((done, copy, original))
    return truth


# identical copies of one original
_REPEATS = 4
# how many copies of each sort lie in a split; those in val are leaks
_PLANTED: dict[str, dict[str, int]] = {
    "train": {
        "identical": 12,
        **dict.fromkeys(ORIENTATIONS[1:], 3),
        **dict.fromkeys(_SAVED_AGAIN, 6),
    },
    "val": {
        "identical": 8,
        **dict.fromkeys(ORIENTATIONS[1:], 2),
        **dict.fromkeys(_SAVED_AGAIN, 4),
    },
}


def compare_with_planted(out: Path, truth: Truth) -> list[list[str]]:
    """What was planted beside what the audit in `out` found: rows of text.

    A copy is found if it is in one group with its original.
    """
    columns = parquet.read_table(out / GROUPS, ["group", "split", "path"]).to_pylist()
    group_of = {f"{row['split']}/{row['path']}": row["group"] for row in columns}
    sorts = list(dict.fromkeys(done for done, _, _ in truth))
    rows = []
    for done in sorts:
        pairs = [(copy, original) for what, copy, original in truth if what == done]
        found = sum(
            copy in group_of and group_of[copy] == group_of.get(original)
            for copy, original in pairs
        )
        rows.append([done, str(len(pairs)), str(found)])
    known = {name for _, copy, original in truth for name in (copy, original)}
    rows.append(["false: never planted", "0", str(sum(name not in known for name in group_of))])
    return rows


def _plant(folder: Path, copy: str, scene: NDArray[np.uint8], original: Path, done: str) -> str:
    """Write a copy; returns the ending of its name."""
    if done == "identical":
        (folder / f"{copy}.png").write_bytes(original.read_bytes())
        return ".png"
    if done in _SAVED_AGAIN:
        data = encode(scene, "JPEG", _SAVED_AGAIN[done])
        (folder / f"{copy}.jpg").write_bytes(data)
        return ".jpg"
    _save(folder / f"{copy}.png", np.ascontiguousarray(_TURN[done](scene)))
    return ".png"


_TURN: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "rotate_90": np.rot90,
    "rotate_180": lambda a: np.rot90(a, 2),
    "rotate_270": lambda a: np.rot90(a, 3),
    "flip_left_right": lambda a: a[:, ::-1],
    "flip_top_bottom": lambda a: a[::-1],
    "transpose": lambda a: a.swapaxes(0, 1),
    "transverse": lambda a: np.rot90(a, 2).swapaxes(0, 1),
}


def scene(rng: np.random.Generator, side: int = _SIDE) -> NDArray[np.uint8]:
    """A landscape of smooth hills, fields and houses, with grain: uint8 (h, w, 3)."""
    height, width = (int(length) for length in rng.integers(side * 3 // 4, side * 5 // 4, 2))
    y, x = np.mgrid[0:height, 0:width] / side
    picture = np.zeros((height, width, 3))
    for _ in range(8):
        wave = np.sin(2 * np.pi * (rng.normal(0, 1.5) * x + rng.normal(0, 1.5) * y + rng.uniform()))
        picture += wave[..., None] * rng.uniform(5, 30, 3)
    for _ in range(int(rng.integers(6, 18))):
        top, left = rng.uniform(0, height), rng.uniform(0, width)
        tall, wide = rng.uniform(side / 20, side / 3, 2)
        rows, columns = slice(int(top), int(top + tall)), slice(int(left), int(left + wide))
        picture[rows, columns] = rng.uniform(-110, 110, 3)
    picture += rng.normal(0, 4, picture.shape)
    return np.clip(picture + rng.uniform(100, 155), 0, 255).astype(np.uint8)


def _save(path: Path, scene: NDArray[np.uint8]) -> None:
    path.write_bytes(encode(scene, "PNG"))

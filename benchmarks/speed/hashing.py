"""How fast is a hash, by function or worker, against ImageHash, libphash, imagededup and decoding?

Of ImageHash's other hashes too, and how much longer do three of one image take than one?

All run in this process, on one core, over the same files, in turn.
"""

import importlib.util
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import imagehash
import libphash
import numpy as np
from PIL import Image

from benchmarks.support.command_line import make_parser
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import write_crops
from benchmarks.support.timing import SPREAD, Timings, microseconds_each, ratio, time_in_turn
from fastphash.hashing.api import ahash, dhash, phash, phash_orientations, whash
from fastphash.images.decode import Decoding
from fastphash.images.decode_jpeg import reduction
from fastphash.images.thumbnail import thumbnail
from fastphash.ingest.worker import Hasher, Recipe
from fastphash.kernels import grey, lanczos
from fastphash.sources.local import LocalReader

_BATCH = 64
_PAPER_FILES = 50
_KERNEL_CALLS = 200

_PHASH, _PHASH_ORIENTATIONS = "phash(path)", "phash_orientations(path)"
_FASTPHASH, _ALL_ORIENTATIONS = "worker", "worker, eight orientations"
_REDUCED = "worker, reduced"
_BARE, _IMDECODE = "bare limit: read, cv2.imdecode", "cv2.imdecode"
_IMAGEHASH = "ImageHash phash"
_PAPER = "paper's six variants"
_OTHERS: dict[str, tuple[Callable[[bytes], object], Callable[[Image.Image], object]]] = {
    "ahash": (ahash, imagehash.average_hash),
    "dhash": (dhash, imagehash.dhash),
    "whash": (whash, imagehash.whash),
}
_THREE = (("phash", "dhash", "ahash"), ("phash", "dhash", "whash"), ("phash", "dhash", "pdq"))
_LIBPHASH, _LIBPHASH_HALF = "python-libphash", "python-libphash, grey 1/2"

_COMPARED = (
    (_IMAGEHASH, _PHASH),
    (_PHASH, _IMDECODE),
    (_PHASH, _BARE),
    (_PHASH_ORIENTATIONS, _PHASH),
    (_IMAGEHASH, _FASTPHASH),
    (_LIBPHASH, _FASTPHASH),
    (_FASTPHASH, _BARE),
    (_PAPER, _ALL_ORIENTATIONS),
    (_ALL_ORIENTATIONS, _FASTPHASH),
    (_IMAGEHASH, _REDUCED),
    (_LIBPHASH_HALF, _REDUCED),
    *((f"ImageHash {name}", f"{name}(bytes)") for name in _OTHERS),
    *((f"worker, {', '.join(names)}", _FASTPHASH) for names in _THREE),
    *((f"worker, {', '.join(names)}, eight", _ALL_ORIENTATIONS) for names in _THREE),
)


def main() -> None:
    arguments = make_parser(__doc__, count=500, rounds=7, warmed=True).parse_args()
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_crops(Path(folder), arguments.photos, arguments.count)
        seconds = time_files(paths, arguments.rounds)
    rows = [(name, microseconds_each(times, len(paths))) for name, times in seconds.items()]
    rows += kernel_rows(arguments.rounds)
    print_table(("300 x 300 JPEG, one core", f"us per image: {SPREAD}"), rows)
    print()
    print_table(
        ("slower", "faster", f"ratio: {SPREAD}"),
        [(slow, fast, ratio(seconds, slow, fast)) for slow, fast in _COMPARED],
    )


def time_files(paths: list[Path], rounds: int) -> Timings:
    """Seconds that each rival takes for all files."""
    texts = [str(path) for path in paths]
    names = [os.fsencode(path) for path in paths]

    def fastphash(recipe: Recipe) -> Callable[[], None]:
        def run() -> None:
            hasher = Hasher(recipe)  # a hasher remembers files, so each round has its own
            for i in range(0, len(names), _BATCH):
                hasher.hash_files(LocalReader(b""), names[i : i + _BATCH])

        return run

    reduced = Decoding("reduced")
    assert reduction(300, 300) == 2
    half = libphash.Config(grayscale=True, decode_scale=2)
    contents = [path.read_bytes() for path in paths]
    some = paths[:: max(len(paths) // _PAPER_FILES, 1)]
    rivals: dict[str, Callable[[], object]] = {
        _PHASH: lambda: [phash(path) for path in texts],
        _PHASH_ORIENTATIONS: lambda: [phash_orientations(path) for path in texts],
        _IMDECODE: lambda: [decode(data) for data in contents],
        _FASTPHASH: fastphash(Recipe(orientations=False)),
        _ALL_ORIENTATIONS: fastphash(Recipe()),
        _REDUCED: fastphash(Recipe(reduced, orientations=False)),
        _BARE: lambda: [read_and_decode(path) for path in names],
        _IMAGEHASH: lambda: [imagehash.phash(Image.open(path)) for path in paths],
        _PAPER: lambda: [six_variants(path) for path in some],
        _LIBPHASH: lambda: libphash.hash_files(paths, threads=1),
        _LIBPHASH_HALF: lambda: libphash.hash_files(paths, threads=1, config=half),
        **imagededup(paths),
        **other_hashes(contents),
    }
    for three in _THREE:
        for suffix, orientations in (("", False), (", eight", True)):
            recipe = Recipe(algorithms=three, orientations=orientations)
            rivals[f"worker, {', '.join(three)}{suffix}"] = fastphash(recipe)
    seconds = time_in_turn(rivals, rounds)
    seconds[_PAPER] = [second / len(some) * len(paths) for second in seconds[_PAPER]]
    return seconds


def imagededup(paths: list[Path]) -> dict[str, Callable[[], object]]:
    """imagededup's PHash, where installed: it needs PyTorch and isn't in our extras."""
    if importlib.util.find_spec("imagededup") is None:
        return {}
    encoder = importlib.import_module("imagededup.methods").PHash(verbose=False)
    return {"imagededup PHash": lambda: [encoder.encode_image(path) for path in paths]}


def other_hashes(contents: list[bytes]) -> dict[str, Callable[[], object]]:
    """ImageHash's other hashes, by this package and by itself, from bytes."""

    def hash_all(function: Callable[[bytes], object]) -> Callable[[], object]:
        return lambda: [function(data) for data in contents]

    def from_bytes(function: Callable[[Image.Image], object]) -> Callable[[bytes], object]:
        return lambda data: function(Image.open(io.BytesIO(data)))

    rivals: dict[str, Callable[[], object]] = {}
    for name, (ours, theirs) in _OTHERS.items():
        rivals[f"{name}(bytes)"] = hash_all(ours)
        rivals[f"ImageHash {name}"] = hash_all(from_bytes(theirs))
    return rivals


def read_and_decode(path: bytes) -> object:
    with open(path, "rb") as file:
        return decode(file.read())


def decode(data: bytes) -> object:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def six_variants(path: Path) -> list[str]:
    """The work of the paper's compute_hashes_augmented.py for one image."""
    image = Image.open(path)
    variants = [image, *(image.rotate(angle) for angle in (90, 180, 270))]
    variants += [
        image.transpose(transpose)
        for transpose in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM)
    ]
    return [str(imagehash.phash(variant)) for variant in variants]


def kernel_rows(rounds: int) -> list[tuple[str, str]]:
    """The grey and resize kernels alone."""
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, 300 * 300 * 3, dtype=np.uint8)
    plane = np.empty(300 * 300, np.uint8)
    square = plane.reshape(300, 300)
    pairs = np.empty((150, 600), np.uint8)
    kernels: dict[str, Callable[[], object]] = {
        "grey kernel": lambda: grey.rgb_to_grey(rgb, plane),
        "resize (both passes)": lambda: thumbnail(square),
        "of which transposing": lambda: lanczos.pair_columns(square, pairs),
    }

    def repeat(kernel: Callable[[], object]) -> Callable[[], object]:
        return lambda: [kernel() for _ in range(_KERNEL_CALLS)]

    seconds = time_in_turn({name: repeat(kernel) for name, kernel in kernels.items()}, rounds)
    return [(name, microseconds_each(times, _KERNEL_CALLS)) for name, times in seconds.items()]


if __name__ == "__main__":
    main()

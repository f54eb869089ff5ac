"""How fast is one worker, against ImageHash, python-libphash and the bare decoding?

Everything runs in this process, on one core, over the same files, in turn.
"""

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import common
import cv2
import imagehash
import libphash
import numpy as np
from PIL import Image

from fastphash import images
from fastphash.kernels import grey, resize
from fastphash.thumbnail import thumbnail
from fastphash.workers import Hasher, Recipe

_BATCH = 64


def main() -> None:
    arguments = common.parser(__doc__).parse_args()
    cv2.setNumThreads(0)
    sys.stderr = os.fdopen(os.dup(2), "w")
    caught = images.CaughtStderr()  # as in a worker
    with tempfile.TemporaryDirectory() as folder:
        paths = common.write_crops(Path(folder), arguments.photos, arguments.count)
        report(paths, arguments.rounds, caught)


def report(paths: list[Path], rounds: int, caught: images.CaughtStderr) -> None:
    names = [os.fsencode(path) for path in paths]

    def ours(recipe: Recipe) -> Callable[[], None]:
        def run() -> None:
            hasher = Hasher(recipe, caught)  # a new one remembers nothing
            for i in range(0, len(names), _BATCH):
                hasher.hash_files(b"", names[i : i + _BATCH])

        return run

    reduced = images.Decoding("reduced")
    assert images.reduction(300, 300) == 2
    half = libphash.Config(grayscale=True, decode_scale=2)
    rivals: dict[str, Callable[[], object]] = {
        "fastphash": ours(Recipe(orientations=False)),
        "fastphash, eight orientations": ours(Recipe()),
        "fastphash, reduced": ours(Recipe(reduced, orientations=False)),
        "bare limit: read, cv2.imdecode": lambda: [bare(path) for path in names],
        "ImageHash phash": lambda: [imagehash.phash(Image.open(path)) for path in paths],
        "paper's six variants": lambda: [six_variants(path) for path in paths[:: len(paths) // 50]],
        "python-libphash": lambda: libphash.hash_files(paths, threads=1),
        "python-libphash, grey 1/2": lambda: libphash.hash_files(paths, threads=1, config=half),
        **imagededup(paths),
    }
    seconds = common.in_turn(rivals, rounds)
    some = len(paths[:: len(paths) // 50])
    seconds["paper's six variants"] = [
        second / some * len(paths) for second in seconds["paper's six variants"]
    ]
    compared = [
        ("ImageHash phash", "fastphash"),
        ("python-libphash", "fastphash"),
        ("fastphash", "bare limit: read, cv2.imdecode"),
        ("paper's six variants", "fastphash, eight orientations"),
        ("fastphash, eight orientations", "fastphash"),
        ("ImageHash phash", "fastphash, reduced"),
        ("python-libphash, grey 1/2", "fastphash, reduced"),
    ]
    common.table(
        ("300 x 300 JPEG, one core", "us an image: median (least to most)"),
        [
            *((name, common.each(times, len(paths))) for name, times in seconds.items()),
            *kernel_rows(rounds),
        ],
    )
    print()
    common.table(
        ("slower", "faster", "ratio: median (least to most)"),
        [(slow, fast, common.ratio(seconds, slow, fast)) for slow, fast in compared],
    )


def imagededup(paths: list[Path]) -> dict[str, Callable[[], object]]:
    """imagededup's PHash where it is installed: it brings PyTorch, and isn't in our extras."""
    if importlib.util.find_spec("imagededup") is None:
        return {}
    encoder = importlib.import_module("imagededup.methods").PHash(verbose=False)
    return {"imagededup PHash": lambda: [encoder.encode_image(path) for path in paths]}


def bare(path: bytes) -> object:
    with open(path, "rb") as file:
        return cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_COLOR)


def six_variants(path: Path) -> list[str]:
    """The work of the paper's compute_hashes_augmented.py for one image."""
    image = Image.open(path)
    turns = [image, *(image.rotate(angle) for angle in (90, 180, 270))]
    turns += [
        image.transpose(t)
        for t in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM)
    ]
    return [str(imagehash.phash(turned)) for turned in turns]


def kernel_rows(rounds: int) -> list[tuple[str, ...]]:
    """Grey and resize alone."""
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, 300 * 300 * 3, dtype=np.uint8)
    plane = np.empty(300 * 300, np.uint8)
    across = np.empty((300, 300), np.uint8)
    repeats = 200
    rivals: dict[str, Callable[[], object]] = {
        "grey kernel": lambda: [grey.rgb_to_grey(rgb, plane) for _ in range(repeats)],
        "resize (both passes)": lambda: [
            thumbnail(plane.reshape(300, 300)) for _ in range(repeats)
        ],
        "of which transposing": lambda: [
            resize.transpose(plane.reshape(300, 300), across) for _ in range(repeats)
        ],
    }
    seconds = common.in_turn(rivals, rounds)
    return [(name, common.each(times, repeats)) for name, times in seconds.items()]


if __name__ == "__main__":
    main()

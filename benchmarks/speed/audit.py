"""How much longer does an audit take that verifies near pairs, against one with `--no-verify`?

Both audit two splits of the same pictures from scratch, in turn, with hashing and report. Drawn
scenes all differ. Crops of a few photos overlap, so that there are very many pairs to verify.
"""

import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.support.command_line import make_parser
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import write_crops
from benchmarks.support.processes import time_fastphash
from benchmarks.support.timing import SECONDS, ratio, spread, time_in_turn
from fastphash.demo import scene
from fastphash.files import atomic
from fastphash.images.encode import encode

_SIDE = 300
_SCENES_PER_TASK = 100
_SPLITS = ("train", "val")


def main() -> None:
    arguments = make_parser(__doc__, count=500, rounds=7).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.photos:
            write_crops(folder / "all", arguments.photos, arguments.count, _SIDE)
        else:
            write_scenes(folder / "all", arguments.count)
        move_into_splits(folder)
        rivals = {
            "near pairs verified": partial(audit, folder),
            "--no-verify": partial(audit, folder, "--no-verify"),
        }
        seconds = time_in_turn(rivals, arguments.rounds)
        rows = []
        for title, run in rivals.items():
            run()
            summary = atomic.read_json(folder / "audit" / "summary.json")
            copies = summary["groups"]["images"] - summary["groups"]["groups"]
            times_as_long = ratio(seconds, title, "--no-verify")
            radius = f"{summary['radius']}"
            rows.append((title, radius, f"{copies:,}", spread(seconds[title]), times_as_long))
    header = f"audit of {arguments.count:,} pictures"
    print_table((header, "radius", "copies", SECONDS, "times as long"), rows)


def move_into_splits(folder: Path) -> None:
    """Every fifth picture goes to the second split."""
    for name in _SPLITS:
        (folder / name).mkdir()
    for i, path in enumerate(sorted((folder / "all").iterdir())):
        path.rename(folder / _SPLITS[i % 5 == 0] / path.name)


def write_scenes(folder: Path, count: int) -> None:
    """Write different scenes, with all cores."""
    folder.mkdir()
    starts = range(0, count, _SCENES_PER_TASK)
    with ProcessPoolExecutor() as pool:
        tasks = [(folder, start, min(start + _SCENES_PER_TASK, count)) for start in starts]
        list(pool.map(write_some_scenes, tasks))


def write_some_scenes(task: tuple[Path, int, int]) -> None:
    folder, start, stop = task
    for i in range(start, stop):
        pixels = scene(np.random.default_rng(i), _SIDE)
        (folder / f"{i:06d}.jpg").write_bytes(encode(pixels, "JPEG", 85))


def audit(folder: Path, *options: str) -> None:
    """Audit the splits from scratch."""
    shutil.rmtree(folder / "audit", ignore_errors=True)
    splits = [f"{name}={folder / name}" for name in _SPLITS]
    time_fastphash("audit", *splits, "-o", str(folder / "audit"), *options)


if __name__ == "__main__":
    main()

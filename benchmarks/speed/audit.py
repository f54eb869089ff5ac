"""How much longer does an audit take than hashing alone, by what it compares?

Two splits of the same pictures are audited from scratch, in turn, with hashing and report: by
distances, by thumbnails as well, then also by windows, at last by pixels. Drawn scenes all differ.
Crops of a few photos overlap, so that there are very many pairs to verify.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
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
_HASHING = "hashing alone"
_BLAS_THREADS = "OPENBLAS_NUM_THREADS"
_AUDITS = {
    "audit by distances": ("--no-verify",),
    "and by thumbnails": ("--views", "none", "--looks", "0"),
    "and by windows": ("--looks", "0"),
    "and by pixels: everything": (),
}


def main() -> None:
    parser = make_parser(__doc__, count=500, rounds=7, warmed=True)
    parser.add_argument(
        "--splits",
        type=Path,
        metavar="FOLDER",
        help="audit the images in its folders train and val, which are written first if there is "
        "no such folder (default: pictures are written, and removed)",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary)
        splits = arguments.splits or out
        if splits == out or not splits.exists():
            write_splits(splits, arguments.photos, arguments.count)
        rivals = {_HASHING: partial(hash_alone, splits, out)} | {
            name: partial(audit, splits, out, name) for name in _AUDITS
        }
        seconds = time_in_turn(rivals, arguments.rounds)
        rows = [(_HASHING, "", "", "", spread(seconds[_HASHING]), "")]
        for name in _AUDITS:
            times_as_long = ratio(seconds, name, _HASHING)
            rows.append((name, *describe(out / name), spread(seconds[name]), times_as_long))
        size = sum(len(list((splits / name).iterdir())) for name in _SPLITS)
    print_table(
        (f"{size:,} pictures", "radius", "copies", "pairs looked at", SECONDS, "times as long"),
        rows,
    )


def describe(out: Path) -> tuple[str, str, str]:
    """The radius of an audit, how many copies it found, and at how many pairs it looked."""
    summary = atomic.read_json(out / "summary.json")
    copies = summary["groups"]["images"] - summary["groups"]["groups"]
    looks = summary["looks"]
    looked = looks["looked"] + looks["doubts"]["looked"]
    return f"{summary['radius']}", f"{copies:,}", f"{looked:,}"


def write_splits(folder: Path, photos: list[Path], count: int) -> None:
    """Write crops of photos, or scenes, into two splits of a folder, which may be new."""
    folder.mkdir(parents=True, exist_ok=True)
    if photos:
        write_crops(folder / "all", photos, count, _SIDE)
    else:
        write_scenes(folder / "all", count)
    move_into_splits(folder)


def move_into_splits(folder: Path) -> None:
    """Every fifth picture goes to the second split."""
    for name in _SPLITS:
        (folder / name).mkdir()
    for i, path in enumerate(sorted((folder / "all").iterdir())):
        path.rename(folder / _SPLITS[i % 5 == 0] / path.name)
    (folder / "all").rmdir()


def write_scenes(folder: Path, count: int) -> None:
    """Write different scenes, with all cores."""
    folder.mkdir()
    starts = range(0, count, _SCENES_PER_TASK)
    tasks = [(folder, start, min(start + _SCENES_PER_TASK, count)) for start in starts]
    with one_blas_thread(), ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        list(pool.map(write_some_scenes, tasks))


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Have processes that start meanwhile multiply matrices in one thread each.

    As many threads in each process as there are cores wait for one another: six times the work.
    """
    before = os.environ.get(_BLAS_THREADS)
    os.environ[_BLAS_THREADS] = "1"
    try:
        yield
    finally:
        del os.environ[_BLAS_THREADS]
        if before is not None:
            os.environ[_BLAS_THREADS] = before


def write_some_scenes(task: tuple[Path, int, int]) -> None:
    folder, start, stop = task
    for i in range(start, stop):
        pixels = scene(np.random.default_rng(i), _SIDE)
        (folder / f"{i:06d}.jpg").write_bytes(encode(pixels, "JPEG", 85))


def hash_alone(splits: Path, out: Path) -> None:
    """Hash the splits from scratch."""
    _run("hash", splits, out / _HASHING)


def audit(splits: Path, out: Path, name: str) -> None:
    """Audit the splits from scratch, in the way of this name."""
    _run("audit", splits, out / name, *_AUDITS[name])


def _run(command: str, splits: Path, out: Path, *options: str) -> None:
    shutil.rmtree(out, ignore_errors=True)
    named = [f"{name}={splits / name}" for name in _SPLITS]
    time_fastphash(command, *named, "-o", str(out), *options)


if __name__ == "__main__":
    main()

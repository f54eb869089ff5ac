"""What does looking at near pairs cost an audit as a whole, hashing and report included?

Two splits of pictures, audited from the start with and without `--no-verify`, in turn. Scenes are
all different; crops of a few photos lie over one another, so that there is very much to look at.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import common
import numpy as np

from fastphash import demo, images, tables

_SIDE = 300
_AT_ONCE = 100
_SPLITS = ("train", "val")


def main() -> None:
    arguments = common.parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.photos:
            paths = common.write_crops(folder / "all", arguments.photos, arguments.count, _SIDE)
            split(paths, folder)
        else:
            draw(folder, arguments.count)
        rivals: dict[str, Callable[[], object]] = {
            "near pairs looked at": partial(audit, folder),
            "--no-verify": partial(audit, folder, "--no-verify"),
        }
        seconds = common.in_turn(rivals, arguments.rounds)
        rows = []
        for title, run in rivals.items():
            run()
            summary = tables.read_json(folder / "audit" / "summary.json")
            copies = summary["groups"]["images"] - summary["groups"]["groups"]
            times = sorted(seconds[title])
            told = f"{times[len(times) // 2]:.1f} ({times[0]:.1f} to {times[-1]:.1f})"
            against = common.ratio(seconds, title, "--no-verify")
            rows.append((title, f"{summary['radius']}", f"{copies:,}", told, against))
    header = f"audit of {arguments.count:,} pictures"
    common.table(
        (header, "radius", "copies", "seconds: median (least to most)", "times as long"), rows
    )


def split(paths: list[Path], folder: Path) -> None:
    """Every fifth picture is of the second split."""
    for name in _SPLITS:
        (folder / name).mkdir()
    for i, path in enumerate(paths):
        path.rename(folder / _SPLITS[i % 5 == 0] / path.name)


def draw(folder: Path, count: int) -> None:
    """Write different scenes, as many at once as there are cores."""
    (folder / "all").mkdir()
    with ProcessPoolExecutor() as pool:
        starts = range(0, count, _AT_ONCE)
        list(pool.map(draw_some, ((folder / "all", s, min(s + _AT_ONCE, count)) for s in starts)))
    split(sorted((folder / "all").iterdir()), folder)


def draw_some(task: tuple[Path, int, int]) -> None:
    folder, start, stop = task
    for i in range(start, stop):
        scene = demo.scene(np.random.default_rng(i), _SIDE)
        (folder / f"{i:06d}.jpg").write_bytes(images.encode(scene, "JPEG", 85))


def audit(folder: Path, *options: str) -> None:
    """Audit the splits from the start."""
    shutil.rmtree(folder / "audit", ignore_errors=True)
    command = [sys.executable, "-m", "fastphash", "audit", "-o", str(folder / "audit"), *options]
    command += [f"{name}={folder / name}" for name in _SPLITS]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()

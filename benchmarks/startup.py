"""How long does a command take that has little to do?"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import common
import numpy as np

from fastphash import images

_IMAGES = 1000


def main() -> None:
    arguments = common.parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw(folder / "train", _IMAGES // 2, 0)
        draw(folder / "val", _IMAGES // 2, 1)
        splits = [f"train={folder / 'train'}", f"val={folder / 'val'}"]
        audit = ["audit", *splits, "-o", str(folder / "audit")]
        seconds(audit)
        rows = [
            ("--help", repeat(["--help"], arguments.rounds)),
            ("demo, nothing compiled", cold_demo(folder, arguments.rounds)),
            (f"second audit of {_IMAGES:,} images", repeat(audit, arguments.rounds)),
        ]
    common.table(("fastphash", "seconds: median (least to most)"), rows)


def draw(folder: Path, count: int, seed: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for i in range(count):
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        tile = coarse.repeat(8, axis=0).repeat(8, axis=1)
        (folder / f"{i:04d}.jpg").write_bytes(images.encode(tile, "JPEG", 85))


def cold_demo(folder: Path, rounds: int) -> str:
    """With an empty folder for compiled code, which a package's folder that is read-only gives."""
    times = []
    for _ in range(rounds):
        cache, demo = folder / "cache", folder / "demo"
        times.append(seconds(["demo", "-o", str(demo)], NUMBA_CACHE_DIR=str(cache)))
        shutil.rmtree(cache)
        shutil.rmtree(demo)
    return spread(times)


def repeat(arguments: list[str], rounds: int) -> str:
    return spread([seconds(arguments) for _ in range(rounds)])


def seconds(arguments: list[str], **environment: str) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-m", "fastphash", *arguments]
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    return time.perf_counter() - start


def spread(times: list[float]) -> str:
    return f"{statistics.median(times):.2f} ({min(times):.2f} to {max(times):.2f})"


if __name__ == "__main__":
    main()

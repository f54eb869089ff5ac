"""How long does a report take beyond its audit, and how large is it?

Tiles with many copies: saved again, turned, of the same bytes, in groups of two to a hundred.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

import common
import numpy as np
from numpy.typing import NDArray

from fastphash import images

_SPLITS = {"train": 0.8, "val": 0.1, "test": 0.1}
_AT_ONCE = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="images")
    parser.add_argument("--copies", type=int, default=30_000, help="of them copies of another")
    parser.add_argument("--side", type=int, default=128, help="pixels of a tile")
    parser.add_argument("--groups", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="make the audit here, or use it again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.keep or Path(name)
        if not (folder / "audit").exists():
            draw(folder, arguments.count, arguments.copies, arguments.side)
            audit(folder)
        rows = []
        for groups in arguments.groups:
            target = folder / f"report-{groups}.html"
            seconds = [write(folder / "audit", target, groups) for _ in range(arguments.rounds)]
            spread = f"({min(seconds):.1f} to {max(seconds):.1f})"
            size = target.stat().st_size / 1e6
            rows.append((f"{groups:,}", f"{median(seconds):.1f} {spread}", f"{size:.1f}"))
    header = f"groups with pictures, of {arguments.count:,} images with {arguments.copies:,} copies"
    common.table((header, "seconds: median (least to most)", "MB"), rows)


def draw(folder: Path, count: int, copies: int, side: int) -> None:
    """Write the tiles, as many at once as there are cores."""
    rng = np.random.default_rng(0)
    # each original has a share of the copies: most have none, few have very many
    originals = count - copies
    of = (originals * rng.random(copies) ** 3).astype(int)
    split = rng.choice(list(_SPLITS), size=count, p=list(_SPLITS.values()))
    for name in _SPLITS:
        (folder / name).mkdir(parents=True)
    groups: dict[int, list[int]] = {original: [original] for original in range(originals)}
    for copy, original in enumerate(of.tolist(), originals):
        groups[original].append(copy)
    several = list(groups.values())
    with ProcessPoolExecutor() as pool:
        for start in range(0, originals, _AT_ONCE):
            some = several[start : start + _AT_ONCE]
            names = [[f"{split[i]}/{i:06d}.jpg" for i in members] for members in some]
            pool.submit(write_groups, folder, names, start, side)


def write_groups(folder: Path, groups: list[list[str]], seed: int, side: int) -> None:
    """One original for each group, and its copies."""
    rng = np.random.default_rng(seed)
    for original, *copies in groups:
        tile = scene(rng, side)
        data = images.encode(tile, "JPEG", 90)
        (folder / original).write_bytes(data)
        for name in copies:
            (folder / name).write_bytes(copied(rng, tile, data))


def scene(rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """Soft blocks with grain: as hard to compress as a photo."""
    coarse = rng.integers(0, 256, (8, 8, 3)).repeat(side // 8, axis=0).repeat(side // 8, axis=1)
    grain = rng.normal(0, 12, coarse.shape)
    return np.clip(coarse * 0.7 + 38 + grain, 0, 255).astype(np.uint8)


def copied(rng: np.random.Generator, tile: NDArray[np.uint8], data: bytes) -> bytes:
    """The same bytes, the same tile turned, or saved again."""
    done = rng.integers(3)
    if done == 0:
        return data
    turned = np.rot90(tile, int(rng.integers(1, 4))) if done == 1 else tile
    return images.encode(np.ascontiguousarray(turned), "JPEG", int(rng.integers(50, 90)))


def audit(folder: Path) -> None:
    command = [sys.executable, "-m", "fastphash", "audit", "-o", str(folder / "audit")]
    command += [f"{name}={folder / name}" for name in _SPLITS]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def write(audited: Path, target: Path, groups: int) -> float:
    """Seconds of the whole command, its start included."""
    command = [sys.executable, "-m", "fastphash", "report", str(audited), "--groups", str(groups)]
    start = time.perf_counter()
    subprocess.run(
        [*command, "-o", str(target), "--overwrite"], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - start


if __name__ == "__main__":
    main()

"""How much memory does hashing take, and does it grow with the number of images?

The resident memory of the command and all its processes, summed, at its peak (Linux).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import common
import numpy as np

from fastphash import images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[10_000, 100_000])
    arguments = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    for count in arguments.counts:
        with tempfile.TemporaryDirectory() as folder:
            draw(Path(folder) / "tiles", count)
            start = time.perf_counter()
            peak = peak_memory(Path(folder))
            rows.append((f"{count:,}", f"{peak / 1e6:,.0f}", f"{time.perf_counter() - start:.1f}"))
    common.table(("64 x 64 tiles, two workers", "peak MB, all processes", "seconds"), rows)


def draw(folder: Path, count: int) -> None:
    """Tiles of noise: the size of a file doesn't matter here, their number does."""
    rng = np.random.default_rng(0)
    for start in range(0, count, 1000):
        below = folder / f"{start:07d}"
        below.mkdir(parents=True)
        for i in range(start, min(start + 1000, count)):
            coarse = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            tile = coarse.repeat(4, axis=0).repeat(4, axis=1)
            (below / f"{i:07d}.jpg").write_bytes(images.encode(tile, "JPEG", 85))


def peak_memory(folder: Path) -> int:
    command = [sys.executable, "-m", "fastphash", "hash", f"tiles={folder / 'tiles'}"]
    command += ["-o", str(folder / "store"), "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(resident, descendants(process.pid))))
        time.sleep(0.05)
    assert process.returncode == 0
    return peak


def descendants(root: int) -> list[int]:
    """A process and all below it."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path(f"/proc/{name}/stat").read_text()
            except OSError:
                continue
            parents[int(name)] = int(stat.rpartition(")")[2].split()[1])
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def resident(process: int) -> int:
    """Bytes of resident memory, shared pages included each time."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()

"""What the benchmarks share: pictures to work on, timing in turn, and one table."""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fastphash import demo, images

Timings = dict[str, list[float]]
Sides = Callable[[np.random.Generator], tuple[int, int]]


def parser(description: str) -> argparse.ArgumentParser:
    """Arguments of every benchmark: a folder of photos, and how much to do."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument(
        "--photos",
        type=Path,
        nargs="*",
        default=[],
        help="folders of photos to cut crops from; without them scenes are drawn",
    )
    made.add_argument("--count", type=int, default=500, help="images")
    made.add_argument("--rounds", type=int, default=7, help="turns that each rival gets")
    return made


def pictures(folders: list[Path]) -> list[NDArray[np.uint8]]:
    """Photos as uint8 (h, w, 3), or drawn scenes."""
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    if paths:
        return [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    rng = np.random.default_rng(1)
    return [demo.scene(rng, side=640) for _ in range(12)]


def crops(folders: list[Path], count: int, sides: Sides) -> Iterator[NDArray[np.uint8]]:
    """Random crops (h, w, 3) of the pictures, in turn; `sides` draws a width and a height."""
    rng = np.random.default_rng(0)
    whole = pictures(folders)
    for i in range(count):
        picture = whole[i % len(whole)]
        width, height = sides(rng)
        width, height = min(width, picture.shape[1]), min(height, picture.shape[0])
        top = int(rng.integers(0, picture.shape[0] - height + 1))
        left = int(rng.integers(0, picture.shape[1] - width + 1))
        yield np.ascontiguousarray(picture[top : top + height, left : left + width])


def write_crops(
    folder: Path, folders: list[Path], count: int, side: int = 300, quality: int = 85
) -> list[Path]:
    """Save square crops as JPEG files, no two of the same bytes: a worker would remember them."""
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[bytes, Path] = {}
    for crop in crops(folders, 4 * count, lambda _: (side, side)):
        data = images.encode(crop, "JPEG", quality)
        if data not in made and len(made) < count:
            made[data] = folder / f"{len(made):06d}.jpg"
            made[data].write_bytes(data)
    return list(made.values())


def in_turn(rivals: dict[str, Callable[[], object]], rounds: int) -> Timings:
    """Seconds of each rival, each run `rounds` times in turn (A B A B ...) after one warm-up."""
    for run in rivals.values():
        run()
    seconds: Timings = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, run in rivals.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(seconds: Timings, slow: str, fast: str) -> str:
    """How many times as long `slow` takes as `fast`, turn by turn: median (least to most)."""
    ratios = [a / b for a, b in zip(seconds[slow], seconds[fast], strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def each(seconds: list[float], items: int) -> str:
    """Microseconds an item: median (least to most)."""
    times = [second / items * 1e6 for second in seconds]
    return f"{statistics.median(times):,.1f} ({min(times):,.1f} to {max(times):,.1f})"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table that can be pasted into Markdown."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, tuple("-" * width for width in widths), *rows]:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("| " + " | ".join(cells) + " |")


def pyplot() -> Any:
    """matplotlib.pyplot drawing into files, or an end that says how to install it."""
    try:
        import matplotlib as mpl
    except ImportError:
        raise SystemExit("--plot needs matplotlib: pip install 'fastphash[bench]'") from None
    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "fastphash", "axes.grid": True, "grid.alpha": 0.3})
    from matplotlib import pyplot as plt

    return plt


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure as PNG and as SVG, the same bytes for the same figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(f"{path}.png", dpi=150)
    figure.savefig(f"{path}.svg", metadata={"Date": None})

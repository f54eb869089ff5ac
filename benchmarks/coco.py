"""How fast is a COCO file filtered, and in how much memory, against the json module?

The rival holds the whole file in memory, and so gets a tenth of it; we get both. A third of the
images go. Seconds and memory are those of a whole process (Linux).
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import common
import numpy as np

_GOES = 3
_SHAPES = 20_000
_SHARE = 10
_PEAK = """
with open("/proc/self/status") as file:
    print(int(file.read().split("VmHWM:")[1].split()[0]) * 1024)
"""
_OURS = """
import sys
from pathlib import Path
from fastphash.coco import filter_coco
source, target, images, goes = sys.argv[1:]
filter_coco(Path(source), Path(target), range(0, int(images), int(goes)))
"""
_JSON = """
import json, sys
source, target, images, goes = sys.argv[1:]
gone = set(range(0, int(images), int(goes)))
with open(source) as file:
    coco = json.load(file)
coco["images"] = [one for one in coco["images"] if one["id"] not in gone]
coco["annotations"] = [one for one in coco["annotations"] if one["image_id"] not in gone]
with open(target, "w") as file:
    json.dump(coco, file)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=300_000)
    parser.add_argument("--annotations", type=int, default=2_500_000)
    parser.add_argument("--folder", type=Path, help="where to make the files (2.5 GB and more)")
    parser.add_argument("--rounds", type=int, default=3, help="turns that each rival gets")
    arguments = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        for share, rivals in (
            (_SHARE, {"fastphash": _OURS, "json": _JSON}),
            (1, {"fastphash": _OURS}),
        ):
            images, annotations = arguments.images // share, arguments.annotations // share
            rows += compare(rivals, Path(name), images, annotations, arguments.rounds)
    common.table(
        ("file", "by", "seconds: median (least to most)", "MB read a second", "peak MB"), rows
    )


def compare(
    rivals: dict[str, str], folder: Path, images: int, annotations: int, rounds: int
) -> Iterator[tuple[str, ...]]:
    """Rows of the table for a file of this size."""
    source, target = folder / "all.json", folder / "some.json"
    write_coco(source, images, annotations)
    megabytes = source.stat().st_size / 1e6
    runs: dict[str, list[tuple[float, int]]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, code in rivals.items():
            runs[name].append(measure(code, source, target, images))
    for name, measured in runs.items():
        seconds = [second for second, _ in measured]
        median = statistics.median(seconds)
        yield (
            f"{images:,} images, {annotations:,} annotations, {megabytes:,.0f} MB",
            name,
            f"{median:.1f} ({min(seconds):.1f} to {max(seconds):.1f})",
            f"{megabytes / median:,.0f}",
            f"{max(peak for _, peak in measured) / 1e6:,.0f}",
        )


def measure(code: str, source: Path, target: Path, images: int) -> tuple[float, int]:
    """Seconds and peak of resident memory, in bytes, of a process."""
    start = time.perf_counter()
    command = [sys.executable, "-c", code + _PEAK, str(source), str(target), str(images)]
    done = subprocess.run([*command, str(_GOES)], check=True, stdout=subprocess.PIPE, text=True)
    return time.perf_counter() - start, int(done.stdout)


def write_coco(path: Path, images: int, annotations: int) -> None:
    """A file of polygons with 8 to 40 corners, in the order of their images."""
    shapes = draw(np.random.default_rng(0), min(annotations, _SHAPES))
    with open(path, "w", encoding="ascii") as file:
        file.write('{"info": {"year": 2026}, "images": [')
        for i in range(images):
            size = '"width": 300, "height": 300'
            comma = ", " if i else ""
            file.write(f'{comma}{{"id": {i}, "file_name": "{i:012d}.jpg", {size}}}')
        file.write('], "annotations": [')
        for i in range(annotations):
            image = i * images // annotations
            comma = ", " if i else ""
            file.write(f'{comma}{{"id": {i}, "image_id": {image}, {shapes[i % len(shapes)]}}}')
        file.write('], "categories": [{"id": 1, "name": "building"}]}')


def draw(rng: np.random.Generator, count: int) -> list[str]:
    """The members of annotations but for their ids."""
    found = []
    for _ in range(count):
        points = rng.uniform(0, 300, (int(rng.integers(8, 41)), 2)).round(2)
        low = points.min(axis=0)
        box = [*low.tolist(), *(points.max(axis=0) - low).round(2).tolist()]
        found.append(
            f'"category_id": 1, "iscrowd": 0, "area": {rng.uniform(9, 9e4):.2f}, '
            f'"bbox": {box}, "segmentation": [{points.ravel().tolist()}]'
        )
    return found


if __name__ == "__main__":
    main()

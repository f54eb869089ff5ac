"""How fast is a COCO file filtered, and in how much memory, against Python's `json` module?

A third of the images are removed. `json` holds the whole file in memory, so the two are compared on
a file of a tenth of the size; the full size is for fastphash alone. Seconds and memory are those of
a whole process (Linux).
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.markdown import print_table
from benchmarks.support.timing import SECONDS, spread

_REMOVED = 3
_POLYGONS = 20_000
_SMALL = 10
_PRINT_PEAK = """
from benchmarks.support.processes import peak_memory
print(peak_memory())
"""
_FASTPHASH = """
import sys
from pathlib import Path
from fastphash.labels.coco_filter import filter_coco
source, target, images, step = sys.argv[1:]
filter_coco(Path(source), Path(target), range(0, int(images), int(step)))
"""
_JSON = """
import json, sys
source, target, images, step = sys.argv[1:]
removed = set(range(0, int(images), int(step)))
with open(source) as file:
    coco = json.load(file)
coco["images"] = [one for one in coco["images"] if one["id"] not in removed]
coco["annotations"] = [one for one in coco["annotations"] if one["image_id"] not in removed]
with open(target, "w") as file:
    json.dump(coco, file)
"""


class Size(NamedTuple):
    """Numbers of images and of annotations."""

    images: int
    annotations: int


def main() -> None:
    parser = make_parser(__doc__, rounds=3)
    parser.add_argument("--images", type=positive_number, default=300_000)
    parser.add_argument("--annotations", type=positive_number, default=2_500_000)
    parser.add_argument("--folder", type=Path, help="where to write the files (2.5 GB and more)")
    arguments = parser.parse_args()
    full = Size(arguments.images, arguments.annotations)
    small = Size(full.images // _SMALL, full.annotations // _SMALL)
    both = {"fastphash": _FASTPHASH, "json": _JSON}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        rows = [
            *compare(both, Path(name), small, arguments.rounds),
            *compare({"fastphash": _FASTPHASH}, Path(name), full, arguments.rounds),
        ]
    print_table(("file", "filtered by", SECONDS, "MB read per second", "peak MB"), rows)


def compare(
    rivals: Mapping[str, str], folder: Path, size: Size, rounds: int
) -> Iterator[tuple[str, ...]]:
    """Table rows for a file of one size."""
    source, target = folder / "all.json", folder / "some.json"
    write_coco(source, size)
    megabytes = source.stat().st_size / 1e6
    runs: dict[str, list[tuple[float, int]]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, code in rivals.items():
            runs[name].append(measure(code, source, target, size.images))
    for name, measured in runs.items():
        seconds = [second for second, _ in measured]
        yield (
            f"{size.images:,} images, {size.annotations:,} annotations, {megabytes:,.0f} MB",
            name,
            spread(seconds),
            f"{megabytes / float(np.median(seconds)):,.0f}",
            f"{max(peak for _, peak in measured) / 1e6:,.0f}",
        )


def measure(code: str, source: Path, target: Path, images: int) -> tuple[float, int]:
    """Seconds and peak memory, in bytes, of a Python process that runs the code."""
    start = time.perf_counter()
    command = [sys.executable, "-c", code + _PRINT_PEAK, str(source), str(target), str(images)]
    done = subprocess.run([*command, str(_REMOVED)], check=True, stdout=subprocess.PIPE, text=True)
    return time.perf_counter() - start, int(done.stdout)


def write_coco(path: Path, size: Size) -> None:
    """Write polygons with 8 to 40 corners, in the order of their images."""
    polygons = random_polygons(np.random.default_rng(0), min(size.annotations, _POLYGONS))
    with open(path, "w", encoding="ascii") as file:
        file.write('{"info": {"year": 2026}, "images": [')
        for i in range(size.images):
            comma = ", " if i else ""
            file.write(f'{comma}{{"id": {i}, "file_name": "{i:012d}.jpg", ')
            file.write('"width": 300, "height": 300}')
        file.write('], "annotations": [')
        for i in range(size.annotations):
            image = i * size.images // size.annotations
            comma = ", " if i else ""
            polygon = polygons[i % len(polygons)]
            file.write(f'{comma}{{"id": {i}, "image_id": {image}, {polygon}}}')
        file.write('], "categories": [{"id": 1, "name": "building"}]}')


def random_polygons(rng: np.random.Generator, count: int) -> list[str]:
    """JSON members of annotations, without their ids."""
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

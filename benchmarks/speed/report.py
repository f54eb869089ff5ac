"""How long does the report of an audit take, and how large is it?

Tiles have many copies: of the same bytes, turned, or saved again, in groups of two to a hundred.
"""

import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.markdown import print_table
from benchmarks.support.processes import time_fastphash
from benchmarks.support.timing import SECONDS, spread
from fastphash.images.encode import encode

_SPLITS = {"train": 0.8, "val": 0.1, "test": 0.1}
_GROUPS_PER_TASK = 500


def main() -> None:
    parser = make_parser(__doc__, rounds=3)
    parser.add_argument("--count", type=positive_number, default=100_000, help="images")
    parser.add_argument(
        "--copies", type=int, default=30_000, help="images that are copies of another"
    )
    parser.add_argument("--side", type=positive_number, default=128, help="pixels")
    parser.add_argument("--groups", type=positive_number, nargs="+", default=[200, 1000])
    parser.add_argument("--keep", type=Path, help="folder of the audit, used again if it exists")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.keep or Path(name)
        audit = folder / "audit"
        if not audit.exists():
            write_images(folder, arguments.count, arguments.copies, arguments.side)
            splits = [f"{name}={folder / name}" for name in _SPLITS]
            time_fastphash("audit", *splits, "-o", str(audit))
        for groups in arguments.groups:
            page = folder / f"report-{groups}.html"
            options = ["--groups", str(groups), "-o", str(page), "--overwrite"]
            seconds = [
                time_fastphash("report", str(audit), *options) for _ in range(arguments.rounds)
            ]
            rows.append((f"{groups:,}", spread(seconds), f"{page.stat().st_size / 1e6:.1f}"))
    header = f"groups with pictures, of {arguments.count:,} images with {arguments.copies:,} copies"
    print_table((header, SECONDS, "MB"), rows)


def write_images(folder: Path, count: int, copies: int, side: int) -> None:
    """Write originals and copies, with all cores."""
    rng = np.random.default_rng(0)
    originals = count - copies
    # the cube makes most originals have no copy and few very many
    original_of_copy = (originals * rng.random(copies) ** 3).astype(int)
    split = rng.choice(list(_SPLITS), size=count, p=list(_SPLITS.values()))
    for name in _SPLITS:
        (folder / name).mkdir(parents=True)
    groups = [[original] for original in range(originals)]
    for copy, original in enumerate(original_of_copy.tolist(), originals):
        groups[original].append(copy)
    tasks = []
    with ProcessPoolExecutor() as pool:
        for start in range(0, originals, _GROUPS_PER_TASK):
            some = groups[start : start + _GROUPS_PER_TASK]
            names = [[f"{split[i]}/{i:06d}.jpg" for i in members] for members in some]
            tasks.append(pool.submit(write_groups, folder, names, start, side))
        for task in tasks:
            task.result()


def write_groups(folder: Path, groups: list[list[str]], seed: int, side: int) -> None:
    """Write the original of each group, and its copies."""
    rng = np.random.default_rng(seed)
    for original, *copies in groups:
        tile = random_tile(rng, side)
        data = encode(tile, "JPEG", 90)
        (folder / original).write_bytes(data)
        for name in copies:
            (folder / name).write_bytes(random_copy(rng, tile, data))


def random_tile(rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """Soft blocks with grain, which compress about as badly as a photo."""
    blocks = rng.integers(0, 256, (8, 8, 3)).repeat(side // 8, axis=0).repeat(side // 8, axis=1)
    grain = rng.normal(0, 12, blocks.shape)
    return np.clip(blocks * 0.7 + 38 + grain, 0, 255).astype(np.uint8)


def random_copy(rng: np.random.Generator, tile: NDArray[np.uint8], data: bytes) -> bytes:
    """The same bytes, or the tile turned, or saved again."""
    edit = rng.integers(3)
    if edit == 0:
        return data
    turned = np.rot90(tile, int(rng.integers(1, 4))) if edit == 1 else tile
    return encode(np.ascontiguousarray(turned), "JPEG", int(rng.integers(50, 90)))


if __name__ == "__main__":
    main()

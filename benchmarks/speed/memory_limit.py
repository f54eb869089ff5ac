"""How much memory do joins, groups and audits take beyond their input, and is --memory kept?

Hashes are drawn in clusters, all within the radius of one another. What a command takes is the peak
resident memory of its processes, less that of the same command with few rows, and less what the
rows of hashes take. The last column is what it takes beyond --memory, in percent and in MB (Linux).
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.drawn_store import SPLITS, write_drawn_store
from benchmarks.support.markdown import print_table
from benchmarks.support.processes import run_watched
from fastphash.images.encode import encode
from fastphash.store.open import read_hashes
from fastphash.store.schema import Layout

_SIZES = ["100M", "150M", "200M", "300M", "400M", "600M", "800M", "1G", "1.5G", "2G"]
_FEW_ROWS = 10
_STORE, _OUT = "hashes", "out"
_MB = 1 << 20


class Case(NamedTuple):
    """A command to measure.

    Attributes
    ----------
    prepare : callable
        Writes its input of so many rows, so many of a cluster, into a folder; returns how many
        bytes of memory that takes.
    words : callable
        Its arguments, for such a folder.
    found : str
        What it counts, in the JSON that it prints; empty if it prints no such number.
    share : float
        Of the rows, because some commands take longer for each.
    """

    prepare: Callable[[Path, int, int], int]
    words: Callable[[Path], list[str]]
    found: str
    share: float = 1


def drawn(layout: Layout, *, held: bool = False) -> Callable[[Path, int, int], int]:
    """Draws a store with these columns; `held` says whether a command holds its thumbnails."""

    def prepare(folder: Path, rows: int, cluster: int) -> int:
        folder.mkdir()
        write_drawn_store(folder / _STORE, rows, cluster, layout)
        hashes = read_hashes(str(folder / _STORE))
        return int((hashes.with_thumbnails() if held else hashes).table.nbytes)

    return prepare


def hashed_tiles(folder: Path, rows: int, cluster: int) -> int:
    """Write tiles, each of a cluster at another quality of JPEG, and hash them."""
    rng = np.random.default_rng(0)
    for split in SPLITS:
        (folder / split).mkdir(parents=True)
    for i in range(0, rows, cluster):
        tile = rng.integers(0, 256, (16, 16, 3), np.uint8).repeat(4, axis=0).repeat(4, axis=1)
        for j in range(cluster):
            data = encode(tile, "JPEG", 60 + j % 36)
            for split in SPLITS:
                # what follows the end of a JPEG is no part of the picture
                (folder / split / f"{i + j:06d}.jpg").write_bytes(data + f"{split}{j}".encode())
    splits = [f"{split}={folder / split}" for split in SPLITS]
    run_watched("audit", *splits, "-o", str(folder / _OUT), "--looks", "0")
    hashes = read_hashes(str(folder / _OUT))
    return int(hashes.with_thumbnails().table.nbytes)


def join_words(folder: Path, name: str = "pairs.parquet") -> list[str]:
    sides = [f"{folder / _STORE}@{split}" for split in SPLITS]
    written = ["-o", str(folder / name), "--overwrite"]
    return ["join", *sides, *written, "--radius", "4", "--max-pairs", str(1 << 40)]


def json_words(folder: Path) -> list[str]:
    return join_words(folder, "pairs.jsonl")


def paper_words(folder: Path) -> list[str]:
    return [*join_words(folder, "pairs.json"), "--format", "hash-and-search"]


def group_words(folder: Path) -> list[str]:
    written = ["-o", str(folder / "groups.parquet"), "--overwrite"]
    return ["group", str(folder / _STORE), *written, "--radius", "4"]


def audit_words(folder: Path) -> list[str]:
    splits = [f"{split}={folder / split}" for split in SPLITS]
    return ["audit", *splits, "-o", str(folder / _OUT), "--looks", "0"]


_UPRIGHT = Layout(orientations=False, thumbnails=False)
_TURNED = Layout(orientations=True, thumbnails=False)
_SEEN = Layout(orientations=True, thumbnails=True)
CASES = {
    "join": Case(drawn(_UPRIGHT), join_words, "pairs"),
    "join-turned": Case(drawn(_TURNED), join_words, "pairs"),
    "join-thumbnails": Case(drawn(_SEEN), join_words, "pairs", 0.3),
    "join-json": Case(drawn(_UPRIGHT), json_words, "pairs", 0.1),
    "join-paper": Case(drawn(_UPRIGHT), paper_words, "pairs", 0.3),
    "group": Case(drawn(_TURNED), group_words, "images"),
    "group-thumbnails": Case(drawn(_SEEN, held=True), group_words, "images", 0.3),
    "audit": Case(hashed_tiles, audit_words, "", 0.2),
}


class Taken(NamedTuple):
    """What a run took beyond the program and its input, in bytes; what it found, and seconds."""

    memory: int
    found: int | None
    seconds: float


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--rows", type=positive_number, default=200_000, help="of each split")
    parser.add_argument(
        "--cluster", type=positive_number, default=200, help="rows of a cluster, of each split"
    )
    parser.add_argument("--memory", nargs="+", default=_SIZES, metavar="SIZE")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    arguments = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    for name in arguments.cases:
        case = CASES[name]
        count = max(int(arguments.rows * case.share), 1)
        with tempfile.TemporaryDirectory() as folder:
            runs = measure(case, Path(folder), count, arguments.cluster, arguments.memory)
            rows += [(name, *cells(size, taken)) for size, taken in runs]
    title = ("command", "--memory", "MB beyond the input", "beyond --memory", "found", "seconds")
    print_table(title, rows)


def cells(size: str, taken: Taken) -> tuple[str, ...]:
    asked = in_bytes(size)
    excess = taken.memory - asked
    return (
        size,
        f"{taken.memory / _MB:,.0f}",
        f"{excess / asked:+.0%}, {excess / _MB:+,.0f} MB",
        "-" if taken.found is None else f"{taken.found:,}",
        f"{taken.seconds:.1f}",
    )


def in_bytes(size: str) -> int:
    return int(float(size[:-1]) * 1024 ** ("KMG".index(size[-1].upper()) + 1))


def measure(
    case: Case, folder: Path, rows: int, cluster: int, sizes: list[str]
) -> Iterator[tuple[str, Taken]]:
    """Run a command at each size of memory."""
    few, many = folder / "few", folder / "many"
    case.prepare(few, _FEW_ROWS, _FEW_ROWS)
    given = case.prepare(many, rows, cluster)
    run(case, few, sizes[0])  # what has to be compiled is compiled here
    program = run(case, few, sizes[0]).memory
    for size in sizes:
        taken = run(case, many, size)
        yield size, taken._replace(memory=taken.memory - program - given)


def run(case: Case, folder: Path, size: str) -> Taken:
    start = time.perf_counter()
    peak, printed = run_watched(*case.words(folder), "--memory", size, "--json")
    found = json.loads(printed)[case.found] if case.found else None
    return Taken(peak, found, time.perf_counter() - start)


if __name__ == "__main__":
    main()

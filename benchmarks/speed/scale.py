"""What do groups of many hashes take, in memory, on the disk and on Spark?

Uniform hashes are drawn into a Parquet file, row group by row group; some of the last are copies of
the first with up to four bits turned. `fastphash group` then finds all pairs within a radius of 4:
in memory, with --scratch, and with --engine spark and `local[2]`. CPU seconds and peak memory are
of all its processes (Linux), and so is what is written without Spark; with it, shuffled bytes are
what Spark's tasks write for others. A slope of 1 is a time that grows as the rows do: it is that of
the logarithms, from the fewest rows of that way to the most. Pairs by chance are those that uniform
hashes of this number are expected to have.
"""

import json
import math
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.markdown import print_table
from benchmarks.support.plots import load_pyplot, save_figure
from benchmarks.support.spark_log import log_events, shuffled_bytes
from benchmarks.support.watched import Taken, run_and_watch

_RADIUS = 4
_ROW_GROUP = 1 << 20
_GB = 1e9
_WAYS = ("memory", "disk", "spark")

#: Of each way, its number of rows and what it took.
Curves = dict[str, list[tuple[int, Taken]]]


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--rows", type=positive_number, nargs="+", default=[10**6, 10**7, 10**8])
    parser.add_argument("--ways", nargs="+", choices=_WAYS, default=_WAYS[:2], metavar="WAY")
    parser.add_argument(
        "--planted",
        type=positive_number,
        default=1000,
        metavar="N",
        help="copies, a million and a quarter of the rows at most (default: %(default)s)",
    )
    parser.add_argument("--memory", default="1G", metavar="SIZE", help="of the runs on the disk")
    parser.add_argument("--master", default="local[2]", metavar="URL", help="of Spark")
    parser.add_argument("--folder", type=Path, help="for hashes and scratch files; 50 bytes a hash")
    parser.add_argument("--turns", type=positive_number, default=1, help="runs of each, in turn")
    parser.add_argument("--plot", type=Path, metavar="PATH", help="draw PATH.png and PATH.svg")
    arguments = parser.parse_args()
    plt = load_pyplot() if arguments.plot else None
    cells = []
    curves: Curves = defaultdict(list)
    for rows in sorted(arguments.rows):
        with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
            folder = Path(name)
            planted = write_hashes(folder / "hashes.parquet", rows, arguments.planted)
            for turn in range(arguments.turns):
                for way in arguments.ways:
                    taken, passed = run(folder / f"{way}-{turn}", way, arguments)
                    curves[way].append((rows, taken))
                    cells.append(
                        (f"{rows:,}", way, str(turn + 1), *show(taken, passed, rows, planted))
                    )
    title = ["rows", "where", "turn", "s", "CPU s", "GB of memory", "GB written or shuffled"]
    print_table((*title, "bytes a hash", "groups", "planted and by chance"), cells)
    print()
    print_table(
        ("where", "slope of the CPU seconds"), [(way, slope(curves[way])) for way in curves]
    )
    if plt:
        save_figure(draw(plt, curves), arguments.plot)


def write_hashes(path: Path, rows: int, planted: int) -> int:
    """Draw hashes; the last ones are copies of the first, near them. How many there is room for."""
    rng = np.random.default_rng(7)
    schema = pa.schema([("path", pa.string()), ("phash", pa.uint64())])
    planted = min(planted, rows // 4, (rows - 1) % _ROW_GROUP + 1)
    first = np.empty(0, np.uint64)
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=["path"]) as writer:
        for start in range(0, rows, _ROW_GROUP):
            hashes = rng.integers(0, 2**64, min(_ROW_GROUP, rows - start), dtype=np.uint64)
            first = hashes[:planted].copy() if not start else first
            if start + hashes.size == rows:
                near = first[: hashes.size]
                for _ in range(_RADIUS):
                    bits = rng.integers(0, 64, near.size, dtype=np.uint64)
                    near = near ^ (np.uint64(1) << bits)
                hashes[hashes.size - near.size :] = near
            # no path is read: all are one
            names = pa.array(["x"]).take(pa.array(np.zeros(hashes.size, np.int32)))
            writer.write_table(pa.table([names, hashes], schema=schema), row_group_size=_ROW_GROUP)
    return planted


def run(folder: Path, way: str, arguments: Any) -> tuple[Taken, int]:
    """Group the hashes beside a folder, and watch it; with the bytes written or shuffled."""
    folder.mkdir()
    hashes = folder.parent / "hashes.parquet"
    words = ["group", str(hashes), "-o", str(folder / "groups.parquet"), "--json"]
    words += ["--radius", str(_RADIUS)]
    if way == "disk":
        words += ["--scratch", str(folder / "scratch"), "--memory", arguments.memory]
    if way != "spark":
        taken = run_and_watch(*words)
        return taken, taken.written
    environment = {**log_events(folder / "conf"), "SPARK_LOCAL_DIRS": str(folder)}
    words += ["--engine", "spark", "--master", arguments.master]
    taken = run_and_watch(*words, environment=environment)
    return taken, shuffled_bytes(folder / "conf")


def show(taken: Taken, passed: int, rows: int, planted: int) -> list[str]:
    near = sum(math.comb(64, bits) for bits in range(_RADIUS + 1))
    chance = rows * (rows - 1) / 2 * near / 2**64
    return [
        f"{taken.seconds:.1f}",
        f"{taken.cpu:.1f}",
        f"{taken.memory / _GB:.2f}",
        f"{passed / _GB:.2f}",
        f"{passed / rows:.2f}",
        f"{json.loads(taken.printed)['groups']:,}",
        f"{planted + chance:,.0f} +- {math.sqrt(chance):,.0f}",
    ]


def slope(curve: list[tuple[int, Taken]]) -> str:
    """How fast the CPU seconds grow with the rows, between the ends of a curve."""
    fewest, most = curve[0][0], curve[-1][0]
    if fewest == most:
        return ""
    least, greatest = (
        float(np.median([taken.cpu for rows, taken in curve if rows == end]))
        for end in (fewest, most)
    )
    return f"{math.log(greatest / least) / math.log(most / fewest):.2f}"


def draw(plt: Any, curves: Curves) -> Any:
    """Seconds, CPU seconds and memory of each way over the number of rows."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    titles = ("seconds", "CPU seconds", "GB of memory")
    for axis, title in zip(axes, titles, strict=True):
        axis.set(title=title, xlabel="rows", xscale="log", yscale="log")
    for way, curve in curves.items():
        numbers = [rows for rows, _ in curve]
        for axis, values in zip(
            axes,
            (
                [taken.seconds for _, taken in curve],
                [taken.cpu for _, taken in curve],
                [taken.memory / _GB for _, taken in curve],
            ),
            strict=True,
        ):
            axis.plot(numbers, values, marker="o", label=way)
    axes[0].legend()
    return figure


if __name__ == "__main__":
    main()

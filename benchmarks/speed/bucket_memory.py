"""How much memory do containers in a bucket take to hash, and how long, at 30 ms an answer?

A server on 127.0.0.1 answers as S3 does, from a process of its own on the same cores. JPEGs of
300 x 300 pixels lie there as objects, and in tar and Parquet files. Some of these have all rows in
one row group. Whole commands hash each with two workers into new stores. Memory is the peak
resident memory of the command and all its processes, summed (Linux): pages that several share
count for each.
"""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.speed.containers import divide, peak_while_hashing, write_parquet, write_tar
from benchmarks.speed.object_store import serving
from benchmarks.support.command_line import make_parser
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import write_crops
from benchmarks.support.timing import SECONDS, SPREAD, spread

_LOOSE = "objects"


def main() -> None:
    parser = make_parser(__doc__, count=20_000, rounds=3, shards=4)
    parser.add_argument(
        "--delay", type=float, default=30, help="milliseconds (default: %(default)s)"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = write_crops(folder / "bucket" / _LOOSE, arguments.photos, arguments.count)
        places = {_LOOSE: f"s3://bucket/{_LOOSE}"}
        for kind, (ending, write) in _KINDS.items():
            (folder / "bucket" / kind).mkdir()
            for number, some in enumerate(divide(images, arguments.shards)):
                write(folder / "bucket" / kind / f"{number}.{ending}", some)
            places[kind] = f"s3://bucket/{kind}/*.{ending}"
        with serving(folder / "bucket", arguments.delay / 1000):
            rows = [
                measure(kind, folder / "store", place, len(images), arguments.rounds)
                for kind, place in places.items()
            ]
    print_table((f"{len(images):,} JPEGs in a bucket", f"peak MB: {SPREAD}", SECONDS), rows)


def measure(kind: str, store: Path, place: str, count: int, rounds: int) -> tuple[str, ...]:
    """A row of the table: the memory and the time of whole commands."""
    peaks, seconds = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        peaks.append(peak_while_hashing(store, place, count) / 1e6)
        seconds.append(time.perf_counter() - start)
    return kind, spread(peaks, ",.0f"), spread(seconds)


_KINDS: Mapping[str, tuple[str, Callable[[Path, Sequence[Path]], None]]] = {
    "tar": ("tar", write_tar),
    "Parquet": ("parquet", write_parquet),
    "Parquet, one row group": ("parquet", partial(write_parquet, rows_per_group=1 << 30)),
}


if __name__ == "__main__":
    main()

"""How much more CPU does hashing tar files of a bucket take on Spark than on this machine?

A server on 127.0.0.1 answers as S3 does, from a process of its own. JPEGs of 300 x 300 pixels lie
there in tar files. `fastphash hash` hashes them into new stores: with two workers, and with
--engine spark and `local[2]`. Both run in turn; CPU seconds are of all their processes (Linux), the
server not included. The start of a command is what it takes for a bucket of one image. Both stores
have the same bytes.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.speed.containers import divide, write_tar
from benchmarks.speed.object_store import serving
from benchmarks.support.command_line import make_parser
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import write_crops
from benchmarks.support.timing import SPREAD, spread
from benchmarks.support.watched import Taken, run_and_watch

_WORDS = {
    "local": ["--workers", "2"],
    "spark": ["--engine", "spark", "--master", "local[2]"],
}
_GB = 1e9


def main() -> None:
    parser = make_parser(__doc__, count=20_000, rounds=1, shards=8)
    parser.add_argument("--ways", nargs="+", choices=[*_WORDS], default=[*_WORDS], metavar="WAY")
    parser.add_argument("--delay", type=float, default=0, help="of answers, in milliseconds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = write_crops(folder / "images", arguments.photos, arguments.count)
        for place, some in (("all", images), ("one", images[:1])):
            (folder / "bucket" / place).mkdir(parents=True)
            for number, members in enumerate(divide(some, arguments.shards)):
                write_tar(folder / "bucket" / place / f"{number:06d}.tar", members)
        with serving(folder / "bucket", arguments.delay / 1000):
            compare(folder, len(images), arguments.ways, arguments.rounds)


def compare(folder: Path, count: int, ways: Sequence[str], rounds: int) -> None:
    """Print a table of what each way takes."""
    starts = {way: hash_bucket(folder, "one", way) for way in ways}
    taken = {way: list[Taken]() for way in ways}
    for _ in range(rounds):
        for way in ways:
            taken[way].append(hash_bucket(folder, "all", way))
    whole = {way: [one.cpu for one in runs] for way, runs in taken.items()}
    less = {way: [cpu - starts[way].cpu for cpu in runs] for way, runs in whole.items()}
    rows = []
    for way, runs in taken.items():
        ratios = [
            spread([one / other for one, other in zip(cpu[way], cpu[ways[0]], strict=True)], ".2f")
            for cpu in (whole, less)
        ]
        seconds = spread([one.seconds for one in runs])
        memory = f"{max(one.memory for one in runs) / _GB:.2f}"
        rows.append(
            (way, seconds, spread(whole[way]), ratios[0], spread(less[way]), ratios[1], memory)
        )
    header = (f"{count:,} JPEGs", f"s: {SPREAD}", "CPU s", f"of that of {ways[0]}")
    print_table((*header, "CPU s less the start", f"of that of {ways[0]}", "GB of memory"), rows)
    stores = [read_parts(folder / way) for way in ways]
    if any(store != stores[0] for store in stores):
        raise SystemExit("the stores differ")


def hash_bucket(folder: Path, place: str, way: str) -> Taken:
    """Hash a place of the bucket into a new store."""
    shutil.rmtree(folder / way, ignore_errors=True)
    words = ["hash", f"images=s3://bucket/{place}/*.tar", "-o", str(folder / way), *_WORDS[way]]
    return run_and_watch(*words)


def read_parts(store: Path) -> dict[str, bytes]:
    """The parts of a store by their names."""
    return {path.name: path.read_bytes() for path in store.glob("part-*")}


if __name__ == "__main__":
    main()

"""How much longer does hashing tar, zip and Parquet files take than loose files, in what memory?

The same JPEGs of 300 x 300 pixels are hashed from each, in turn, by whole commands with two workers
into new stores; the files have just been written, and so are in memory. One image alone shows what
of it is the start. Memory is the peak resident memory of the command and all its processes, summed
(Linux). A second table tells how long it takes to find the members of tar files, against `tarfile`.
"""

import io
import json
import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.support.command_line import make_parser
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import write_crops
from benchmarks.support.processes import run_watched, time_fastphash
from benchmarks.support.timing import (
    SECONDS,
    SPREAD,
    microseconds_each,
    ratio,
    spread,
    time_in_turn,
)
from fastphash.sources.containers.tar import TarContainer

_LOOSE = "loose files"
_START = "one image"
# as the library datasets of Hugging Face writes images
_ROWS_PER_GROUP = 100
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_WORKERS = ("--workers", "2")

WriteShard = Callable[[Path, Sequence[Path]], None]


def main() -> None:
    parser = make_parser(__doc__, count=20_000, rounds=7, warmed=True, shards=4)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = write_crops(folder / "loose", arguments.photos, arguments.count)
        shards = divide(images, arguments.shards)
        places = {_LOOSE: str(folder / "loose")}
        for kind, (ending, write) in _KINDS.items():
            write_shards(folder / kind, ending, write, shards)
            # what a user writes for all of them
            places[kind] = str(folder / kind / f"*.{ending}")
        compare_hashing(folder, places, len(images), arguments.rounds)
        print()
        compare_indexes(sorted((folder / "tar").iterdir()), len(images), arguments.rounds)


def compare_hashing(folder: Path, places: Mapping[str, str], count: int, rounds: int) -> None:
    """Print a table of times and memory, by what holds the images."""
    one = folder / "one"
    write_one(folder / "loose", one)
    rivals = {_START: str(one), **places}
    seconds = time_in_turn(
        {kind: partial(time_hashing, folder / "store", place) for kind, place in rivals.items()},
        rounds,
    )
    least = {kind: min(times) for kind, times in seconds.items()}
    loose, start = least[_LOOSE], least[_START]
    rows = []
    for kind, place in rivals.items():
        peak = peak_while_hashing(folder / "store", place, 1 if kind == _START else count)
        compared = ("", "", "")
        if kind not in (_START, _LOOSE):
            compared = (
                f"{least[kind] / loose:.2f}",
                ratio(seconds, kind, _LOOSE),
                f"{(least[kind] - start) / (loose - start):.2f}" if loose > start else "",
            )
        rows.append((kind, spread(seconds[kind], ".2f"), *compared, f"{peak / 1e6:,.0f}"))
    header = (f"{count:,} JPEGs", SECONDS, "ratio of minima", f"by round: {SPREAD}")
    print_table((*header, "of minima less the start", "peak MB, all processes"), rows)


def compare_indexes(tars: Sequence[Path], count: int, rounds: int) -> None:
    """Print a table of the time that a member of a tar file takes to find."""
    readers = {"fastphash": index_by_fastphash, "tarfile": index_by_tarfile}
    for name, read in readers.items():
        if (found := sum(map(read, tars))) != count:
            raise SystemExit(f"{name} finds {found:,} of {count:,} members")
    seconds = time_in_turn(
        {name: partial(index_all, read, tars) for name, read in readers.items()}, rounds
    )
    rows = [
        (name, f"{min(times) / count * 1e6:.1f}", microseconds_each(times, count))
        for name, times in seconds.items()
    ]
    print_table(("index of a tar file", "us per member: minimum", SPREAD), rows)


def time_hashing(store: Path, place: str) -> None:
    """Hash into a new store."""
    shutil.rmtree(store, ignore_errors=True)
    time_fastphash("hash", f"images={place}", "-o", str(store), *_WORKERS)


def peak_while_hashing(store: Path, place: str, count: int) -> int:
    """Peak memory in bytes; ends the benchmark unless all images are hashed."""
    shutil.rmtree(store, ignore_errors=True)
    command = ["hash", f"images={place}", "-o", str(store), *_WORKERS, "--json"]
    peak, printed = run_watched(*command)
    hashed = json.loads(printed)["images"]["hashed"]
    if hashed != count:
        raise SystemExit(f"{hashed:,} of {count:,} images of {place!r} are hashed")
    return peak


def index_all(read: Callable[[Path], int], tars: Sequence[Path]) -> None:
    for path in tars:
        read(path)


def index_by_fastphash(path: Path) -> int:
    """How many members there are."""
    with TarContainer(os.fsencode(path)) as container:
        return sum(1 for _ in container.members())


def index_by_tarfile(path: Path) -> int:
    """How many members there are."""
    with tarfile.open(path, "r:") as tar:
        return sum(1 for _ in tar)


def divide(images: Sequence[Path], shards: int) -> list[Sequence[Path]]:
    """Runs of images, as equal in number as possible; none is empty."""
    size = -(-len(images) // shards)
    return [images[at : at + size] for at in range(0, len(images), size)]


def write_one(folder: Path, target: Path) -> None:
    """A folder with the first image alone."""
    target.mkdir()
    first = min(folder.iterdir())
    shutil.copy(first, target / first.name)


def write_shards(
    folder: Path, ending: str, write: WriteShard, shards: Sequence[Sequence[Path]]
) -> None:
    folder.mkdir()
    for i, images in enumerate(shards):
        write(folder / f"shard-{i:06d}.{ending}", images)


def write_tar(path: Path, images: Sequence[Path], mode: Literal["w", "w:gz"] = "w") -> None:
    with tarfile.open(path, mode) as tar:
        for image in images:
            data = image.read_bytes()
            member = tarfile.TarInfo(image.name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def write_zip(path: Path, images: Sequence[Path], compression: int) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for image in images:
            archive.write(image, image.name)


def write_parquet(
    path: Path, images: Sequence[Path], rows_per_group: int = _ROWS_PER_GROUP
) -> None:
    """A column of structs, as of Hugging Face."""
    rows = [{"bytes": image.read_bytes(), "path": image.name} for image in images]
    table = pa.table({"image": pa.array(rows, _IMAGE)})
    pq.write_table(table, path, row_group_size=rows_per_group)


_KINDS: Mapping[str, tuple[str, WriteShard]] = {
    "tar": ("tar", write_tar),
    "tar.gz": ("tar.gz", partial(write_tar, mode="w:gz")),
    "zip, stored": ("zip", partial(write_zip, compression=zipfile.ZIP_STORED)),
    "zip, deflated": ("zip", partial(write_zip, compression=zipfile.ZIP_DEFLATED)),
    "Parquet": ("parquet", write_parquet),
}


if __name__ == "__main__":
    main()

"""How fast are new tar, zip and Parquet files written without copies, against `cp` of the old ones?

One sample in ten is a copy of the one before it. `cp` copies the same files, with and without
syncing each of them, as fastphash does before a file gets its name. Times are those of whole
commands; one command that has nothing to write shows what of it is the start and the plan.
"""

import functools
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.markdown import print_table
from benchmarks.support.processes import time_fastphash
from benchmarks.support.timing import SECONDS, SPREAD, ratio, spread, time_in_turn

_COPIES = 10
_SIDE, _COARSE = 64, 8
_LONGEST_COMMENT = 65_533
# as the library datasets of Hugging Face writes images
_ROWS_PER_GROUP = 100
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_NOTHING = "nothing to write"


class Sample(NamedTuple):
    """An image and what belongs to it."""

    key: str
    image: bytes
    text: bytes


WriteShard = Callable[[Path, list[Sample]], None]


def main() -> None:
    parser = make_parser(__doc__, count=100_000, rounds=3, warmed=True, shards=100)
    parser.add_argument(
        "--kilobytes", type=positive_number, default=30, help="of an image, at most 60"
    )
    parser.add_argument("--kinds", nargs="+", choices=_KINDS, default=[*_KINDS])
    parser.add_argument("--folder", type=Path, help="where to write the files (12 GB and more)")
    arguments = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    for kind in arguments.kinds:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
            folder = Path(name)
            size = write_shards(
                folder / "shards", kind, arguments.count, arguments.shards, arguments.kilobytes
            )
            rows += compare(folder, kind, size, arguments.rounds)
    header = (f"{arguments.count:,} samples", "written by", SECONDS, "MB read per second")
    print_table((*header, f"seconds of `cp` to those of fastphash: {SPREAD}"), rows)


def compare(folder: Path, kind: str, size: int, rounds: int) -> list[tuple[str, ...]]:
    """Rows of the table, of one kind of container."""
    audit = str(folder / "audit")
    pattern = str(folder / "shards" / f"*.{kind}")
    time_fastphash("audit", f"images={pattern}", "-o", audit, "--looks", "0", "--views", "none")
    time_fastphash("clean", audit)
    clean = functools.partial(write_clean, folder, audit)
    clean()
    check_samples(folder, size)
    seconds = time_in_turn(
        {
            "fastphash": clean,
            _NOTHING: functools.partial(time_fastphash, "clean", audit, "--apply", "--overwrite"),
            "cp": functools.partial(copy, folder, synced=False),
            "cp, synced": functools.partial(copy, folder, synced=True),
        },
        rounds,
    )
    return [
        (
            f"{kind}, {size / 1e9:.2f} GB",
            name if name != _NOTHING else "fastphash: lists alone",
            spread(times, ".2f"),
            f"{size / min(times) / 1e6:,.0f}" if name != _NOTHING else "",
            ratio(seconds, name, "fastphash") if name.startswith("cp") else "",
        )
        for name, times in seconds.items()
    ]


def write_clean(folder: Path, audit: str) -> None:
    target = folder / "clean"
    shutil.rmtree(target, ignore_errors=True)
    time_fastphash("clean", audit, str(target), "--apply", "--to", "copy")


def copy(folder: Path, *, synced: bool) -> None:
    target = folder / "copy"
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-r", str(folder / "shards"), str(target)], check=True)
    for path in target.iterdir() if synced else ():
        with open(path, "rb") as file:
            os.fsync(file.fileno())


def check_samples(folder: Path, size: int) -> None:
    """End the benchmark unless about a tenth of the bytes is gone."""
    left = sum(path.stat().st_size for path in (folder / "clean" / "images").iterdir())
    if not 0.8 < left / size < 0.98:
        raise SystemExit(f"of {size:,} bytes {left:,} stay, not nine tenths")


def write_shards(folder: Path, kind: str, count: int, shards: int, kilobytes: int) -> int:
    """Write shards of equal numbers of samples; returns their bytes."""
    folder.mkdir()
    each = -(-count // shards)
    samples = make_samples(count, kilobytes << 10)
    for number in range(shards):
        some = [sample for sample, _ in zip(samples, range(each), strict=False)]
        if some:
            _KINDS[kind](folder / f"{number:06d}.{kind}", some)
    return sum(path.stat().st_size for path in folder.iterdir())


def make_samples(count: int, size: int) -> Iterator[Sample]:
    """Random pictures of some bytes, most of them in a comment."""
    rng = np.random.default_rng(7)
    image = b""
    for number in range(count):
        if not number or number % _COPIES:
            coarse = Image.fromarray(rng.integers(0, 256, (_COARSE, _COARSE, 3), np.uint8))
            file = io.BytesIO()
            coarse.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC).save(file, "JPEG")
            comment = rng.bytes(min(max(size - len(file.getvalue()), 0), _LONGEST_COMMENT))
            length = (len(comment) + 2).to_bytes(2, "big")
            image = b"\xff\xd8\xff\xfe" + length + comment + file.getvalue()[2:]
        yield Sample(f"{number:09d}", image, b'{"caption": "picture %d"}' % number)


def write_tar(path: Path, samples: list[Sample]) -> None:
    with tarfile.open(path, "w") as tar:
        for sample in samples:
            for ending, data in ((".jpg", sample.image), (".json", sample.text)):
                member = tarfile.TarInfo(sample.key + ending)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def write_zip(path: Path, samples: list[Sample]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for sample in samples:
            archive.writestr(f"{sample.key}.jpg", sample.image)
            archive.writestr(f"{sample.key}.json", sample.text)


def write_parquet(path: Path, samples: list[Sample]) -> None:
    images = [{"bytes": sample.image, "path": sample.key} for sample in samples]
    texts = [sample.text.decode() for sample in samples]
    table = pa.table({"image": pa.array(images, _IMAGE), "text": texts})
    # a dictionary would hold equal images once
    pq.write_table(table, path, row_group_size=_ROWS_PER_GROUP, use_dictionary=["text"])


_KINDS: Mapping[str, WriteShard] = {"tar": write_tar, "zip": write_zip, "parquet": write_parquet}


if __name__ == "__main__":
    main()

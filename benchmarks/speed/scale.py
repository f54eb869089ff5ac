"""What do groups of many hashes take, in memory and on the disk?

Uniform hashes are drawn into a Parquet file, row group by row group; some of the last are copies of
the first with up to four bits turned. `fastphash group` then finds all pairs within a radius of 4,
in memory and with --scratch. CPU seconds, peak memory and bytes written are of all its processes
(Linux); pairs by chance are those that uniform hashes of this number are expected to have.
"""

import contextlib
import json
import math
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.markdown import print_table
from benchmarks.support.processes import (
    FASTPHASH,
    peak_memory,
    resident_memory,
    with_descendants,
)

_RADIUS = 4
_PLANTED = 1000
_ROW_GROUP = 1 << 20
_GB = 1e9
_WAYS = ("memory", "disk")


class Taken(NamedTuple):
    """What a run took: seconds, CPU seconds, and bytes of memory and written."""

    seconds: float
    cpu: float
    memory: int
    written: int
    groups: int


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--rows", type=positive_number, nargs="+", default=[10**6, 10**7, 10**8])
    parser.add_argument("--ways", nargs="+", choices=_WAYS, default=_WAYS, metavar="WAY")
    parser.add_argument("--memory", default="1G", metavar="SIZE", help="of the runs on the disk")
    parser.add_argument("--folder", type=Path, help="for hashes and scratch files; 17 bytes a hash")
    parser.add_argument("--turns", type=positive_number, default=1, help="runs of each, in turn")
    arguments = parser.parse_args()
    cells = []
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
            folder = Path(name)
            write_hashes(folder / "hashes.parquet", rows)
            for turn in range(arguments.turns):
                for way in arguments.ways:
                    more = ["--scratch", str(folder / "scratch")] if way == "disk" else []
                    more += ["--memory", arguments.memory] if way == "disk" else []
                    taken = run(folder, more)
                    cells.append((f"{rows:,}", way, str(turn + 1), *show(taken, rows)))
    title = ["rows", "where", "turn", "s", "CPU s", "GB of memory", "GB written", "groups"]
    print_table((*title, "planted and by chance"), cells)


def write_hashes(path: Path, rows: int) -> None:
    """Draw hashes; the last ones are copies of the first, near them."""
    rng = np.random.default_rng(7)
    schema = pa.schema([("path", pa.string()), ("phash", pa.uint64())])
    planted = min(_PLANTED, rows // 4)
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


def run(folder: Path, more: list[str]) -> Taken:
    """Group the hashes in a process of its own, and watch it."""
    out = folder / "groups.parquet"
    words = ["group", str(folder / "hashes.parquet"), "-o", str(out), "--overwrite", "--json"]
    start = time.perf_counter()
    memory = written = 0
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(
            [*FASTPHASH, *words, "--radius", str(_RADIUS), *more], stdout=printed
        )
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            with contextlib.suppress(OSError, AssertionError):  # it has just ended
                memory = max(memory, sum(map(resident_memory, with_descendants(process.pid))))
                memory = max(memory, peak_memory(process.pid))
                written = max(written, bytes_written(process.pid))
            time.sleep(0.02)
        _, status, usage = ended
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"fastphash group failed: {process.returncode}")
        printed.seek(0)
        groups = int(json.load(printed)["groups"])
    seconds = time.perf_counter() - start
    return Taken(seconds, usage.ru_utime + usage.ru_stime, memory, written, groups)


def bytes_written(process: int) -> int:
    """What a process has written to files so far."""
    found = re.search(r"wchar: (\d+)", Path(f"/proc/{process}/io").read_text())
    assert found
    return int(found[1])


def show(taken: Taken, rows: int) -> list[str]:
    near = sum(math.comb(64, bits) for bits in range(_RADIUS + 1))
    chance = rows * (rows - 1) / 2 * near / 2**64
    planted = min(_PLANTED, rows // 4)
    return [
        f"{taken.seconds:.1f}",
        f"{taken.cpu:.1f}",
        f"{taken.memory / _GB:.2f}",
        f"{taken.written / _GB:.2f}",
        f"{taken.groups:,}",
        f"{planted + chance:,.0f} +- {math.sqrt(chance):,.0f}",
    ]


if __name__ == "__main__":
    main()

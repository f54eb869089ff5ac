"""How much memory does hashing take, and does it grow with the number of images?

The table shows the peak resident memory of the command and all its processes, summed (Linux).
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import write_tiles
from benchmarks.support.processes import FASTPHASH


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--counts", type=positive_number, nargs="+", default=[10_000, 100_000])
    arguments = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    for count in arguments.counts:
        with tempfile.TemporaryDirectory() as folder:
            write_tiles(Path(folder) / "tiles", count, seed=0)
            start = time.perf_counter()
            peak = peak_while_hashing(Path(folder))
            rows.append((f"{count:,}", f"{peak / 1e6:,.0f}", f"{time.perf_counter() - start:.1f}"))
    print_table(("64 x 64 tiles, two workers", "peak MB, all processes", "seconds"), rows)


def peak_while_hashing(folder: Path) -> int:
    command = [*FASTPHASH, "hash", f"tiles={folder / 'tiles'}"]
    command += ["-o", str(folder / "store"), "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(resident_memory, with_descendants(process.pid))))
        time.sleep(0.05)
    assert process.returncode == 0
    return peak


def with_descendants(root: int) -> list[int]:
    """A process and all its descendants."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path(f"/proc/{name}/stat").read_text()
            except OSError:
                continue
            parents[int(name)] = int(stat.rpartition(")")[2].split()[1])
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def resident_memory(process: int) -> int:
    """Resident memory in bytes; pages shared by several processes count for each."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()

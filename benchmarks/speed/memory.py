"""How much memory does hashing take, and does it grow with the number of images?

The table shows the peak resident memory of the command and all its processes, summed (Linux).
"""

import tempfile
import time
from pathlib import Path

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import write_tiles
from benchmarks.support.processes import run_watched


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
    command = ["hash", f"tiles={folder / 'tiles'}", "-o", str(folder / "store"), "--workers", "2"]
    peak, _ = run_watched(*command)
    return peak


if __name__ == "__main__":
    main()

"""How long do `--help`, a first demo and a second audit of the same images take?"""

import shutil
import tempfile
from pathlib import Path

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import write_tiles
from benchmarks.support.processes import time_fastphash
from benchmarks.support.timing import SECONDS, spread


def main() -> None:
    parser = make_parser(__doc__, rounds=7)
    parser.add_argument("--images", type=positive_number, default=1000, help="of the audit")
    parser.add_argument(
        "--first",
        choices=("demo", "info"),
        default="demo",
        help="what is run with nothing compiled; info compiles little (default: %(default)s)",
    )
    arguments = parser.parse_args()
    turns = range(arguments.rounds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed, split in enumerate(("train", "val")):
            write_tiles(folder / split, max(arguments.images // 2, 1), seed)
        splits = [f"{split}={folder / split}" for split in ("train", "val")]
        audit = ["audit", *splits, "-o", str(folder / "audit")]
        time_fastphash(*audit)
        seconds = {
            "--help": [time_fastphash("--help") for _ in turns],
            f"{arguments.first}, nothing compiled": [
                time_first(arguments.first, folder) for _ in turns
            ],
            f"second audit of {arguments.images:,} images": [time_fastphash(*audit) for _ in turns],
        }
    print_table(
        ("fastphash", SECONDS), [(what, spread(times, ".2f")) for what, times in seconds.items()]
    )


def time_first(command: str, folder: Path) -> float:
    """A command with an empty cache of compiled code."""
    cache, demo = folder / "cache", folder / "demo"
    words = {"demo": ("-o", str(demo)), "info": (str(folder / "audit" / "hashes"),)}
    took = time_fastphash(command, *words[command], NUMBA_CACHE_DIR=str(cache))
    for made in (cache, demo):
        shutil.rmtree(made, ignore_errors=True)
    return took


if __name__ == "__main__":
    main()

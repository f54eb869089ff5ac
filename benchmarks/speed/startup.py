"""How long do `--help`, a first demo and a second audit of the same images take?"""

import shutil
import tempfile
from pathlib import Path

from benchmarks.support.command_line import make_parser
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import write_tiles
from benchmarks.support.processes import time_fastphash
from benchmarks.support.timing import SECONDS, spread

_IMAGES = 1000


def main() -> None:
    arguments = make_parser(__doc__, rounds=7).parse_args()
    turns = range(arguments.rounds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed, split in enumerate(("train", "val")):
            write_tiles(folder / split, _IMAGES // 2, seed)
        splits = [f"{split}={folder / split}" for split in ("train", "val")]
        audit = ["audit", *splits, "-o", str(folder / "audit")]
        time_fastphash(*audit)
        seconds = {
            "--help": [time_fastphash("--help") for _ in turns],
            "demo, nothing compiled": [time_first_demo(folder) for _ in turns],
            f"second audit of {_IMAGES:,} images": [time_fastphash(*audit) for _ in turns],
        }
    print_table(
        ("fastphash", SECONDS), [(what, spread(times, ".2f")) for what, times in seconds.items()]
    )


def time_first_demo(folder: Path) -> float:
    """With an empty cache of compiled code."""
    cache, demo = folder / "cache", folder / "demo"
    took = time_fastphash("demo", "-o", str(demo), NUMBA_CACHE_DIR=str(cache))
    shutil.rmtree(cache)
    shutil.rmtree(demo)
    return took


if __name__ == "__main__":
    main()

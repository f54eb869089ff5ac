"""How much faster do two workers hash than one?

Each hashes the same files into a new store.
"""

import os
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.support.command_line import make_parser
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import write_crops
from benchmarks.support.timing import SPREAD, Timings, microseconds_each, ratio
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.sources.local import LocalSource


def main() -> None:
    arguments = make_parser(__doc__, count=6000, rounds=5, warmed=True).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        count = len(write_crops(photos, arguments.photos, arguments.count))
        seconds: Timings = {"one worker": [], "two workers": []}
        for turn in range(arguments.rounds + 1):
            for workers, times in enumerate(seconds.values(), 1):
                took = time_hashing(photos, Path(folder) / "store", workers)
                if turn or not arguments.rounds:  # the first is a warm-up
                    times.append(took)
    print_table(
        ("300 x 300 JPEG, into a store", f"us per image: {SPREAD}"),
        [(name, microseconds_each(times, count)) for name, times in seconds.items()],
    )
    print(f"\nTwo workers are {ratio(seconds, 'one worker', 'two workers')} times as fast.")


def time_hashing(photos: Path, store: Path, workers: int) -> float:
    """Seconds from the end of the first batch, when all workers run, to the finished store."""
    shutil.rmtree(store, ignore_errors=True)
    starts: list[float] = []

    def progress(stage: str, *_: int) -> None:
        if stage == "hashing" and not starts:
            starts.append(time.perf_counter())

    photo_source = LocalSource("photos", os.fsencode(photos))
    hash_into(store, [photo_source], IngestOptions(workers=workers), progress=progress)
    return time.perf_counter() - starts[0]


if __name__ == "__main__":
    main()

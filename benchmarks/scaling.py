"""How much faster do two workers hash than one? Whole stores, from the first image on."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import common

from fastphash.discover import Source
from fastphash.ingest import hash_into


def main() -> None:
    parser = common.parser(__doc__)
    parser.set_defaults(count=6000, rounds=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        common.write_crops(photos, arguments.photos, arguments.count)
        seconds: common.Timings = {"one worker": [], "two workers": []}
        for turn in range(arguments.rounds + 1):
            for workers, times in enumerate(seconds.values(), 1):
                took = hashing_seconds(photos, Path(folder) / "store", workers)
                if turn:  # the first is a warm-up
                    times.append(took)
        count = len(os.listdir(photos))
    common.table(
        ("300 x 300 JPEG, into a store", "us an image: median (least to most)"),
        [(name, common.each(times, count)) for name, times in seconds.items()],
    )
    print(f"\ntwo workers: {common.ratio(seconds, 'one worker', 'two workers')} times as fast")


def hashing_seconds(photos: Path, store: Path, workers: int) -> float:
    """From the first batch, when all workers run, to the closed store; a batch is left out."""
    shutil.rmtree(store, ignore_errors=True)
    began: list[float] = []

    def watch(stage: str, *_: int) -> None:
        if stage == "hashing" and not began:
            began.append(time.perf_counter())

    hash_into(store, [Source("photos", os.fsencode(photos))], workers=workers, progress=watch)
    return time.perf_counter() - began[0]


if __name__ == "__main__":
    main()

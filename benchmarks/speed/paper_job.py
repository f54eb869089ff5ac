"""How long does the paper's whole job take, in what memory, and which copies are found?

341,058 tiles are made of 14,000 squares of photos, in eight orientations and many qualities, so
that it is known which of them are copies. They are audited from folders to report. The paper's
scripts are timed on some of them and extrapolated.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.speed.equal_hashes import paper_loop
from benchmarks.speed.hashing import six_variants
from benchmarks.support.command_line import existing_folder, make_parser
from benchmarks.support.known_tiles import (
    SPLITS,
    TILES,
    KnownTiles,
    plan_tiles,
    tile_paths,
    write_known_tiles,
)
from benchmarks.support.markdown import print_table
from benchmarks.support.staged_audit import StagedAudit, run_staged_audit
from fastphash.base.vocabulary import COUNTED_COPIES

# tiles that the paper's scripts are timed on
_PAPER_TILES, _PAPER_NEEDLES = 100, 30


def main() -> None:
    parser = make_parser(__doc__, count=TILES, rounds=1)
    parser.add_argument(
        "--tiles",
        type=existing_folder,
        metavar="FOLDER",
        help="take the tiles from there; they are made there first if it is empty",
    )
    parser.add_argument(
        "--looks", type=int, default=0, metavar="N", help="pairs to look at (default: %(default)s)"
    )
    parser.add_argument(
        "--memory",
        type=int,
        metavar="MB",
        help="megabytes for searching (default: half of what is free)",
    )
    parser.add_argument(
        "--views", choices=("none", "centre", "all"), help="windows to compare (default: all)"
    )
    arguments = parser.parse_args()
    options: dict[str, object] = {"looks": arguments.looks}
    if arguments.views:
        options["views"] = arguments.views
    if arguments.memory:
        options["memory"] = arguments.memory << 20
    tiles = plan_tiles(arguments.photos, arguments.count)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.tiles or Path(temporary)
        if not (folder / SPLITS[0]).exists():
            write_known_tiles(tiles, folder)
        train, val = (folder / split for split in SPLITS)
        for round_ in range(arguments.rounds):
            out = Path(temporary) / f"audit_{round_}"
            audit = run_staged_audit(train, val, out, **options)
            print_audit(audit, arguments.count)
            print()
        print_table(("found", "images", ""), found_rows(tiles, out))
        print()
        print_table(("the paper's scripts, one core", "extrapolated"), paper_rows(tiles, folder))


def print_audit(audit: StagedAudit, count: int) -> None:
    rows = [
        (f"{count:,} tiles", f"{audit.seconds:,.1f}"),
        *((stage, f"{seconds:,.1f}") for stage, seconds in audit.stages.items()),
        ("peak MB of the parent", f"{audit.parent_memory / 1e6:,.0f}"),
        ("peak MB of all processes", f"{audit.memory / 1e6:,.0f}"),
    ]
    print_table(("", "seconds"), rows)


def found_rows(tiles: KnownTiles, out: Path) -> list[tuple[str, str, str]]:
    """Copies inside all splits together, and leaks: found, missed, and wrong ones."""
    training = np.arange(tiles.original.size) < tiles.training
    copies = tiles.original.size - np.unique(tiles.original).size
    shared = np.intersect1d(tiles.original[training], tiles.original[~training])
    rows = []
    for title, wanted, pairs in (
        ("copies, against their keepers", copies, group_pairs(tiles, out)),
        (
            "leaks: images of a split that are in the other one",
            int(np.isin(tiles.original, shared).sum()),
            leak_pairs(tiles, out),
        ),
    ):
        same = tiles.original[pairs[0]] == tiles.original[pairs[1]]
        right, wrong = int(same.sum()), int((~same).sum())
        rows += [
            (title, f"{right:,} of {wanted:,}", f"{right / max(wanted, 1):.2%}"),
            ("false", f"{wrong:,}", f"{wrong / max(right + wrong, 1):.4%}"),
        ]
    return rows


def group_pairs(tiles: KnownTiles, out: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Copies and their keepers."""
    columns = ["split", "path", "role", "keeper_split", "keeper_path"]
    table = pq.read_table(out / "groups.parquet", columns=columns)
    split, path, role, keeper_split, keeper = (
        column.to_numpy().astype(str) for column in table.columns
    )
    copy = role == "copy"
    image, kept = tiles.number(split, path), tiles.number(keeper_split, keeper)
    return image[copy], kept[copy]


def leak_pairs(tiles: KnownTiles, out: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Images that are copies of one in the other split, and the strongest of those."""
    columns = ["needle_split", "needle_path", "haystack_split", "haystack_path", "kind"]
    table = pq.read_table(out / "leaks.parquet", columns=columns)
    split, path, other_split, other, kind = (
        column.to_numpy().astype(str) for column in table.columns
    )
    copy = np.isin(kind, COUNTED_COPIES)
    return tiles.number(split, path)[copy], tiles.number(other_split, other)[copy]


def paper_rows(tiles: KnownTiles, folder: Path) -> list[tuple[str, str]]:
    """The paper's scripts, timed on some tiles."""
    paths = list(tile_paths(tiles, folder, min(_PAPER_TILES, tiles.original.size)))
    start = time.perf_counter()
    for path in paths:
        six_variants(path)
    hashing = (time.perf_counter() - start) / len(paths) * tiles.original.size
    rng = np.random.default_rng(0)
    haystack = [f"{value:016x}" for value in rng.integers(0, 2**63, tiles.training).tolist()]
    needles = min(_PAPER_NEEDLES, tiles.original.size - tiles.training)
    took, _ = paper_loop(haystack[:needles], np.array(haystack))
    joining = took / needles * (tiles.original.size - tiles.training)
    return [
        ("compute_hashes_augmented.py", f"{hashing:,.0f} s"),
        ("compare_hashes.py, upright hashes alone", f"{joining:,.0f} s"),
    ]


if __name__ == "__main__":
    main()

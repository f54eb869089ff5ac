"""Which hash, or union of hashes, finds most edited copies at the same number of candidates?

The data set is that of `edited_copies`: edits of originals, the needles, are sought in a haystack
of the originals and of pictures that resemble them. Each hash has its eight orientations; `pdq`
leaves out hashes of a quality below the default of --min-quality.

First tables: thumbnails are compared as an audit does, of as many pairs a needle as `--candidates`
says, the nearest ones; of those at the last distance, some are drawn. One more table takes the
radius that an audit chooses for each hash (`joins.chance`), however many pairs that are.

- radius: the distance of the farthest pair, or of a union of the farthest by each hash.
- proposed: the share of copies among the candidates.
- found: the share that the score of thumbnails finds at 99 % precision, with the best threshold.
- with windows: the same, if windows propose pairs as well, which they do by their `phash`.
- join, look: seconds.

Last table: the distance alone, at the largest radius that has 99 % precision here, at the largest
ones within which no more than so many of a million pairs of different pictures are, or no larger
share than by `phash` at its usual radius, and at that of an audit without thumbnails. Of each the
radius, and the shares of copies found.
"""

import argparse
import itertools
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.support.accuracy_report import percent
from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.dataset import ALL, add_draw, build_dataset
from benchmarks.support.fingerprints import compute_fingerprints
from benchmarks.support.markdown import print_table
from benchmarks.support.methods import PRECISION, Task, make_task, score_views, take_mix
from benchmarks.support.mixes import BOTH, HARDER, PLAIN
from benchmarks.support.proposers import (
    Proposed,
    propose_by_radius,
    propose_by_rank,
    rank_pairs,
    tally_distances,
)
from benchmarks.support.ranking import Counts
from fastphash.base.machine import core_count
from fastphash.base.progress import Progress
from fastphash.base.progress_screen import ProgressScreen
from fastphash.hashing.algorithms import ALGORITHMS, PHASH
from fastphash.joins.chance import choose_radius
from fastphash.joins.index import Index
from fastphash.joins.radii import usual_radius

_HASHES = (
    *("phash", "phash_simple", "ahash", "dhash", "dhash_vertical", "whash"),
    *("phash_256", "phash_simple_256", "ahash_256", "dhash_256", "dhash_vertical_256"),
    *("whash_256", "pdq"),
)
_UNIONS = ("phash+dhash", "phash+phash_256", "phash+dhash_256", "phash+pdq", "dhash_256+pdq")
_PER_MILLION = (1, 10, 100)
_HEADER = (
    *("radius", "candidates", "proposed: plain, %", "harder", "found: plain, %", "harder"),
    *("with windows: plain, %", "harder", "join, s", "look, s"),
)


def main() -> None:
    arguments = parse_arguments()
    start = time.perf_counter()
    dataset = build_dataset(
        arguments.photos, arguments.count, arguments.seed, draw=arguments.draw, mix=BOTH
    )
    names = list(dict.fromkeys(itertools.chain.from_iterable(arguments.hashes)))
    with ProgressScreen() as progress:
        needles, haystack = compute_fingerprints(dataset, progress, rivals=False, algorithms=names)
        task = make_task(dataset, needles, haystack, sorted(set(dataset.folders)))
        distances: dict[str, Counts] = {}
        for done, name in enumerate(names, 1):
            distances[name] = tally_distances(task, name)
            progress("distances of all pairs", done, len(names))
        tables = measure_proposals(task, distances, arguments, progress)
    for title, rows in tables.items():
        print_table((title, *_HEADER), rows)
        print()
    print_distances(distances, len(haystack.original))
    print(
        f"\n{len(needles.original):,} needles of {len(dataset.originals):,} originals, "
        f"{len(haystack.original):,} haystack rows; seed {arguments.seed}. "
        f"Took {time.perf_counter() - start:,.0f} s, with {core_count()} cores."
    )


def parse_arguments() -> argparse.Namespace:
    parser = make_parser(__doc__, count=150)
    parser.add_argument(
        "--hashes",
        type=parse_hashes,
        nargs="+",
        default=[tuple(text.split("+")) for text in (*_HASHES, *_UNIONS)],
        metavar="HASH[+HASH]",
        help=f"hashes, and unions of them (default: {' '.join((*_HASHES, *_UNIONS))})",
    )
    parser.add_argument(
        "--candidates",
        type=positive_number,
        nargs="+",
        default=[4, 16],
        help="pairs for each needle (default: 4 16)",
    )
    add_draw(parser, ALL)
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    return parser.parse_args()


def parse_hashes(text: str) -> tuple[str, ...]:
    names = tuple(text.split("+"))
    for name in names:
        if name not in ALGORITHMS:
            raise argparse.ArgumentTypeError(f"no hash {name!r}: use {', '.join(ALGORITHMS)}")
    return names


def measure_proposals(
    task: Task, distances: dict[str, Counts], arguments: argparse.Namespace, progress: Progress
) -> dict[str, list[tuple[str, ...]]]:
    """The rows of each of the first tables, by its title."""
    viewed = score_views(task)
    rng = np.random.default_rng(arguments.seed)
    tables: dict[str, list[tuple[str, ...]]] = {}
    for done, number in enumerate(arguments.candidates):
        progress("pairs proposed and compared", done, len(arguments.candidates) + 1)
        most = number * len(task.needles.original)
        ranked = {
            name: rank_pairs(task, name, counts, most, rng) for name, counts in distances.items()
        }
        tables[f"{number} candidates"] = [
            row_of(names, propose_by_rank(task, [ranked[name] for name in names], most, viewed))
            for names in arguments.hashes
        ]
    tables["radius of an audit"] = [
        row_of([name], propose_by_radius(task, name, audit_radius(task, name), viewed))
        for name in distances
    ]
    return tables


def audit_radius(task: Task, name: str) -> int:
    """The radius that an audit of the haystack chooses."""
    oriented = task.haystack.algorithms[name]
    return choose_radius(Index(oriented.hashes[oriented.clear]))


def row_of(names: Sequence[str], found: Proposed) -> tuple[str, ...]:
    shares = (found.proposed, found.verified, found.views)
    return (
        " + ".join(names),
        " + ".join(map(str, found.radii)),
        f"{found.candidates:.1f}",
        *(percent(share[mix]) for share in shares for mix in (PLAIN, HARDER)),
        f"{found.join_seconds:.2f}",
        f"{found.look_seconds:.2f}",
    )


def print_distances(distances: dict[str, Counts], rows: int) -> None:
    """One row for each algorithm; so many rows are searched."""
    header = (
        "distance alone: bits, and copies found of plain and harder edits, %",
        "99 % precision",
        *(f"{few} in a million" for few in _PER_MILLION),
        f"as rare as by {PHASH.name}",
        "usual radius",
        "in a million there",
    )
    reference = distances.get(PHASH.name)
    few = 0.0 if reference is None else false_shares(reference)[usual_radius(PHASH, rows)]
    table = []
    for name, counts in distances.items():
        false = false_shares(counts)
        radii = [counts.threshold(PRECISION)]
        radii += [int((false <= most / 1e6).sum()) - 1 for most in _PER_MILLION]
        radii.append(int((false <= few).sum()) - 1)
        usual = usual_radius(ALGORITHMS[name], rows)
        shares = [shares_within(counts, radius) for radius in (*radii, usual)]
        table.append((name, *shares, f"{1e6 * false[usual]:.1f}"))
    print_table(header, table)


def false_shares(counts: Counts) -> NDArray[np.float64]:
    """The share of all pairs of different pictures that are within each radius."""
    shares: NDArray[np.float64] = counts.false.sum(0).cumsum() / max(int(counts.false.sum()), 1)
    return shares


def shares_within(counts: Counts, radius: int) -> str:
    if radius < 0:
        return "none"
    plain, harder = (percent(take_mix(counts, mix).recall(radius)) for mix in (PLAIN, HARDER))
    return f"{radius}: {plain}, {harder}"


if __name__ == "__main__":
    main()

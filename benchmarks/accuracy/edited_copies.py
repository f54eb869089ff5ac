"""How many edited copies does fastphash find at 99 % precision, against ImageHash, PDQ and
imagededup?

Originals are edited in every way and grade of support/edits.py, the plain mix, and of
support/mixes.py, the harder mix. These needles are sought in a haystack of the originals and of
distractors that resemble them; support/dataset.py says how the haystack is made and which pairs are
copies. Each method ranks all pairs of needles and haystack rows. The main figure is recall at 99 %
precision, with one threshold for the whole mix, the best for each method; recall with a threshold
for each edit is also given. `--mix both` measures each mix alone and the two with one threshold.

Settings of fastphash are chosen with `--draw choose` and reported with `--draw report`, whose
originals come from other files. With `--draw all` they come from all files.

Columns:

- alone: fastphash's distance, the least over eight orientations.
- verified: pairs within the radius that an audit would choose, ranked by `verification.comparison`:
  first those whose thumbnails agree, then the others by score. Colours are not compared, since no
  other method compares them.
- views: the same pairs and those that views propose (`joins.views`), ranked by the score of what
  the two have in common (`verification.window_scores`), lowered so that both defaults are one
  threshold.
- looks, with `--looks`: the same, once pairs in doubt were looked at in rounds as an audit does.
  Pairs that pixels prove to be copies come first, and those that are none are left out.
- phash: ImageHash's, equal to fastphash's distance in one orientation. ahash, dhash, whash:
  ImageHash's.
- PDQ: 256 bits, one orientation. PDQx8: the least distance over eight orientations.
- crops: ImageHash's crop-resistant hash, ranked by the number of matching segments or by their
  share, whichever gives the higher recall. It takes a third of a second a picture and so runs on a
  smaller data set (--slow-count), for which the other methods are also listed.

The last table compares `fastphash calibrate` with the truth.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from benchmarks.support import accuracy_report as report
from benchmarks.support.accuracy_plot import draw_accuracy
from benchmarks.support.calibration import check_estimates
from benchmarks.support.command_line import make_parser
from benchmarks.support.dataset import ALL, add_draw, build_dataset
from benchmarks.support.doubts import score_after_looks
from benchmarks.support.fingerprints import compute_fingerprints
from benchmarks.support.methods import (
    ALONE,
    CROP_RESISTANT,
    LOOKED,
    Task,
    best_recall,
    compare,
    compare_on_subset,
    make_task,
    take_mix,
    tally_scored,
)
from benchmarks.support.mixes import BOTH, HARDER, PLAIN, parts_of
from benchmarks.support.plots import load_pyplot
from benchmarks.support.timing import spread, time_in_turn
from fastphash.base.machine import core_count
from fastphash.base.progress_screen import ProgressScreen
from fastphash.joins.chance import choose_radius
from fastphash.joins.index import Index
from fastphash.verification.similarity import similarity

_SPEED_PAIRS = 500_000


def main() -> None:
    arguments = parse_arguments()
    plt = load_pyplot() if arguments.plot else None
    start = time.perf_counter()
    dataset = build_dataset(
        arguments.photos, arguments.count, arguments.seed, draw=arguments.draw, mix=arguments.mix
    )
    with ProgressScreen() as progress:
        needles, haystack = compute_fingerprints(dataset, progress)
        folders = sorted(set(dataset.folders))
        task = make_task(dataset, needles, haystack, folders)
        radius = arguments.radius
        if radius is None:
            radius = choose_radius(Index(haystack.hashes))
        comparison = compare(task, radius, progress)
        if arguments.looks:
            looked = score_after_looks(dataset, task, radius, progress)
            comparison.counts[LOOKED] = tally_scored(task, looked)
        subset = None
        if arguments.slow_count:
            subset = compare_on_subset(dataset, task, radius, arguments.slow_count, progress)
        progress("estimates compared with the truth", 0, 1)
        estimates = list(check_estimates(dataset, needles, haystack, radius))
    counts = dict(comparison.counts)
    if subset:
        counts[CROP_RESISTANT] = subset.counts[CROP_RESISTANT]
    accuracies = {
        mix: {name: report.measure_accuracy(part, folders, mix) for name, part in counts.items()}
        for mix in parts_of(arguments.mix)
    }
    for mix, measured in accuracies.items():
        report.print_recalls(mix, measured)
    report.print_description(dataset, task, radius, counts[ALONE])
    for mix, measured in accuracies.items():
        report.print_thresholds(mix, counts, measured)
    for mix in accuracies:
        if subset:
            report.print_subset(mix, subset)
        report.print_settings(mix, comparison.counts, radius)
    report.print_estimates(estimates)
    print_speed(task, arguments.seed)
    print(f"Took {time.perf_counter() - start:,.0f} s, with {core_count()} cores.")
    figures = report.as_json(dataset, counts, accuracies, estimates, radius)
    if subset:
        for mix, measured in figures["mixes"].items():
            measured["subset"] = {
                name: best_recall(take_mix(part, mix)) for name, part in subset.counts.items()
            }
    if arguments.json:
        arguments.json.write_text(json.dumps(report.null_for_nan(figures), indent=1) + "\n")
    if plt:
        first = next(iter(figures["mixes"].values()))
        draw_accuracy(plt, first["methods"]).savefig(arguments.plot, dpi=150)


def parse_arguments() -> argparse.Namespace:
    parser = make_parser(__doc__, count=600)
    parser.add_argument(
        "--slow-count",
        type=int,
        default=10,
        help="originals for the crop-resistant hash; 0 leaves it out (default: %(default)s)",
    )
    parser.add_argument(
        "--looks",
        action="store_true",
        help="look at the pixels of pairs in doubt, which takes some 10 ms a pair",
    )
    parser.add_argument(
        "--mix",
        choices=(PLAIN, HARDER, BOTH),
        default=BOTH,
        help="which edits (default: %(default)s)",
    )
    add_draw(parser, ALL)
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument(
        "--radius", type=int, help="radius of pairs to verify (default: as an audit chooses it)"
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the first mix, as PNG or SVG"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    return parser.parse_args()


def print_speed(task: Task, seed: int) -> None:
    """Pairs verified per second: random pairs, and pairs in which each picture comes once."""
    rng = np.random.default_rng(seed)
    thumbnails = task.needles.thumbnails
    size = min(_SPEED_PAIRS, 50 * len(thumbnails))
    left = rng.integers(0, len(thumbnails), size)
    right = rng.integers(0, len(task.haystack.original), size)
    mask = (1 << rng.integers(0, 8, size)).astype(np.uint8)
    # needles of one original follow one another
    even = np.arange(0, len(thumbnails) - 1, 2)
    upright = np.ones(even.size, np.uint8)
    seconds = time_in_turn(
        {
            "random": lambda: similarity(thumbnails, left, task.haystack.thumbnails, right, mask),
            "single": lambda: similarity(thumbnails, even, thumbnails, even + 1, upright),
        },
        5,
    )
    random = spread([size / second for second in seconds["random"]], ",.0f")
    single = spread([even.size / second for second in seconds["single"]], ",.0f")
    print(
        f"\nVerified per second, thumbnails in memory, one orientation each: {random} of "
        f"{size:,} random pairs; {single} of {even.size:,} pairs that share no picture."
    )


if __name__ == "__main__":
    main()

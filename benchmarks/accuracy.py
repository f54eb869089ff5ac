"""How many edited copies does each method find, while 99 in 100 of the pairs it names are copies?

Originals are edited in every way and grade of edits.py, and sought in a haystack of originals and
of pictures that look like them: pool.py says how, and what counts as true. Every pair of a needle
and a row of the haystack is compared by every method and ranked by the method's own number. The
main figure is recall at 99 % precision with one threshold for the whole benchmark, chosen for each
method as what finds the most; a threshold for each edit is given besides.

alone: our distance, the least over eight orientations. verified: pairs within the radius that an
audit would propose, ranked by `fastphash.verify.judge`: those whose thumbnails agree, then the
others by score; colours are not looked at, for no other method does. phash (equal to our distance
with one orientation), ahash, dhash, whash: ImageHash's. PDQ: 256 bits, one orientation; PDQx8: the
least over eight. crops: ImageHash's crop-resistant hash, ranked by how many of its segments match
and how well, or by what share of them, whichever does better; at a third of a second a picture it
is tried on a smaller pool (--slow-count), on which the others are given as well. PDQ (pip install
pdqhash) and imagededup's PHash are tried where they are installed.

Needles are not compared with one another, but in the last table, where estimates are held against
the truth: there pictures in frames alike may be called copies.
"""

import argparse
import json
import math
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import common
import numpy as np
import pool
from edits import graded
from estimates import Held, held_against_truth
from fingerprints import Prints, Words, all_segments, fingerprints, installed
from numpy.typing import NDArray
from pool import Pool
from ranking import Counts, Distances, Truth, hamming, tally_all, tally_some

from fastphash.chance import proposing_radius
from fastphash.hashes import Content
from fastphash.ingest import Progress
from fastphash.joins import Index, concatenated, matches, relation
from fastphash.likeness import similarity
from fastphash.screen import ProgressScreen
from fastphash.threads import core_count
from fastphash.verify import judge
from fastphash.words import MIN_SCORE, RADIUS

PRECISION = 0.99
ALONE, VERIFIED, PHASH, CROP_RESISTANT = "alone", "verified", "phash", "crops"
# a score is counted in steps of 1 / 1000, the best first
_SCORES = 1001
_DISTRACTORS_WHEN_SLOW = 10
_SPEED_PAIRS = 500_000

EDITS = graded()


class Compared(NamedTuple):
    """Every method's counts on one pool."""

    counts: dict[str, Counts]
    needles: int
    haystack: int


class Side(NamedTuple):
    """The needles and the haystack that are compared."""

    needles: Prints
    haystack: Prints
    truth: Truth


class Figures(NamedTuple):
    """Recall at 99 % precision of one method.

    Attributes
    ----------
    level : int
        The threshold, over the whole benchmark.
    by_edit, by_folder : dict of str to float
    overall : float
        With that threshold.
    each : dict of str to float
        With a threshold for each edit.
    upright : float
        With a threshold for all but what is turned.
    average_precision : float
    """

    level: int
    by_edit: dict[str, float]
    by_folder: dict[str, float]
    overall: float
    each: dict[str, float]
    upright: float
    average_precision: float


def main() -> None:
    arguments = parsed()
    plt = common.pyplot() if arguments.plot else None
    began = time.perf_counter()
    made = pool.build(arguments.photos, arguments.count, arguments.seed)
    with ProgressScreen() as progress:
        needles, haystack = fingerprints(made, progress)
        folders = sorted(set(made.folders))
        whole = Side(needles, haystack, truth_of(made, needles, haystack, folders))
        radius = arguments.radius
        if radius is None:
            radius = proposing_radius(Index(haystack.hashes))
        compared = compare(whole, radius, progress)
        small = None
        if arguments.slow_count:
            small = compare_slow(made, whole, radius, arguments.slow_count, progress)
        progress("estimates held against the truth", 0, 1)
        estimates = list(held_against_truth(made, needles, haystack, radius))
    shown = dict(compared.counts)
    if small:
        shown[CROP_RESISTANT] = small.counts[CROP_RESISTANT]
    recalls = {name: figures(counts, folders) for name, counts in shown.items()}
    print_recalls(recalls)
    print(f"\n{described(made, whole, radius, compared.counts[ALONE].recall(radius))}\n")
    print_thresholds(shown, recalls)
    if small:
        print_small(small)
    print_settings(compared.counts, radius)
    print_held(estimates)
    print(f"\n{speed(whole, arguments.seed)}")
    print(f"Took {time.perf_counter() - began:,.0f} s, with {core_count()} cores.")
    report = as_json(made, shown, recalls, estimates, radius)
    if small:
        report["smaller pool"] = {n: best_recall(counts) for n, counts in small.counts.items()}
    if arguments.json:
        arguments.json.write_text(json.dumps(in_json(report), indent=1) + "\n")
    if plt:
        draw(plt, report["methods"]).savefig(arguments.plot, dpi=150)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--photos",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        help="folders of photos and tiles; without them scenes are drawn",
    )
    parser.add_argument("--count", type=int, default=600, help="originals (600)")
    parser.add_argument(
        "--slow-count", type=int, default=10, help="originals of slow methods (10); 0: none of them"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--radius", type=int, help="proposed for a look; as an audit would")
    parser.add_argument("--plot", type=Path, help="draw this file, PNG or SVG")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    arguments = parser.parse_args()
    for folder in arguments.photos:
        if not folder.is_dir():
            parser.error(f"no folder {str(folder)!r}")
    if arguments.count < 1:
        parser.error(f"--count must be 1 or more, not {arguments.count}")
    return arguments


def truth_of(made: Pool, needles: Prints, haystack: Prints, folders: list[str]) -> Truth:
    """Needles are counted by folder and edit."""
    folder = np.array([folders.index(name) for name in made.folders])
    left, right = pool.unjudged(needles.place, needles.own, haystack.place)
    rows = len(haystack.own)
    return Truth(
        needles.own,
        folder[needles.place[:, 0]] * len(EDITS) + needles.edit,
        len(folders) * len(EDITS),
        rows,
        np.sort(left * rows + right),
    )


def compare(side: Side, radius: int, progress: Progress) -> Compared:
    """Every method that is quick enough for all pairs."""
    needles, haystack, truth = side
    tallied: dict[str, tuple[Distances, int]] = {
        ALONE: (oriented(needles.hashes, haystack.hashes), 64),
        PHASH: (hamming(needles.hashes[:, :1, None], haystack.hashes[:, :1]), 64),
    }
    for name, theirs in needles.rivals.items():
        stored = haystack.rivals[name][:, 0]
        bits = 64 * stored.shape[1]
        tallied[name] = hamming(theirs[:, :1], stored), bits
        if theirs.shape[1] > 1:
            tallied[f"{name}x{theirs.shape[1]}"] = hamming(theirs, stored), bits
    counts: dict[str, Counts] = {}
    for done, (name, (distances, bits)) in enumerate(tallied.items(), 1):
        counts[name] = tally_all(distances, bits + 1, truth)
        if name == ALONE:
            counts[VERIFIED] = verified(side, radius)
        progress("methods compared", done, len(tallied))
    return Compared(counts, len(needles.own), len(haystack.own))


def oriented(left: Words, right: Words) -> Distances:
    """Our distance, as joins have it."""
    ours, theirs = Index(left), Index(right)

    def distances(needles: NDArray[np.int64]) -> NDArray[np.integer[Any]]:
        rows = np.repeat(needles, len(theirs))
        columns = np.tile(np.arange(len(theirs)), needles.size)
        return relation(ours, rows, theirs, columns)[0].reshape(needles.size, -1)

    return distances


def verified(side: Side, radius: int) -> Counts:
    """What a join proposes, ranked by how alike the thumbnails are."""
    needles, haystack, truth = side
    ours, theirs = Index(needles.hashes), Index(haystack.hashes)
    found = concatenated(list(matches(ours, theirs, radius)))
    verdicts = judge(found, Content(needles.thumbnails), Content(haystack.thumbnails))
    score = np.where(verdicts.agrees, 1.0, verdicts.score)
    return tally_some(found.left, found.right, score_level(score), truth, _SCORES)


def score_level(score: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """The first levels have the highest scores; level i has those of 1 - i / 1000 and more."""
    level = np.ceil((1 - score.astype(np.float64)) * (_SCORES - 1) - 1e-6)
    return level.clip(0, _SCORES - 1).astype(np.int64)


def compare_slow(made: Pool, whole: Side, radius: int, count: int, progress: Progress) -> Compared:
    """Every method on a few originals and a few distractors for each."""
    rng = np.random.default_rng(made.seed)
    total = len(made.originals)
    originals = np.sort(rng.permutation(total)[:count])
    others = total + rng.permutation(whole.truth.haystack - total)
    rows = np.sort(np.concatenate([originals, others[: count * _DISTRACTORS_WHEN_SLOW]]))
    chosen = np.flatnonzero(np.isin(whole.needles.own, originals))
    side = Side(whole.needles.take(chosen), whole.haystack.take(rows), some(whole, chosen, rows))
    compared = compare(side, radius, progress)
    ours, theirs = all_segments(made, originals.tolist(), rows.tolist(), progress)
    ways = [tally_all(*ranked, side.truth) for ranked in by_segments(ours, theirs)]
    compared.counts[CROP_RESISTANT] = max(ways, key=best_recall)
    return compared


def some(whole: Side, needles: NDArray[np.int64], rows: NDArray[np.int64]) -> Truth:
    """The truth of some needles and some rows of the haystack."""
    truth = whole.truth
    left, right = np.divmod(truth.unjudged, truth.haystack)
    kept = np.isin(left, needles) & np.isin(right, rows)
    left, right = np.searchsorted(needles, left[kept]), np.searchsorted(rows, right[kept])
    return truth._replace(
        own=np.searchsorted(rows, truth.own[needles]),
        row=truth.row[needles],
        haystack=rows.size,
        unjudged=np.sort(left * rows.size + right),
    )


def by_segments(left: list[Words], right: list[Words]) -> Iterator[tuple[Distances, int]]:
    """ImageHash's way of matching segments, `ImageMultiHash.hash_diff`, as two rankings.

    Segments match within 16 bits. A pair is the more alike the more of the needle's segments match
    one of the other picture's, or the larger a share of them does, and among equals the fewer bits
    these are apart.
    """
    starts = np.cumsum([0, *(some.size for some in right[:-1])])
    stored = np.concatenate(right)
    number, share = np.empty((2, len(left), len(right)))
    for needle, own in enumerate(left):
        bits = np.bitwise_count(own[:, None] ^ stored)
        least = np.minimum.reduceat(bits, starts, axis=1).astype(np.int64)
        within = least <= 16
        matched = within.sum(0)
        number[needle] = matched - (least * within).sum(0) / np.maximum(64 * matched, 1)
        share[needle] = number[needle] / own.size
    yield levelled(number)
    yield levelled(share)


def levelled(alike: NDArray[np.float64]) -> tuple[Distances, int]:
    values, level = np.unique(-alike, return_inverse=True)
    level = level.reshape(alike.shape)
    return lambda needles: level[needles], values.size


def figures(counts: Counts, folders: list[str]) -> Figures:
    level = counts.threshold(PRECISION)
    edit = np.arange(counts.copies.size) % len(EDITS)
    folder = np.arange(counts.copies.size) // len(EDITS)
    upright = counts.take(np.array([not EDITS[i].turned for i in edit]))
    by_edit = {EDITS[i].name: counts.take(edit == i) for i in range(len(EDITS))}
    return Figures(
        level,
        {name: part.recall(level) for name, part in by_edit.items()},
        {name: counts.take(folder == i).recall(level) for i, name in enumerate(folders)},
        counts.recall(level),
        {name: best_recall(part) for name, part in by_edit.items()},
        best_recall(upright),
        counts.average_precision(),
    )


def best_recall(counts: Counts) -> float:
    """With the threshold that fits these best."""
    return counts.recall(counts.threshold(PRECISION))


def print_recalls(recalls: dict[str, Figures]) -> None:
    """Edits in rows, methods in columns."""
    methods = list(recalls.values())
    made = [name for name, found in methods[0].by_edit.items() if not math.isnan(found)]
    rows = [(name, *(share(m.by_edit[name]) for m in methods)) for name in made]
    rows += [
        ("ALL", *(share(m.overall) for m in methods)),
        *(
            (f"  {name}", *(share(m.by_folder[name]) for m in methods))
            for name in methods[0].by_folder
        ),
        ("but turned ones *", *(share(m.upright) for m in methods)),
        (
            "each its threshold **",
            *(share(float(np.nanmean(list(m.each.values())))) for m in methods),
        ),
        ("average precision", *(share(m.average_precision) for m in methods)),
    ]
    common.table(("recall, precision 99 %", *recalls), rows)


def mean(shares: dict[str, float]) -> float:
    """Of those that are known."""
    known = [share for share in shares.values() if not math.isnan(share)]
    return statistics.mean(known) if known else math.nan


def share(part: float) -> str:
    return "-" if math.isnan(part) else f"{100 * part:.1f}"


def described(made: Pool, side: Side, radius: int, proposed: float) -> str:
    truth = side.truth
    judged = truth.own.size * truth.haystack - truth.unjudged.size
    of = ", ".join(
        f"{sum(made.folders[p.source] == name for p in made.originals):,} of {name}"
        for name in sorted(set(made.folders))
    )
    near = "; ".join(f"{len(places):,} {what}" for what, places in made.distractors.items())
    missing = [name for name in ("pdqhash", "imagededup") if not installed(name)]
    return f"""\
*  with a threshold of its own.  ** the mean over edits, each with its own threshold.
Crops cut each of four sides, or one, by so many percent of the width or height; the column crops
is of the smaller pool below, with its own threshold.
{len(made.originals):,} originals ({of}): windows of {pool.WIDTH} x {pool.HEIGHT} \
pixels that don't overlap; smaller pictures whole.
{truth.own.size:,} needles: {len(EDITS)} edits of each, where there is room; seed {made.seed}.
{truth.haystack:,} rows of haystack: the originals and, as distractors, {near}.
{judged:,} pairs are judged, {truth.own.size:,} of them copies; {truth.unjudged.size:,} \
are not: other windows that share {pool.SHARED:.0%} of the smaller one or more.
Verified: pairs within {radius} bits are looked at, {share(proposed)} % of the copies among them.
{f"Not measured, since not installed: {', '.join(missing)}." if missing else ""}"""


def print_thresholds(counts: dict[str, Counts], recalls: dict[str, Figures]) -> None:
    """What each method's threshold is, and what comes of it."""
    rows = []
    for name, found in recalls.items():
        true, false = (int(part[:, : found.level + 1].sum()) for part in counts[name][:2])
        rows.append((name, named(name, found.level), f"{true:,}", f"{false:,}"))
    common.table(("method", "threshold", "copies found", "false pairs"), rows)


def named(method: str, level: int) -> str:
    if level < 0:
        return "none"
    if method == CROP_RESISTANT:
        return "a rank"
    if method == VERIFIED:
        return f"score {1 - level / (_SCORES - 1):.3f}"
    return f"{level} bits"


def print_small(small: Compared) -> None:
    rows = []
    for name, counts in small.counts.items():
        rows.append((name, share(best_recall(counts)), share(counts.average_precision())))
    print(f"\nThe smaller pool: {small.needles:,} needles, {small.haystack:,} rows of haystack\n")
    common.table(("method", "recall at 99 % precision, %", "average precision, %"), rows)


def print_settings(counts: dict[str, Counts], radius: int) -> None:
    """Precision and recall at the thresholds that a user may set."""
    print(f"\nSettings: the distance alone, and scores of what is within {radius} bits\n")
    rows = [
        (
            f"distance up to {bits}" + " (default of join)" * (bits == RADIUS),
            *at(counts[ALONE], bits),
        )
        for bits in range(0, 17, 2)
    ]
    for score in sorted({*np.arange(0.2, 0.9, 0.05).round(2).tolist(), MIN_SCORE}):
        level = int(score_level(np.array(score)))
        rows.append(
            (
                f"score from {score:.2f}" + " (default)" * (score == MIN_SCORE),
                *at(counts[VERIFIED], level),
            )
        )
    common.table(("setting", "precision, %", "recall, %", "copies", "false pairs"), rows)


def at(counts: Counts, level: int) -> tuple[str, ...]:
    true, false = (int(part[:, : level + 1].sum()) for part in counts[:2])
    precision = true / max(true + false, 1)
    return f"{100 * precision:.2f}", share(counts.recall(level)), f"{true:,}", f"{false:,}"


def print_held(estimates: list[Held]) -> None:
    print("\nShares of copies as `fastphash calibrate` estimates them, and as they are\n")
    header = ("originals with a copy", "threshold", "pairs", "copies, %", "estimated, % (bounds)")
    rows = [
        (
            f"{held.copied:,}",
            held.threshold,
            f"{held.pairs:,}",
            share(held.true),
            f"{share(held.estimated)} ({share(held.least)} to {share(held.most)})",
        )
        for held in estimates
    ]
    common.table(header, rows)


def speed(side: Side, seed: int) -> str:
    """How many pairs are looked at in a second: at random, and where each picture is in one."""
    rng = np.random.default_rng(seed)
    edited = side.needles.thumbnails
    size = min(_SPEED_PAIRS, 50 * len(edited))
    left = rng.integers(0, len(edited), size)
    right = rng.integers(0, len(side.haystack.own), size)
    mask = (1 << rng.integers(0, 8, size)).astype(np.uint8)
    # needles of one original follow one another
    ours = np.arange(0, len(edited) - 1, 2)

    seconds = common.in_turn(
        {
            "random": lambda: similarity(edited, left, side.haystack.thumbnails, right, mask),
            "single": lambda: similarity(edited, ours, edited, ours + 1, np.ones_like(ours, "u1")),
        },
        5,
    )
    random, single = (
        "{:,.0f} pairs a second ({:,.0f} to {:,.0f}), of {:,}".format(
            *(pairs / f(seconds[name]) for f in (statistics.median, max, min)), pairs
        )
        for name, pairs in (("random", size), ("single", ours.size))
    )
    return (
        f"Looked at, thumbnails in memory, one orientation each: {random} random pairs; "
        f"{single} pairs of copies, each picture in one of them."
    )


def as_json(
    made: Pool,
    shown: dict[str, Counts],
    recalls: dict[str, Figures],
    estimates: list[Held],
    radius: int,
) -> dict[str, Any]:
    """Every figure, and the curves."""
    methods = {}
    for name, counts in shown.items():
        precision, recall = counts.curve()
        methods[name] = recalls[name]._asdict() | {
            "threshold": named(name, recalls[name].level),
            "precision": precision.round(5).tolist(),
            "recall": recall.round(5).tolist(),
        }
    return {
        "seed": made.seed,
        "originals": len(made.originals),
        "distractors": {what: len(places) for what, places in made.distractors.items()},
        "needles": int(shown[ALONE].copies.sum()),
        "haystack": len(made.haystack),
        "radius": radius,
        "methods": methods,
        "estimates": [held._asdict() for held in estimates],
    }


def in_json(report: Any) -> Any:
    """With null for what is not a number, which JSON has no word for."""
    if isinstance(report, dict):
        return {name: in_json(value) for name, value in report.items()}
    if isinstance(report, list):
        return [in_json(value) for value in report]
    return None if isinstance(report, float) and math.isnan(report) else report


def draw(plt: Any, methods: dict[str, Any]) -> Any:
    """Left recall by kind of edit, right precision against recall, of a report's methods."""
    figure, (kinds, curves) = plt.subplots(
        1, 2, figsize=(14, 7.5), layout="constrained", width_ratios=(1.25, 1)
    )
    draw_kinds(kinds, methods)
    for i, (name, method) in enumerate(methods.items()):
        precision, recall = (100 * np.array(method[what]) for what in ("precision", "recall"))
        curves.plot(
            recall[recall > 0],
            precision[recall > 0],
            color=f"C{i}",
            linewidth=2.4 if name in {ALONE, VERIFIED} else 1.2,
            linestyle="-" if name in {ALONE, VERIFIED} else "--",
            label=f"{name}: {share(method['overall'])} %",
        )
    curves.axhline(100 * PRECISION, color="black", linewidth=0.8, linestyle=":")
    curves.set(xlabel="recall (%)", ylabel="precision (%)", xlim=(0, 100), ylim=(0, 101))
    curves.set_title("Over the whole benchmark")
    curves.legend(loc="lower left", title="recall at 99 % precision")
    return figure


def draw_kinds(axes: Any, methods: dict[str, Any]) -> None:
    names = list(dict.fromkeys(edit.kind for edit in EDITS))
    grades = [[edit.name for edit in EDITS if edit.kind == kind] for kind in names]
    cells = np.array(
        [
            [100 * mean({name: m["by_edit"][name] for name in some}) for m in methods.values()]
            for some in grades
        ]
    )
    axes.imshow(cells, cmap="YlGnBu", vmin=0, vmax=130, aspect="auto")
    style = {"ha": "center", "va": "center", "fontsize": 9}
    for (row, column), cell in np.ndenumerate(cells):
        figure = "-" if math.isnan(cell) else f"{cell:.0f}"
        axes.text(column, row, figure, color="white" if cell > 85 else "black", **style)
    axes.set_xticks(range(len(methods)), methods)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(visible=False)
    axes.set_title("Copies found at 99 % precision (%), mean over grades")
    if CROP_RESISTANT in methods:
        axes.set_xlabel("crops: ImageHash's crop-resistant hash, on a smaller pool")


if __name__ == "__main__":
    main()

"""What the benchmark of edited copies prints and writes."""

import math
import statistics
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from benchmarks.support import dataset as data
from benchmarks.support.calibration import CheckedEstimate
from benchmarks.support.dataset import Dataset
from benchmarks.support.fingerprints import installed
from benchmarks.support.markdown import print_table
from benchmarks.support.methods import (
    ALONE,
    CROP_RESISTANT,
    LOOKED,
    PRECISION,
    SCORE_LEVELS,
    VERIFIED,
    VIEWS,
    Comparison,
    Task,
    best_recall,
    score_level,
    strata_of,
    take_mix,
)
from benchmarks.support.mixes import BOTH, EDITS, parts_of, rows_of
from benchmarks.support.ranking import Counts
from fastphash.defaults import MIN_SCORE, RADIUS


class Accuracy(NamedTuple):
    """Recall of one method at 99 % precision.

    Attributes
    ----------
    level : int
        The threshold that is best for the whole benchmark.
    by_edit, by_folder : dict of str to float
        Recall with that threshold.
    overall : float
        Recall with that threshold.
    best_by_edit : dict of str to float
        Recall with the best threshold for each edit.
    upright : float
        Recall without turned copies, with the best threshold for that.
    average_precision : float
    """

    level: int
    by_edit: dict[str, float]
    by_folder: dict[str, float]
    overall: float
    best_by_edit: dict[str, float]
    upright: float
    average_precision: float


def measure_accuracy(counts: Counts, folders: list[str], mix: str) -> Accuracy:
    """The accuracy over the edits of one mix, or of both, with one threshold."""
    strata = strata_of(mix, counts.copies.size)
    counts = counts.take(strata)
    level = counts.threshold(PRECISION)
    folder, edit = np.divmod(strata, len(EDITS))
    upright = counts.take(np.array([not EDITS[i].turned for i in edit]))
    by_edit = {EDITS[i].name: counts.take(edit == i) for i in rows_of(mix)}
    return Accuracy(
        level,
        {name: part.recall(level) for name, part in by_edit.items()},
        {name: counts.take(folder == i).recall(level) for i, name in enumerate(folders)},
        counts.recall(level),
        {name: best_recall(part) for name, part in by_edit.items()},
        best_recall(upright),
        counts.average_precision(),
    )


def print_recalls(mix: str, accuracies: Mapping[str, Accuracy]) -> None:
    """Edits in rows, methods in columns."""
    methods = list(accuracies.values())
    edits = [name for name, recall in methods[0].by_edit.items() if not math.isnan(recall)]
    rows = [(name, *(percent(m.by_edit[name]) for m in methods)) for name in edits]
    folders = methods[0].by_folder
    rows += [
        ("ALL", *(percent(m.overall) for m in methods)),
        *((f"  {name}", *(percent(m.by_folder[name]) for m in methods)) for name in folders),
        ("without turned copies *", *(percent(m.upright) for m in methods)),
        ("own threshold per edit **", *(percent(mean(m.best_by_edit)) for m in methods)),
        ("average precision", *(percent(m.average_precision) for m in methods)),
    ]
    print_table((f"{title(mix)}: recall at 99 % precision, %", *accuracies), rows)
    print()


def title(mix: str) -> str:
    return "both mixes" if mix == BOTH else f"{mix} mix"


def mean(recalls: Mapping[str, float]) -> float:
    """The mean of those that aren't NaN."""
    known = [recall for recall in recalls.values() if not math.isnan(recall)]
    return statistics.mean(known) if known else math.nan


def percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.1f}"


def print_description(dataset: Dataset, task: Task, radius: int, alone: Counts) -> None:
    truth = task.truth
    clear = truth.original.size * truth.haystack_rows - truth.ambiguous.size
    sources = ", ".join(
        f"{sum(dataset.folders[p.source] == name for p in dataset.originals):,} from {name}"
        for name in sorted(set(dataset.folders))
    )
    kinds = "; ".join(f"{len(places):,} {kind}" for kind, places in dataset.distractors.items())
    parts = parts_of(dataset.mix)
    proposed = ", ".join(
        f"{title(mix)} {percent(take_mix(alone, mix).recall(radius))} %" for mix in parts
    )
    missing = "" if installed("imagededup") else "Not measured, as not installed: imagededup."
    print(f"""
*  with the best threshold for these.  ** mean over edits, each with its best threshold.
Crops cut four sides, or one, by this share of the width or height. The column "crops" is of the
smaller data set below, with its own best threshold.
{len(dataset.originals):,} originals ({sources}): windows of {data.WIDTH} x {data.HEIGHT} \
pixels that don't overlap; smaller pictures whole.
{truth.original.size:,} needles: {len(rows_of(dataset.mix))} edits of each original, as far as \
there is room; seed {dataset.seed}.
{truth.haystack_rows:,} haystack rows: the originals and these distractors: {kinds}.
{clear:,} pairs count, {truth.original.size:,} of them copies. {truth.ambiguous.size:,} don't: \
windows that share {data.AMBIGUOUS:.0%} of the smaller one or more.
Verified: pairs within {radius} bits, which hold so many of the copies: {proposed}.
{missing}
""")


def print_thresholds(
    mix: str, counts: Mapping[str, Counts], accuracies: Mapping[str, Accuracy]
) -> None:
    rows = []
    for name, accuracy in accuracies.items():
        true, false = (
            int(part[:, : accuracy.level + 1].sum()) for part in take_mix(counts[name], mix)[:2]
        )
        rows.append((name, threshold_text(name, accuracy.level), f"{true:,}", f"{false:,}"))
    print_table((f"{title(mix)}: method", "threshold", "copies found", "false pairs"), rows)
    print()


def threshold_text(method: str, level: int) -> str:
    if level < 0:
        return "none"
    if method == CROP_RESISTANT:
        return "a rank"
    if method in (VERIFIED, VIEWS, LOOKED):
        return f"score {1 - level / (SCORE_LEVELS - 1):.3f}"
    return f"{level} bits"


def print_subset(mix: str, subset: Comparison) -> None:
    taken = {name: take_mix(counts, mix) for name, counts in subset.counts.items()}
    rows = [
        (name, percent(best_recall(counts)), percent(counts.average_precision()))
        for name, counts in taken.items()
    ]
    size = f"{subset.needles:,} needles, {subset.haystack:,} haystack rows"
    print(f"\nSmaller data set, {title(mix)} of {size}\n")
    print_table(("method", "recall at 99 % precision, %", "average precision, %"), rows)


def print_settings(mix: str, counts: Mapping[str, Counts], radius: int) -> None:
    """Precision and recall at the thresholds that users may choose."""
    alone, verified, views = (take_mix(counts[name], mix) for name in (ALONE, VERIFIED, VIEWS))
    what = f"the distance, and of the score for pairs within {radius} bits"
    print(f"\n{title(mix).capitalize()}: thresholds of {what}\n")
    rows = []
    for bits in range(0, 17, 2):
        note = " (default of join)" if bits == RADIUS else ""
        rows.append((f"distance up to {bits}{note}", *at_level(alone, bits)))
    for score in sorted({*np.arange(0.2, 0.9, 0.05).round(2).tolist(), MIN_SCORE}):
        note = " (default)" if score == MIN_SCORE else ""
        level = int(score_level(np.array(score)))
        rows.append((f"score from {score:.2f}{note}", *at_level(verified, level)))
    for score in sorted({*np.arange(0.3, 0.7, 0.05).round(2).tolist(), MIN_SCORE}):
        note = " (default)" if score == MIN_SCORE else ""
        level = int(score_level(np.array(score)))
        rows.append((f"with views, score from {score:.2f}{note}", *at_level(views, level)))
    print_table(("threshold", "precision, %", "recall, %", "copies", "false pairs"), rows)


def at_level(counts: Counts, level: int) -> tuple[str, str, str, str]:
    true, false = (int(part[:, : level + 1].sum()) for part in counts[:2])
    precision = true / max(true + false, 1)
    return f"{100 * precision:.2f}", percent(counts.recall(level)), f"{true:,}", f"{false:,}"


def print_estimates(estimates: list[tuple[int, CheckedEstimate]]) -> None:
    print("\nShare of copies: true, and as `fastphash calibrate` estimates it\n")
    header = ("originals with a copy", "threshold", "pairs", "copies, %", "estimated, % (bounds)")
    rows = []
    for copied, one in estimates:
        bounds = " to ".join(map(percent, one.bounds))
        estimated = f"{percent(one.estimated)} ({bounds})"
        rows.append((f"{copied:,}", one.threshold, f"{one.pairs:,}", percent(one.true), estimated))
    print_table(header, rows)


def as_json(
    dataset: Dataset,
    counts: Mapping[str, Counts],
    accuracies: Mapping[str, Mapping[str, Accuracy]],
    estimates: list[tuple[int, CheckedEstimate]],
    radius: int,
) -> dict[str, Any]:
    """All figures, with the curves of precision and recall, for each mix."""
    return {
        "seed": dataset.seed,
        "originals": len(dataset.originals),
        "distractors": {kind: len(places) for kind, places in dataset.distractors.items()},
        "haystack": len(dataset.haystack),
        "radius": radius,
        "mixes": {
            mix: {
                "needles": int(take_mix(counts[ALONE], mix).copies.sum()),
                "methods": {
                    name: _figures(name, take_mix(part, mix), measured[name])
                    for name, part in counts.items()
                },
            }
            for mix, measured in accuracies.items()
        },
        "estimates": [{"copied": copied, **one._asdict()} for copied, one in estimates],
    }


def _figures(name: str, counts: Counts, accuracy: Accuracy) -> dict[str, Any]:
    precision, recall = counts.curve()
    return accuracy._asdict() | {
        "threshold": threshold_text(name, accuracy.level),
        "precision": precision.round(5).tolist(),
        "recall": recall.round(5).tolist(),
    }


def null_for_nan(value: Any) -> Any:
    """The same value with None in place of every NaN, which JSON doesn't have."""
    if isinstance(value, dict):
        return {name: null_for_nan(item) for name, item in value.items()}
    if isinstance(value, list):
        return [null_for_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value

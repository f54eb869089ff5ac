"""What `evaluate` prints: precision and recall of an audit, and the best thresholds."""

from typing import TYPE_CHECKING, Any

from fastphash.base.text import count, display_name
from fastphash.cli.output import cell, percent_cell, show_lines, show_table

if TYPE_CHECKING:
    import pyarrow as pa

#: How many lost pairs are named at most.
LOST_PAIRS = 8
_KIND_LINES = 24
_SPLIT_LINES = 8


def show_evaluation(figures: dict[str, Any], lost: "pa.Table", truth: str, folder: str) -> None:
    """How accurate an audit is: `figures` is an `Evaluation`'s summary, `lost` its lost pairs."""
    _show_listed(figures, truth)
    _show_split_pairs(figures["split_pairs"], truth)
    if lost.num_rows:
        _show_lost_pairs(lost, sum(figures["lost"].values()))
    _show_precision_and_recall(figures)
    _show_by_kind(figures["by_kind"])
    if figures["by_listed_kind"]:
        _show_by_listed_kind(figures["by_listed_kind"])
    every_5th = {score: row for score, row in figures["by_score"].items() if score[-1] in "05"}
    _show_by_threshold("By score", "from", every_5th)
    _show_by_threshold("By distance alone", "bits", figures["by_distance"])
    lines = [
        *_best_thresholds("score", "from a score of {:g}", figures["best"]["score"]),
        *_best_thresholds("distance", "up to {:g} bits", figures["best"]["distance"]),
        f"accused pairs that aren't listed: {figures['unlisted']:,}"
        + "; look at them in unlisted.html" * bool(figures["unlisted"]),
    ]
    show_lines("To choose a threshold", lines)
    show_lines(
        f"Written to {folder}",
        ["evaluation.json, pairs.parquet, precision-recall.svg, unlisted.html"],
    )


def _show_listed(figures: dict[str, Any], truth: str) -> None:
    """How many pairs the truth lists, and why the audit lost some."""
    true, min_score = figures["true"], figures["min_score"]
    if min_score is None:
        unlike = "their thumbnails or colours differ"
    else:
        unlike = f"scored below {min_score:g}"
    reasons = {
        "rejected": "lost: an image was rejected",
        "left_out": "lost: an image was not compared: a mask, or of too little quality",
        "radius": f"lost: further apart than {count(figures['radius'], 'bit')}",
        "views": f"lost: further apart than {count(figures['radius'], 'bit')}, and no window of "
        "one was found in the other",
        "unseen": "lost: equal hashes, but no thumbnails to compare",
        "score": f"lost: within the radius, but {unlike}",
        "colour": "lost: within the radius and alike, but in different colours",
        "pixels": "lost: in doubt by thumbnails, and no copies by a look at pixels",
    }
    lost = figures["lost"]
    listed = f"{count(true['pairs'], 'pair')} of {count(true['images'], 'image')}"
    lines = [listed if true["pairs"] else "no copies"]
    lines += [f"{lost[why]:,} {text}" for why, text in reasons.items() if lost[why]]
    if not_copies := figures["not_copies"]["listed"]:
        accused = figures["not_copies"]["accused"]
        lines.append(f"{count(not_copies, 'pair')} as not copies; {accused:,} accused")
    show_lines(f"Listed by {truth}", lines)


def _show_split_pairs(split_pairs: list[dict[str, Any]], truth: str) -> None:
    """Which pairs of splits were judged, unless all were."""
    judged = [_between(one["splits"]) for one in split_pairs if one["judged"]]
    others = [one for one in split_pairs if not one["judged"]]
    if not others:
        return
    lines = [f"judged: pairs {'; '.join(_shortened(judged))}"]
    # first those that an audit may have accused
    others.sort(key=lambda one: -one["candidates"])
    for one in others[:_SPLIT_LINES]:
        near = f" ({count(one['candidates'], 'candidate')})" * bool(one["candidates"])
        where = _between(one["splits"])
        lines.append(f"pairs {where} were not judged: the table lists none{near}")
    if more := others[_SPLIT_LINES:]:
        lines.append(f"nor were those of {count(len(more), 'further pair')} of splits")
    lines.append(f"if {truth} lists all copies, --complete judges these, too")
    show_lines("Splits", lines)


def _between(splits: list[str]) -> str:
    first, second = map(display_name, splits)
    return f"inside {first}" if first == second else f"of {first} and {second}"


def _shortened(texts: list[str]) -> list[str]:
    more = texts[_SPLIT_LINES:]
    return [*texts[:_SPLIT_LINES], *[count(len(more), "further pair") + " of splits"] * bool(more)]


def _show_lost_pairs(lost: "pa.Table", total: int) -> None:
    lines = []
    for row in lost.to_pylist():
        names = f"{row['split']}/{row['path']} and {row['other_split']}/{row['other_path']}"
        if row["distance"] is None:
            lines.append(f"{names}: rejected")
        else:
            score = "no score" if row["score"] is None else f"score {row['score']:.2f}"
            lines.append(f"{names}: {count(row['distance'], 'bit')}, {score}")
    if more := total - len(lines):
        lines.append(f"and {more:,} more in pairs.parquet")
    show_lines("Lost pairs, the most alike first", lines)


def _show_precision_and_recall(figures: dict[str, Any]) -> None:
    columns = ["accused", "right", "precision", "recall", "F1"]
    show_table(
        f"The audit, by {figures['hash']} within {count(figures['radius'], 'bit')}",
        ["", *columns, "average\nprecision"],
        [
            [side, *_measures(figures["audit"][side]), f"{figures['average_precision'][side]:.3f}"]
            for side in ("pairs", "images")
        ],
    )


def _show_by_kind(by_kind: dict[str, dict[str, Any]]) -> None:
    show_table(
        "By kind: pairs, and the images in them",
        ["kind", "pairs", "right", "precision", "images", "right", "precision"],
        [
            [kind, *_measures(row["pairs"])[:3], *_measures(row["images"])[:3]]
            for kind, row in by_kind.items()
            if row["pairs"]["accused"]
        ],
    )


def _show_by_listed_kind(by_listed_kind: dict[str, dict[str, Any]]) -> None:
    by_listed_count = sorted(by_listed_kind.items(), key=lambda item: -item[1]["listed"])
    show_table(
        "By kind in the truth table",
        ["kind", "pairs", "found", "recall"],
        [
            [kind or "-", cell(row["listed"]), cell(row["found"]), percent_cell(row["recall"])]
            for kind, row in by_listed_count[:_KIND_LINES]
        ],
    )


def _show_by_threshold(title: str, first: str, by_threshold: dict[str, dict[str, Any]]) -> None:
    """Pairs and images at each threshold, leaving out rows that repeat the row before."""
    rows = []
    before = None
    for threshold, figures in by_threshold.items():
        if figures["pairs"]["accused"] and figures != before:
            images = (percent_cell(figures["images"][name]) for name in ("precision", "recall"))
            rows.append([threshold, *_measures(figures["pairs"]), *images])
        before = figures
    if rows:
        pairs = ["accused", "right", "precision", "recall", "F1"]
        images_columns = ["images:\nprecision", "images:\nrecall"]
        show_table(title, [first, *pairs, *images_columns], rows)


def _measures(row: dict[str, Any]) -> list[str]:
    return [
        cell(row["accused"]),
        cell(row["right"]),
        percent_cell(row["precision"]),
        percent_cell(row["recall"]),
        "-" if row["f1"] is None else f"{row['f1']:.3f}",
    ]


def _best_thresholds(measure: str, threshold: str, best: dict[str, Any]) -> list[str]:
    """The thresholds of the best F1 and of 99 % precision, if there is anything to measure."""
    highest, precise = best["f1"], best["precision_99"]
    if highest is None:
        return []
    at = threshold.format(highest["threshold"])
    lines = [f"best F1 by {measure}: {highest['f1']:.3f}, {at}"]
    if precise is None:
        return [*lines, f"99 % precision by {measure}: at no threshold"]
    at, recall = threshold.format(precise["threshold"]), percent_cell(precise["recall"])
    return [*lines, f"99 % precision by {measure}: {at}, with {recall} recall"]

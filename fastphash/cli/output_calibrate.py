"""What `calibrate` prints: how many near pairs are copies, and which thresholds to use."""

from typing import Any

from fastphash.base.text import count
from fastphash.cli.next_steps import shell_word, show_commands
from fastphash.cli.output import cell, percent_cell, show_lines, show_table

_COLUMNS = ["pairs", "by chance", "copies", "at least", "at most"]


def show_calibration(summary: dict[str, Any], store: str, *, named: bool = False) -> None:
    """How many near pairs are copies; `summary` is what ``--json`` prints.

    `named` says whether the hash was asked for by its name: other commands take another one then.
    """
    show_lines(f"Near pairs of {store} by {summary['hash']}", _sample(summary))
    if not summary["pairs"]:
        return
    if summary["scores"]:
        show_table(
            "By score",
            ["score from", *_COLUMNS],
            [[f"{row['score']:.2f}", *_estimate(row)] for row in summary["scores"] if row["pairs"]],
        )
    show_table(
        "By distance alone",
        ["bits up to", *_COLUMNS],
        [[str(row["distance"]), *_estimate(row)] for row in summary["distances"]],
    )
    target = shell_word(store) + f" --hash {summary['hash']}" * named
    _show_recommended(summary["recommended"], target, scores=bool(summary["scores"]))


def _sample(summary: dict[str, Any]) -> list[str]:
    """Which pairs the estimate is made from."""
    different = summary["images"] - summary["identical"] - summary["equal"]
    within = f"within {count(summary['radius'], 'bit')}"
    alike, decoys = "hashes", ""
    if summary["scores"]:
        alike = "hashes and thumbnail"
        decoys = (
            f"; of an image with the negative of another, alike by chance: {summary['decoys']:,}"
        )
    lines = [
        (
            f"of {count(summary['images'], 'image')}, {summary['identical']:,} with the bytes of "
            f"another and {summary['equal']:,} with another's {alike} are left out"
        ),
        f"pairs of the others {within}: {summary['pairs']:,}{decoys}",
    ]
    if summary["needles"] < different:
        lines.append(
            f"sampled: pairs of {summary['needles']:,} of {different:,} images, each with all"
        )
    if not summary["scores"]:
        lines.append("no thumbnails: nothing can be looked at, and distances alone tell")
    if different < 2:
        lines.append("nothing can be told: there are no two different images")
    elif not summary["pairs"]:
        lines.append(
            f"nothing can be told: no two images are {within}; a larger --radius may find some"
        )
    return lines


def _estimate(row: dict[str, Any]) -> list[str]:
    shares = (row["precision"], row["least"], row["most"])
    chance = f"{row['chance']:,.{0 if row['chance'] >= 10 else 1}f}"
    return [cell(row["pairs"]), chance, *map(percent_cell, shares)]


def _show_recommended(recommended: dict[str, Any], target: str, *, scores: bool) -> None:
    """Options of an audit, such that the precision asked for is reached."""
    share = f"{recommended['precision'] * 100:g} %"
    none = f"no threshold: too few pairs, or too many by chance, to be {share} copies"
    by_score = by_distance = none
    if recommended["min_score"] is not None:
        by_score = (
            f"--min-score {recommended['min_score']:.2f}, at --radius {recommended['radius']}"
        )
    if recommended["unseen_radius"] is not None:
        by_distance = f"--no-verify --radius {recommended['unseen_radius']}"
    lines = [f"by score: {by_score}"] * scores
    show_lines(f"So that {share} are copies", [*lines, f"by distance alone: {by_distance}"])
    show_commands("What next", _next_commands(recommended, target))


def _next_commands(recommended: dict[str, Any], target: str) -> dict[str, str]:
    """The command that groups copies by the best threshold; without any, one that asks for less."""
    share = f"{recommended['precision'] * 100:g} %"
    if recommended["min_score"] is not None:
        options = f"--radius {recommended['radius']} --min-score {recommended['min_score']:.2f}"
    elif recommended["unseen_radius"] is not None:
        options = f"--no-verify --radius {recommended['unseen_radius']}"
    else:
        less = recommended["precision"] * 0.9
        return {f"fastphash calibrate {target} --precision {less:.2g}": "ask for a smaller share"}
    return {
        f"fastphash group {target} -o groups.parquet {options}": (
            f"group the copies, of which {share} are; audit takes these options, too"
        )
    }

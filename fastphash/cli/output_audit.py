"""What `audit` prints: copies inside splits, leaks between them, labels, groups, files."""

from itertools import pairwise
from typing import Any

from fastphash.base.text import rough
from fastphash.cli.output import cell, show_lines, show_table

# more splits than this don't fit side by side
_MATRIX_SPLITS = 4
_LEAK_LINES = 12
# columns of the table of distances: the last distance of each
_LAST_DISTANCES = (-1, 0, 1, 2, 3, 4, 6, 8, 12, 16, 64)


def show_audit(summary: dict[str, Any], tallies: dict[str, Any], folder: str) -> None:
    """The result of an audit; `tallies` says what this run did for each split."""
    splits, leaks = summary["splits"], summary["leaks"]
    _show_splits(splits, thumbnails=summary["thumbnails"])
    _show_distances(summary)
    _show_candidates(summary)
    if leaks:
        if len(splits) <= _MATRIX_SPLITS:
            _show_leak_matrix(leaks, list(splits))
        _show_leaks_in_words(leaks)
        _show_collisions(leaks, thumbnails=summary["thumbnails"])
    _show_label_conflicts(summary["labels"])
    groups = summary["groups"]
    if groups["groups"]:
        show_table(
            f"Largest of {groups['groups']:,} groups" if groups["groups"] > 1 else "The only group",
            ["keeper", "images"],
            [[f"{g['split']}/{g['path']}", cell(g["images"])] for g in groups["largest"]],
        )
    files = [*summary["files"].values(), "summary.json"]
    show_lines(f"Written to {folder}", [", ".join(files), _work_done(tallies)])


def _show_splits(splits: dict[str, Any], *, thumbnails: bool) -> None:
    """Images and copies of each kind inside each split, and collisions."""
    all_kinds = dict.fromkeys(kind for split in splits.values() for kind in split["copies"])
    kinds = [kind for kind in all_kinds if any(s["copies"].get(kind) for s in splits.values())]
    show_table(
        "Inside each split",
        ["split", "images", "distinct", *(kinds or ["copies"]), "rejected"],
        [
            [
                name,
                cell(split["images"]),
                cell(split["distinct"]),
                *([cell(split["copies"].get(kind, 0)) for kind in kinds] or ["-"]),
                cell(split["rejected"]),
            ]
            for name, split in splits.items()
        ],
    )
    if collisions := sum(split["collisions"] for split in splits.values()):
        why = "look different" if thumbnails else "no thumbnails could be compared"
        show_lines(
            "Collisions inside splits",
            [f"{collisions:,} images share a hash with another, but {why}"],
        )


def _show_distances(summary: dict[str, Any]) -> None:
    """Copies by distance: the larger the distance, the less sure the copy."""
    leaks = sorted(summary["leaks"], key=lambda leak: -leak["leaked"])
    largest = [leak for leak in leaks if leak["leaked"]][:_LEAK_LINES]
    rows = {name: split["copies_by_distance"] for name, split in summary["splits"].items()}
    rows |= {f"{leak['needles']} in {leak['haystack']}": leak["by_distance"] for leak in largest}
    distances = [int(distance) for copies in rows.values() for distance in copies]
    if not summary["radius"] or not distances:
        return
    furthest = max(distances)
    columns = [
        (before + 1, min(last, furthest))
        for before, last in pairwise(_LAST_DISTANCES)
        if before < furthest
    ]
    show_table(
        "Copies by distance in bits: inside each split, and between splits",
        ["", *(str(first) if first == last else f"{first}-{last}" for first, last in columns)],
        [
            [
                name,
                *(
                    cell(sum(n for distance, n in copies.items() if first <= int(distance) <= last))
                    for first, last in columns
                ),
            ]
            for name, copies in rows.items()
        ],
    )


def _show_candidates(summary: dict[str, Any]) -> None:
    """Which pairs were candidates, and which of them count as near copies."""
    radius, min_score = summary["radius"], summary["min_score"]
    if not radius:
        show_lines("What near means here", ["Candidates are equal hashes only"])
        return
    chance = rough(summary["chance"])
    line = f"Candidates are hashes within {radius} bits; an image has {chance} by chance"
    if min_score is None:
        line += "; no thumbnails were compared: near pairs may be copies, or only look alike"
    elif not min_score:
        line += "; all count as near copies, whatever their score, unless their colours differ"
    else:
        line += f"; near copies are candidates with a score of at least {min_score:g}"
    show_lines("What near means here", [line])


def _show_leak_matrix(leaks: list[dict[str, Any]], splits: list[str]) -> None:
    cells = {(leak["needles"], leak["haystack"]): _leak_cell(leak) for leak in leaks}
    show_table(
        "Leaks: images of a split (row) that are also in another (column)",
        ["", *splits],
        [[row, *(cells.get((row, column), "") for column in splits)] for row in splits],
    )


def _leak_cell(leak: dict[str, Any]) -> str:
    return f"{leak['leaked']:,} ({leak['share'] * 100:.1f} %)" if leak["leaked"] else "-"


def _show_leaks_in_words(leaks: list[dict[str, Any]]) -> None:
    lines = []
    for leak in sorted(leaks, key=lambda leak: -leak["share"]):
        if leak["leaked"]:
            kinds = ", ".join(
                f"{number:,} {kind}"
                for kind, number in leak["kinds"].items()
                if number and kind != "collision"
            )
            lines.append(
                f"{leak['leaked']:,} of {leak['images']:,} {leak['needles']} images "
                f"({leak['share'] * 100:.1f} %) are also in {leak['haystack']}: {kinds}"
            )
    if len(lines) > _LEAK_LINES:
        lines[_LEAK_LINES:] = [f"and {len(lines) - _LEAK_LINES} more in summary.json"]
    show_lines("Leaks in words", lines or ["no image of one split is in another"])


def _show_collisions(leaks: list[dict[str, Any]], *, thumbnails: bool) -> None:
    """Images that share a hash with another split, but aren't known to be copies."""
    if collisions := sum(leak["kinds"]["collision"] for leak in leaks):
        why = "they look different" if thumbnails else "no thumbnails could be compared"
        show_lines(
            "Collisions",
            [f"{collisions:,} images share a hash with another split, not counted above: {why}"],
        )


def _show_label_conflicts(labels: dict[str, Any]) -> None:
    """How many copies have labels that differ from their keeper's."""
    lines = []
    if conflicts := labels.get("folder", {}).get("conflicts"):
        lines.append(f"copies in another class folder than their keeper: {conflicts:,}")
    if coco := labels.get("coco"):
        if coco["conflicts"]:
            lines.append(f"copies with other annotations than their keeper: {coco['conflicts']:,}")
        for split, unknown in coco["unknown"].items():
            ambiguous, unlisted = coco["ambiguous"][split], coco["unlisted"][split]
            if unknown or ambiguous or unlisted:
                lines.append(
                    f"COCO file of {split}: {unknown:,} of its images are not in the split, "
                    f"{ambiguous:,} match several images; {unlisted:,} images are not in the file"
                )
    if lines:
        show_lines("Label conflicts", lines)


def _work_done(tallies: dict[str, Any]) -> str:
    """What this run did with its inputs, in one line."""

    def total(field: str) -> int:
        return sum(getattr(tally, field) for tally in tallies.values())

    text = (
        f"{total('inputs'):,} inputs: {total('hashed'):,} hashed, {total('kept'):,} unchanged, "
        f"{total('rejected'):,} rejected, {total('skipped'):,} skipped"
    )
    unusual = {field: total(field) for field in ("changed", "gone", "missing")}
    return text + "".join(f"; {number:,} {field}" for field, number in unusual.items() if number)

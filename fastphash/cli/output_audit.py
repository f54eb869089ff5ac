"""What `audit` prints: copies inside splits, leaks between them, labels, groups, files."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import click

from fastphash.base.text import about, count, display_name, listed, share
from fastphash.base.vocabulary import (
    ALTERED,
    COLLISION,
    COPY_KINDS,
    COUNTED_COPIES,
    CROPPED,
    DISTANCE_STEPS,
    KINDS,
)
from fastphash.cli.output import cell, show_lines, show_table
from fastphash.cli.output_labels import show_labels
from fastphash.results.calibration_words import share_in_words
from fastphash.results.leak_words import leak_lines, same_pixels_inside
from fastphash.results.radius_words import radius_in_words
from fastphash.results.verdict import count_leaks

# more splits than this don't fit side by side
_MATRIX_SPLITS = 4
# leaks whose distances are shown
_LEAK_LINES = 12
_NO_COPIES = KINDS[len(COPY_KINDS) :]
_KINDS_FOUND = {
    KINDS[CROPPED]: (
        "one picture shows a part of the other, or has a border; column window of leaks.parquet "
        "and groups.parquet says which part"
    ),
    KINDS[ALTERED]: (
        "the same scene, but for a place, such as a caption, a number or a person; column place "
        "says where"
    ),
}


def show_audit(summary: dict[str, Any], tallies: dict[str, Any], folder: str) -> None:
    """The result of an audit; `tallies` says what this run did for each split."""
    splits, leaks = summary["splits"], summary["leaks"]
    _show_splits(splits, thumbnails=summary["thumbnails"])
    show_chained(splits)
    _show_distances(summary)
    _show_candidates(summary)
    _show_kinds_found(summary)
    if leaks:
        if len(splits) <= _MATRIX_SPLITS:
            _show_leak_matrix(leaks, list(splits))
        _show_leaks_in_words(leaks)
        _show_collisions(leaks, thumbnails=summary["thumbnails"])
    show_labels(summary)
    groups = summary["groups"]
    if groups["groups"]:
        show_table(
            f"Largest of {groups['groups']:,} groups of copies"
            if groups["groups"] > 1
            else "The only group of copies",
            ["keeper", "images"],
            [[f"{g['split']}/{g['path']}", cell(g["images"])] for g in groups["largest"]],
        )
    _show_verdict(summary["verdict"])
    files = [*summary["files"].values(), "summary.json"]
    show_lines(f"Written to {folder}", [", ".join(files), _work_done(tallies)])


def _show_verdict(verdict: dict[str, Any]) -> None:
    show_lines(
        verdict["headline"],
        [*verdict["sentences"], verdict["looked_for"], verdict["missed"]],
    )


def show_leaks_of_kinds(summary: dict[str, Any], kinds: Sequence[str]) -> bool:
    """Say on stderr which images leak by these kinds or by decision, and whether any does."""
    leaking, of_any_kind = count_leaks(summary, kinds), count_leaks(summary, COUNTED_COPIES)
    named = listed(list(kinds))
    if leaking:
        or_decided = ", or by decision" if count_leaks(summary, ()) else ""
        click.echo(f"{_leaking_in_words(leaking, summary)} by {named}{or_decided}", err=True)
    elif of_any_kind:
        others = _leaking_in_words(of_any_kind, summary)
        click.echo(f"No image leaks by {named}; {others} by other kinds", err=True)
    return bool(leaking)


def _leaking_in_words(leaking: dict[str, int], summary: dict[str, Any]) -> str:
    """1 of 98 val images and 2 of 297 train images leak."""
    parts = []
    for name, number in leaking.items():
        split = summary["splits"][name]
        images = count(split["images"] - split["rejected"], f"{display_name(name)} image")
        parts.append(f"{number:,} of {images}")
    return f"{listed(parts)} {'leaks' if sum(leaking.values()) == 1 else 'leak'}"


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
    if same_pixels := same_pixels_inside(splits):
        show_lines("Copies with the same pixels in other bytes", [listed(same_pixels)])
    if collisions := sum(split["collisions"] for split in splits.values()):
        sharing = count(collisions, "image shares", "images share")
        why = _why_collisions(collisions, thumbnails=thumbnails)
        show_lines("Collisions inside splits", [f"{sharing} a hash with another, but {why}"])


def show_chained(splits: dict[str, Any]) -> None:
    """Images that are copies by a chain alone: they are counted by how they relate to the keeper.

    Only a grouping by components has them.
    """
    if chained := sum(split["copies"].get(KINDS[COLLISION], 0) for split in splits.values()):
        images = count(chained, "image is", "images are")
        of_copies = "a copy of a copy" if chained == 1 else "copies of copies"
        them = "looks different itself" if chained == 1 else "look different themselves"
        show_lines(
            "Chained copies",
            [f"{images} {of_copies} of the keeper, but {them}: column {KINDS[COLLISION]}"],
        )


def _why_collisions(images: int, *, thumbnails: bool) -> str:
    """Why images that share a hash aren't counted as copies."""
    if not thumbnails:
        return "no thumbnails could be compared"
    looks = (
        "it looks different or is a flat picture"
        if images == 1
        else ("they look different or are flat pictures")
    )
    return f"{looks} (those are copies only if all pixels are equal)"


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
    if not furthest:
        return
    columns = [
        (before + 1, min(last, furthest))
        for before, last in pairwise((-1, *DISTANCE_STEPS[summary["bits"]]))
        if before < furthest
    ]
    show_table(
        "Copies by the bits in which their hashes differ, inside splits and between",
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
    """Which pairs count as near copies."""
    radius, min_score = summary["radius"], summary["min_score"]
    name, bits = summary["hash"], summary["bits"]
    others = [
        f"{count(one['radius'], 'bit')} of {other}"
        for other, one in summary.get("proposing", {}).items()
    ]
    proposed = [f"Pairs within {listed(others)} were compared, too"] * bool(others)
    # the first sentence says what the radius is, which is said here anyway
    narrowed = radius_in_words(summary)[1:]
    if not radius:
        unsought = f"Not looked for by {name}: only equal hashes were compared"
        show_lines("Near copies", [unsought, *narrowed, *proposed])
        return
    near = f"Two images are near copies if their {name} differs in at most {radius} of {bits} bits"
    by_chance = f"By chance, an image has {about(summary['chance'])} others with such hashes"
    if min_score is None:
        by_chance += ". No thumbnails were compared: such pairs may be copies, or only look alike"
    elif not min_score:
        near += " and their colours agree, however alike they look"
    else:
        near += f", and their thumbnails score at least {min_score:g} (1 is the same picture)"
        by_chance += "; the score tells copies from them"
    estimated = share_in_words(summary)
    show_lines(
        "Near copies", [near, by_chance, *narrowed, *proposed, *[estimated] * bool(estimated)]
    )


def _show_kinds_found(summary: dict[str, Any]) -> None:
    """What kinds mean that the score of whole thumbnails doesn't decide, if there are any."""
    counts = [split["copies"] for split in summary["splits"].values()]
    counts += [leak["kinds"] for leak in summary["leaks"]]
    kinds = [kind for kind in _KINDS_FOUND if any(kinds.get(kind) for kinds in counts)]
    if kinds:
        title = f"{listed(kinds).capitalize()} copies"
        show_lines(title, [f"{kind}: {_KINDS_FOUND[kind]}" for kind in kinds])


def _show_leak_matrix(leaks: list[dict[str, Any]], splits: list[str]) -> None:
    cells = {(leak["needles"], leak["haystack"]): _leak_cell(leak) for leak in leaks}
    show_table(
        "Leaks: images of a split (row) that are also in another (column)",
        ["", *splits],
        [[row, *(cells.get((row, column), "") for column in splits)] for row in splits],
    )


def _leak_cell(leak: dict[str, Any]) -> str:
    return f"{leak['leaked']:,} ({share(leak['share'])})" if leak["leaked"] else "-"


def _show_leaks_in_words(leaks: list[dict[str, Any]]) -> None:
    lines, further = leak_lines(leaks)
    if further:
        lines.append(f"and {further:,} more in summary.json")
    show_lines("Leaks in words", lines or ["no image of one split is in another"])


def _show_collisions(leaks: list[dict[str, Any]], *, thumbnails: bool) -> None:
    """Images that share a hash with another split, but aren't known to be copies."""
    if collisions := sum(leak["kinds"][kind] for leak in leaks for kind in _NO_COPIES):
        sharing = count(collisions, "image shares", "images share")
        why = _why_collisions(collisions, thumbnails=thumbnails)
        show_lines(
            "Collisions",
            [f"{sharing} a hash with another split, not counted above: {why}"],
        )


def _work_done(tallies: dict[str, Any]) -> str:
    """What this run did with its inputs, in one line."""

    def total(field: str) -> int:
        return sum(getattr(tally, field) for tally in tallies.values())

    text = (
        f"{count(total('inputs'), 'file')}: {total('hashed'):,} hashed, {total('kept'):,} "
        f"unchanged, {total('rejected'):,} rejected, {total('skipped'):,} skipped"
    )
    unusual = {field: total(field) for field in ("changed", "gone", "missing")}
    return text + "".join(f"; {number:,} {field}" for field, number in unusual.items() if number)

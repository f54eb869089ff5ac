"""What `clean` prints: the plan, and what became of it."""

from typing import Any

from fastphash.base.text import count
from fastphash.base.vocabulary import KINDS
from fastphash.cli.output import cell, show_lines, show_table
from fastphash.results.verdict import decisions_in_words, staying_in_words

_SKIPPED_LINES = 10


def show_plan(
    splits: dict[str, Any], plan_keys: dict[str, Any], audit: dict[str, Any], folder: str
) -> None:
    """What a clean plan comes to, and how to go on.

    `splits` counts images of each split, `plan_keys` says what the plan was made by, and `audit`
    is the audit's summary.
    """
    kinds = [kind for kind in KINDS if any(split["kinds"].get(kind) for split in splits.values())]
    impossible = {kind for kind in _impossible_kinds(plan_keys, audit) if kind not in kinds}
    looked_for = [kind for kind in plan_keys["kinds"] if kind not in impossible]
    show_table(
        f"Plan: copies that go, of kinds {', '.join(looked_for)}",
        ["split", "images", "stay", "go", *kinds],
        [
            [
                name,
                cell(split["keep"] + split["remove"]),
                cell(split["keep"]),
                cell(split["remove"]),
                *(cell(split["kinds"].get(kind, 0)) for kind in kinds),
            ]
            for name, split in splits.items()
        ],
    )
    if notes := _notes(plan_keys, audit, impossible, folder):
        show_lines("Note", notes)
    show_lines(
        f"Written to {folder}/plan.parquet; nothing was touched. To go on",
        [
            f"fastphash clean {folder} --apply: lists of what stays",
            f"fastphash clean {folder} DIR --apply --to copy: a clean tree (or hardlink, symlink)",
            f"fastphash clean {folder} DIR --apply --to move: what goes is moved aside",
        ],
    )


def _impossible_kinds(plan_keys: dict[str, Any], audit: dict[str, Any]) -> set[str]:
    """Kinds that the plan asks for and this audit can't find."""
    kinds = {"unverified"} if audit["thumbnails"] else {"exact", "augmented", "collision"}
    if not plan_keys["radius"]:
        kinds.add("near")
    return kinds.intersection(plan_keys["kinds"])


def _notes(
    plan_keys: dict[str, Any], audit: dict[str, Any], impossible: set[str], folder: str
) -> list[str]:
    lines = []
    if rejected := sum(split["rejected"] for split in audit["splits"].values()):
        lines.append(f"files without a hash, which the plan is not about: {rejected:,}")
    if not audit["thumbnails"]:
        lines.append("without thumbnails only identical images are known to be copies")
    if "near" in impossible:
        lines.append("the audit has radius 0, so none is near: audit again with --radius")
    decided = decisions_in_words(plan_keys["decisions"], plan_keys["stale_decisions"])
    staying = staying_in_words(plan_keys["staying"], plan_keys["kinds"], folder)
    return [*lines, *(line for line in (decided, staying) if line)]


def show_applied(applied: dict[str, Any], what: str, skipped_file: str) -> None:
    """What became of the images of a plan; `applied` is as `Applied.as_json` returns it."""
    numbers = {
        "planned": applied["planned"],
        "done": applied["done"],
        "done before": applied["already"],
        "skipped": len(applied["skipped"]),
    }
    if applied["rescued"]:
        numbers["stay after all"] = len(applied["rescued"])
    show_table(f"Images, {what}", list(numbers), [[cell(number) for number in numbers.values()]])
    if exceptions := applied["skipped"] + applied["rescued"]:
        lines = [f"{image['split']}/{image['path']}: {image['why']}" for image in exceptions]
        if len(lines) > _SKIPPED_LINES:
            more = f"and {len(lines) - _SKIPPED_LINES:,} more: {skipped_file}"
            lines[_SKIPPED_LINES:] = [more]
        show_lines("Not as planned", lines)
    if applied["files"]:
        left_out = applied["annotations_gone"]
        annotations = [f"{left_out:,} annotations left out"] if left_out else []
        show_lines("Written", [*applied["files"], *annotations])
    if notes := [line for split, coco in applied["coco"].items() for line in _of_coco(split, coco)]:
        show_lines("COCO files", notes)


def _of_coco(split: str, written: dict[str, int]) -> list[str]:
    """How the COCO file of a split and the files of the split differ."""
    lines = []
    if inexact := written["inexact"]:
        names = count(inexact, "name is", "names are")
        lines.append(f"{split}: {names} spelled otherwise than the file, and matched all the same")
    for key, why in (("unknown", "not in the split"), ("unhashed", "without a hash")):
        if number := written[key]:
            images = count(number, "image is", "images are")
            lines.append(f"{split}: {images} {why}: kept in the COCO file, but in no list")
    return lines

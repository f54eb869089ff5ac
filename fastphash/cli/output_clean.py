"""What `clean` prints: the plan, and what became of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastphash.base.text import count, listed
from fastphash.base.vocabulary import (
    ALTERED,
    COPY_KINDS,
    COUNTED,
    COUNTED_COPIES,
    CROPPED,
    KINDS,
    UNLOOKED,
)
from fastphash.cli.next_steps import clean_commands, shell_word, show_commands
from fastphash.cli.output import cell, show_lines, show_table
from fastphash.cli.output_decisions import decided_in_words
from fastphash.cli.unlooked import unlooked_in_words
from fastphash.defaults import LOOKS, VIEWS
from fastphash.results.left_out_words import not_compared_in_words
from fastphash.results.sidecar_words import mask_folders_in_words, sidecars_in_words
from fastphash.results.verdict import kinds_to_add, staying_in_words

_LOOKED_FOR_BY = {KINDS[CROPPED]: f"--views {VIEWS}", KINDS[ALTERED]: f"--looks {LOOKS}"}
_SKIPPED_LINES = _EMPTIED_LINES = 10
#: Copies that stay because of their labels, of which a plan on the screen names the first.
DISAGREEMENTS_SHOWN = 5
_DISAGREEMENTS = {
    "folder": "{number:,} in another class folder; --conflicts drop lets them go",
    "coco": "{number:,} with other annotations; --conflicts drop lets them go",
    "annotations": "{number:,} with other annotations; --conflicts drop lets them go",
    "unannotated": "{number:,} with annotations, which the image that has priority lacks",
}
_DONE = {"copy": "copied", "hardlink": "linked", "symlink": "linked", "move": "moved"}
_EMPTIED = {
    "split": "{split} would lose all of its {images}",
    "class": "class {name} of {split} would lose all of its {images}",
    "annotations": "{split} would lose all of its annotations, those of {images}",
    "category": "category {name} of {split} would lose all of its {images}",
}


def show_plan(
    splits: dict[str, Any],
    plan_keys: dict[str, Any],
    audit: dict[str, Any],
    folder: str,
    disagreeing: Sequence[dict[str, Any]] = (),
) -> None:
    """What a clean plan comes to, and how to go on.

    `splits` counts images of each split, `plan_keys` says what the plan was made by and what it
    comes to, `audit` is the audit's summary, and `disagreeing` are the first copies that stay
    because of their labels.
    """
    kinds = [kind for kind in COUNTED if any(split["kinds"].get(kind) for split in splits.values())]
    impossible = {kind for kind in _impossible_kinds(plan_keys, audit) if kind not in kinds}
    looked_for = [kind for kind in plan_keys["kinds"] if kind not in {*impossible, UNLOOKED}]
    anyway = "; looked at or not" if UNLOOKED in plan_keys["kinds"] else ""
    show_table(
        f"Plan: copies that go, of kinds {', '.join(looked_for)}{anyway}",
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
    if reasons := plan_keys["reasons"]:
        show_lines(
            "Why their keepers stay",
            [", ".join(f"{reason}: {number:,}" for reason, number in reasons.items())],
        )
    _show_disagreements(plan_keys["disagreements"], disagreeing)
    _show_emptied(plan_keys["emptied"])
    show_containers(plan_keys.get("containers", {}))
    differs = _difference_in_words(splits, plan_keys, audit)
    if notes := [*differs, *_notes(plan_keys, audit, impossible)]:
        show_lines("Note", notes)
    clean = f"fastphash clean {shell_word(folder)}"
    containers = plan_keys.get("containers", {})
    tree = "a clean tree, containers written anew" if containers else "a clean tree"
    commands = {
        f"{clean} --apply": "lists of what stays",
        f"{clean} DIR --apply --to copy": f"{tree} (or hardlink, symlink)",
    }
    if containers.keys() != splits.keys():
        commands[f"{clean} DIR --apply --to move"] = "what goes is moved aside"
    commands |= clean_commands(
        shell_word(folder), plan_keys["staying"], "a new plan", plan_keys["kinds"]
    )
    show_commands(f"Written to {folder}/plan.parquet; nothing was touched. To go on", commands)


def _show_disagreements(counts: dict[str, int], first: Sequence[dict[str, Any]]) -> None:
    """Copies that stay because of their labels: how many, why, and the first of them."""
    if not counts:
        return
    lines = [_DISAGREEMENTS[what].format(number=number) for what, number in counts.items()]
    lines += [
        f"{row['split']}/{row['path']}, a copy of {row['keeper_split']}/{row['keeper_path']}"
        for row in first
    ]
    total = sum(counts.values())
    if total > len(first):
        lines.append(f"and {total - len(first):,} more: column disagrees of plan.parquet")
    show_lines("Copies that stay because of their labels", lines)


def _show_emptied(emptied: list[dict[str, Any]]) -> None:
    """A warning of what would lose all of its images."""
    lines = [
        _EMPTIED[lost["what"]].format(**lost | {"images": count(lost["images"], "image")})
        for lost in emptied[:_EMPTIED_LINES]
    ]
    if more := len(emptied) - len(lines):
        lines.append(f"and {more:,} more: --json names all")
    if lines:
        show_lines("WARNING: nothing would be left", lines)


def _difference_in_words(
    splits: dict[str, Any], plan_keys: dict[str, Any], audit: dict[str, Any]
) -> list[str]:
    """Why a plan counts other copies than its audit did; empty if it counts the same."""
    if all(
        split["kinds"].get(kind, 0) == audit["splits"][name]["copies"].get(kind, 0)
        for name, split in splits.items()
        for kind in COUNTED_COPIES
        if kind in plan_keys["kinds"]
    ):
        return []
    why = []
    if len(splits) > 1:
        why.append("the audit counts copies inside each split, the plan over all splits")
    counted = {
        kind
        for split in audit["splits"].values()
        for kind, number in split["copies"].items()
        if number
    }
    if stay := [kind for kind in COPY_KINDS if kind in counted - {*plan_keys["kinds"]}]:
        why.append(f"the audit groups {listed(stay)} copies too, which stay here")
    if plan_keys["staying"].get(UNLOOKED):
        why.append("copies stay that nobody looked at")
    if plan_keys["disagreements"]:
        why.append("copies stay because of their labels")
    if plan_keys["decisions"] != audit["decisions"]["used"]:
        why.append("something was decided since the audit")
    return [f"counts differ from those of the audit: {'; '.join(why)}"] if why else []


def _impossible_kinds(plan_keys: dict[str, Any], audit: dict[str, Any]) -> set[str]:
    """Kinds that the plan asks for and this audit can't find."""
    kinds = {"unverified"} if audit["thumbnails"] else {"exact", "augmented", "collision"}
    if not plan_keys["radius"]:
        kinds.add("near")
    # audits of earlier versions don't say: they had none
    if audit.get("views", "none") == "none":
        kinds.add(KINDS[CROPPED])
    if not audit.get("looks", {}).get("limit"):
        kinds.add(KINDS[ALTERED])
    return kinds.intersection(plan_keys["kinds"])


def _notes(plan_keys: dict[str, Any], audit: dict[str, Any], impossible: set[str]) -> list[str]:
    lines = []
    if rejected := sum(split["rejected"] for split in audit["splits"].values()):
        files = count(rejected, "file has", "files have")
        lines.append(f"{files} no hash: the plan leaves {'it' if rejected == 1 else 'them'} alone")
    if not audit["thumbnails"]:
        lines.append("without thumbnails only identical images are known to be copies")
    if "near" in impossible:
        lines.append(
            "the audit compared equal hashes only, so it has no near copies: audit again with "
            "--radius"
        )
    for kind, option in (
        (KINDS[CROPPED], f"--views {VIEWS}"),
        (KINDS[ALTERED], f"--looks {LOOKS}"),
    ):
        if kind in impossible:
            again = _looking(audit) or f"with {option}"
            lines.append(f"the audit looked for no {kind} copies: audit again {again}")
    beside = [*sidecars_in_words(audit), *mask_folders_in_words(audit)]
    lines += [f"{files}: they go where the images go" for files in beside]
    lines += [f"{words}: they all stay" for words in not_compared_in_words(audit)]
    staying_by_kind = dict(plan_keys["staying"])
    if unlooked := staying_by_kind.pop(UNLOOKED, 0):
        added = kinds_to_add({UNLOOKED: unlooked}, plan_keys["kinds"])
        lines.append(unlooked_in_words(unlooked, added, audit, plan_keys["keep_in"]))
    if staying := staying_in_words(staying_by_kind):
        verb, them = ("stays", "it") if sum(staying_by_kind.values()) == 1 else ("stay", "them")
        added = kinds_to_add(staying_by_kind, plan_keys["kinds"])
        lines.append(f"{staying} {verb}: add {them} with --kinds {added}")
    return [*lines, *decided_in_words(plan_keys)]


def _looking(audit: dict[str, Any]) -> str:
    """What makes an audit look at thumbnails that didn't; empty if it did."""
    if not audit["thumbnails"]:
        return "without --no-thumbnails"
    return "without --no-verify" if audit["min_score"] is None else ""


def show_applied(applied: dict[str, Any], what: str, skipped_file: str) -> None:
    """What became of the images of a plan; `applied` is as `Applied.as_json` returns it."""
    numbers = {
        "planned": applied["planned"],
        "done": applied["done"],
        "done before": applied["already"],
        # a container is one of the skipped files, however many images stay in it
        "skipped": applied["planned"] - applied["done"] - applied["already"],
    }
    if applied["rescued"]:
        numbers["stay after all"] = len(applied["rescued"])
    show_table(f"Images, {what}", list(numbers), [[cell(number) for number in numbers.values()]])
    if sidecars := _sidecars_in_words(applied["sidecars"], what):
        show_lines("Labels, masks and other files of the same names", [sidecars])
    exceptions = applied["skipped"] + applied["rescued"] + applied["sidecars"]["skipped"]
    if exceptions:
        show_lines("Not as planned", _exceptions_in_words(exceptions, skipped_file))
    show_shards(applied["shards"])
    if inside := applied["in_containers"]:
        stay = count(inside, "image that goes stays", "images that go stay")
        why = "in tar, zip and Parquet files, which are never edited: --to copy writes new ones"
        show_lines("Note", [f"{stay} {why}"])
    if applied["files"]:
        left_out = applied["annotations_gone"]
        annotations = [f"{count(left_out, 'annotation')} left out"] if left_out else []
        show_lines("Written", [*applied["files"], *annotations])
    if notes := [line for split, coco in applied["coco"].items() for line in _of_coco(split, coco)]:
        show_lines("Label files", notes)


def _sidecars_in_words(counts: dict[str, Any], what: str) -> str:
    """What became of files that belong to images; empty if there are none."""
    if not counts["planned"]:
        return ""
    words = {"done": f"{_DONE.get(what, what)} with their images", "already": "done before"}
    parts = [f"{counts[key]:,} {said}" for key, said in words.items() if counts[key]]
    if skipped := len(counts["skipped"]):
        parts.append(f"{skipped:,} skipped")
    return ", ".join(parts)


def show_containers(counts: dict[str, dict[str, int]]) -> None:
    """What becomes of tar, zip and Parquet files; `counts` as of `count_containers`, by split."""
    if counts:
        show_table(
            "tar, zip and Parquet files",
            ["split", "files", "lose samples", "lose all", "samples", "samples go"],
            [[split, *map(cell, numbers.values())] for split, numbers in counts.items()],
        )


def show_shards(counts: dict[str, dict[str, int]]) -> None:
    """What became of tar, zip and Parquet files in a tree; `counts` as of `WrittenShards`."""
    if not counts:
        return
    rows = [
        [
            split,
            *map(
                cell,
                (
                    numbers["containers"] - numbers["whole"] - numbers["emptied"],
                    numbers["whole"],
                    numbers["emptied"],
                    numbers["samples_gone"],
                ),
            ),
        ]
        for split, numbers in counts.items()
    ]
    # together narrow enough for three blanks between them on a screen of 80 columns
    headers = ["split", "lost samples", "as they were", "empty, left out", "samples gone"]
    show_table("tar, zip and Parquet files", headers, rows)


def _exceptions_in_words(images: list[dict[str, str]], file: str) -> list[str]:
    """What became of images otherwise than planned: a reason that many share is said once."""
    names_by_reason: dict[str, list[str]] = {}
    for image in images:
        names_by_reason.setdefault(image["why"], []).append(f"{image['split']}/{image['path']}")
    lines = []
    for why, names in names_by_reason.items():
        if len(names) > _SKIPPED_LINES:
            lines.append(f"{len(names):,} images, the first of them {names[0]}: {why}")
        else:
            lines += [f"{name}: {why}" for name in names]
    if len(images) > _SKIPPED_LINES:
        lines[_SKIPPED_LINES:] = [f"all {len(images):,} are listed in {file}"]
    return lines


def show_place(mode: str, target: Path, folder: Path, places: dict[str, int]) -> None:
    """Where a plan has put images, and how to move them back.

    `folder` is that of the audit, `places` as of `Applied`.
    """
    if mode == "move":
        undo = f"fastphash clean {shell_word(folder)} --undo"
        if len(places) > 1:
            images = [f"{count(number, 'image')} in {place}" for place, number in places.items()]
            show_lines("Moved, by several runs", images)
            show_commands("To undo all of it", {undo: "moves every file back"})
            return
        place = next(iter(places), str(target))
        show_commands(f"Moved to {place}. To undo it", {undo: "moves every file back"})
    elif mode != "lists":
        show_lines("Clean tree", [f"what stays is in {target}"])


def _of_coco(split: str, written: dict[str, int]) -> list[str]:
    """How the COCO file or table of a split and the files of the split differ."""
    lines = []
    if inexact := written["inexact"]:
        names = count(inexact, "name is", "names are")
        lines.append(f"{split}: {names} spelled otherwise than the file, and matched all the same")
    for key, why in (("unknown", "not in the split"), ("unhashed", "without a hash")):
        if number := written[key]:
            images = count(number, "image is", "images are")
            lines.append(f"{split}: {images} {why}: kept in the file, but in no list")
    if orphans := written["orphans"]:
        annotations = count(orphans, "label is", "labels are")
        lines.append(f"{split}: {annotations} of no image in the file, before as after: kept")
    return lines

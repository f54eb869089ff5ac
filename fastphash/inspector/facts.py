"""What pages say about a group, an image or a decision."""

from typing import Any

from fastphash.base.text import printable
from fastphash.base.vocabulary import KINDS
from fastphash.inspector.catalog import Row
from fastphash.inspector.decisions import STATUSES, CurrentDecisions
from fastphash.inspector.frames import copy_frames
from fastphash.inspector.previews import SIDES, TROUBLES
from fastphash.inspector.review import Review
from fastphash.results.decisions import Decision

#: What a page calls the statuses of a pair.
STATUS_WORDS = {"copies": "copies", "not_copies": "not copies", "undecided": "undecided"}

# images of a group on the list of groups
_SAMPLES = 6


def group_facts(review: Review, decisions: CurrentDecisions, group: int) -> dict[str, Any]:
    """What the list of groups says about one of them."""
    columns = review.catalog.columns
    rows = review.catalog.images(group)
    kinds = set(columns.kind[rows[1] : rows[-1] + 1].tolist())
    splits = set(columns.split[rows[0] : rows[-1] + 1].tolist())
    samples = [review.catalog.row(row) for row in rows[:_SAMPLES]]
    return {
        "number": group,
        "samples": [
            {
                "row": row,
                "file_state": review.previews.file_state(row),
                "picture": _picture_url(row, SIDES[0]),
            }
            for row in samples
        ],
        "images": len(rows),
        "more": len(rows) - len(samples),
        "kinds": [KINDS[kind] for kind in sorted(kinds)],
        "splits": [columns.splits[split] for split in sorted(splits)],
        "furthest": int(columns.furthest[group]),
        "leaks": len(splits) > 1,
        "conflict": bool(review.conflicts.of_group[group]),
        "undecided": int(decisions.undecided[group]),
        "first": review.navigation.first_undecided(group) or rows[1],
    }


def image_facts(review: Review, decisions: CurrentDecisions, number: int) -> dict[str, Any]:
    """What the pages of groups and pairs say about one image."""
    row = review.catalog.row(number)
    file_state = review.previews.file_state(row, compare_bytes=True)
    outside = file_state == "outside"
    frame, turned_frame = copy_frames(row)
    return {
        "row": row,
        "trouble": TROUBLES.get(file_state, ""),
        "plain": _picture_url(row, SIDES[1], 0, stored=outside),
        "turned": _picture_url(row, SIDES[1], row.orientation, stored=outside),
        "large": _picture_url(row, SIDES[-1], row.orientation, stored=outside),
        "frame": frame,
        "turned_frame": turned_frame,
        "status": STATUSES[decisions.status[number]],
        "chosen": decisions.chosen[row.group] == number,
        "conflicts": review.conflicts.of_row(number),
    }


def describe_step(step: list[Decision]) -> str:
    """Decisions made at once, in words; empty for none."""
    if len(step) > 2:
        return f"{len(step):,} pairs at once: {STATUS_WORDS[step[0].word]}"
    return "; ".join(map(_describe, step))


def file_size(size: int) -> str:
    """A number of bytes with three digits and a unit."""
    if size < 1000:
        return f"{size} bytes"
    amount, unit = float(size), "kB"
    for unit in ("kB", "MB", "GB"):  # noqa: B007 - the last is used
        amount /= 1000
        if amount < 1000:
            break
    return f"{amount:.3g} {unit}"


def _describe(decision: Decision) -> str:
    names = [
        f"{image.split}/{printable(image.path.decode(errors='replace'))}"
        for image in decision.images
    ]
    if decision.word == "keeper":
        return f"{names[0]} stays"
    return f"{names[0]} and {names[1]}: {STATUS_WORDS[decision.word]}"


def _picture_url(row: Row, side: int, turn: int = 0, *, stored: bool = False) -> str:
    if stored:
        return f"/thumbnail/{row.number}?turn={turn}"
    return f"/image/{row.number}?side={side}&turn={turn}"

"""What is printed of inputs that gave no hash: which they are, and why."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fastphash.base.text import count, display_name
from fastphash.cli.output import cell, show_lines, show_table
from fastphash.ingest.tally import Tally
from fastphash.sources.unread_containers import unread_in_words

if TYPE_CHECKING:
    import pyarrow as pa

_NAMES = 10
_REASONS = 5


def show_rejected(
    rejected: "pa.Table", reasons: dict[str, int], where: str, *, command: str = ""
) -> None:
    """The first rejected files with their reasons; if there are more, how many for which reason.

    `rejected` has the columns of `REJECTED_SCHEMA`, `reasons` counts its rows, and `where` says
    where all are; `command` gets them out of there.
    """
    if not rejected.num_rows:
        return
    if rejected.num_rows > _NAMES:
        ranked = list(reasons.items())
        rows = [[reason, cell(files)] for reason, files in ranked[:_REASONS]]
        if len(ranked) > _REASONS:
            rest = sum(files for _, files in ranked[_REASONS:])
            rows.append(["other reasons", cell(rest)])
        show_table("Rejected", ["reason", "files"], rows)
    lines = [
        f"{display_name(row['split'])}/{display_name(row['path_bytes'] or row['path'])}: "
        f"{row['stage']}: {row['reason']}"
        for row in rejected.slice(0, _NAMES).to_pylist()
    ]
    if more := rejected.num_rows - len(lines):
        lines.append(f"and {more:,} more in {where}{':' if command else ''}")
    title = count(rejected.num_rows, "file") + " rejected"
    show_lines(title, lines, command=command if more else "")


def masks_in_words(masks: int) -> str:
    """How many masks were left out, and what takes them."""
    return f"{count(masks, 'mask was', 'masks were')} not hashed; --masks none takes them, too"


def show_unread(tallies: Mapping[str, Tally]) -> None:
    """Containers that lie in folders and were not read, and how to name them."""
    lines = [
        line
        for split, tally in tallies.items()
        for line in unread_in_words(split, tally.containers)
    ]
    if lines:
        show_lines("Not read", lines)


def show_skipped(skipped: int, hidden: int, excluded: int, unfinished: int) -> None:
    """How many files are no images, hidden, left out by patterns, or being moved."""
    if skipped:
        what = "without the name or content of an image (labels, for example)"
        show_lines("Skipped", [f"{count(skipped, 'file')} {what}"])
    if hidden:
        names = count(hidden, "hidden file or folder", "hidden files and folders")
        show_lines("Left out", [f"{names}; --hidden takes them, too"])
    if excluded:
        names = count(excluded, "file or folder", "files and folders")
        show_lines("Left out by name", [f"{names}, by --include and --exclude"])
    if unfinished:
        images = count(unfinished, "image")
        undo = "fastphash clean OUT --undo, with the audit OUT of that move, puts them back"
        show_lines("Left out, because a move was interrupted", [images, undo])

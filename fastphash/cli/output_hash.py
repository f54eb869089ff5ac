"""What `hash` and `info` print: what became of the inputs, and what is in a store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastphash.base.text import count, listed
from fastphash.cli.output import cell, show_lines, show_table
from fastphash.ingest.tally import Tally

_REASONS = 5


def show_hashed(
    tallies: Mapping[str, Tally], reasons: dict[str, int], store: Path, *, missing: bool
) -> None:
    """What a run did for each split; `missing` adds a column for rows whose files are gone."""
    columns = ["inputs", "hashed", "kept", "rejected", "skipped", "changed", "gone"]
    columns += ["missing"] * missing
    show_table(
        f"Hashed into {store}",
        ["split", *columns],
        [
            [split, *(cell(getattr(tally, column)) for column in columns)]
            for split, tally in tallies.items()
        ],
    )
    show_reasons(reasons, _total(tallies, "skipped"), _total(tallies, "hidden"))


def _total(tallies: Mapping[str, Tally], field: str) -> int:
    return sum(getattr(tally, field) for tally in tallies.values())


def show_reasons(reasons: dict[str, int], skipped: int, hidden: int) -> None:
    """Why inputs were rejected, the most frequent reasons first; what was no input at all."""
    if reasons:
        ranked = list(reasons.items())
        rows = [[reason, cell(files)] for reason, files in ranked[:_REASONS]]
        if len(ranked) > _REASONS:
            rest = sum(files for _, files in ranked[_REASONS:])
            rows.append(["other reasons", cell(rest)])
        show_table("Rejected", ["reason", "files"], rows)
    if skipped:
        what = "without the name or content of an image (labels, for example)"
        show_lines("Skipped", [f"{skipped:,} {what}"])
    if hidden:
        names = count(hidden, "hidden file or folder", "hidden files and folders")
        show_lines("Left out", [f"{names}; --hidden takes them, too"])


def show_store(store: str, contents: dict[str, Any]) -> None:
    """What is in a store; `contents` is what `summarise_hashes` returns."""
    show_table(
        store,
        ["split", "images", "rejected", "root"],
        [
            [name, cell(split["images"]), cell(split["rejected"]), split["root"]]
            for name, split in contents["splits"].items()
        ],
    )
    left_out = [name for name, split in contents["splits"].items() if split["left_out"]]
    if left_out:
        them = "it" if len(left_out) == 1 else "them"
        where = listed([f"{store}@{name}" for name in left_out])
        line = f"{listed(left_out)}: the last audit didn't name {them}; {where} reads {them}"
        show_lines("Left out by other commands", [line])
    lines = [
        f"definition: {contents['definition']}",
        f"orientations: {', '.join(contents['orientations'])}",
        f"thumbnails: {'yes' if contents['thumbnails'] else 'no'}",
    ]
    if contents["multiframe"]:
        lines.append(
            f"{contents['multiframe']:,} images have several frames or pages: the first was hashed"
        )
    if contents["unusual_hashes"]:
        lines.append(
            f"{contents['unusual_hashes']:,} hashes don't have 32 of 64 bits set: "
            "flat or symmetric images"
        )
    show_lines("Hashes", lines)

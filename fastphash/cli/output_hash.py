"""What `hash` and `info` print: what became of the inputs, and what is in a store."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastphash.base.text import count, listed
from fastphash.cli.next_steps import shell_word
from fastphash.cli.output import cell, show_lines, show_table
from fastphash.cli.output_rejected import (
    masks_in_words,
    show_rejected,
    show_skipped,
    show_unread,
)
from fastphash.ingest.tally import Tally

if TYPE_CHECKING:
    import pyarrow as pa


def show_hashed(
    tallies: Mapping[str, Tally],
    rejected: "pa.Table",
    reasons: dict[str, int],
    store: Path,
    *,
    missing: bool,
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
    command = f"fastphash info {shell_word(store)} --rejected rejected.csv"
    show_rejected(rejected, reasons, "the store", command=command)
    show_skipped(
        *(
            sum(getattr(t, what) for t in tallies.values())
            for what in ("skipped", "hidden", "excluded", "unfinished")
        )
    )
    if masks := sum(tally.masks for tally in tallies.values()):
        show_lines("Masks", [*_mask_folders(tallies), masks_in_words(masks)])
    show_unread(tallies)


def _mask_folders(tallies: Mapping[str, Tally]) -> list[str]:
    """Where the masks of each split lie, and how many, a line each."""
    return [
        f"{split}: {count(masks, 'mask')} in {pair.partition('=')[2]}/"
        for split, tally in tallies.items()
        for pair, masks in sorted(tally.mask_folders.items())
    ]


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
    others = [name for name in contents["hashes"] if name != contents["hash"]]
    lines = [
        f"hash: {contents['hash']}, {contents['bits']} bits",
        *[f"others: {listed(others)}"] * bool(others),
        f"definition: {contents['definition']}",
        f"orientations: {', '.join(contents['orientations'])}",
        f"thumbnails: {'yes' if contents['thumbnails'] else 'no'}",
    ]
    if contents["multiframe"]:
        lines.append(
            count(contents["multiframe"], "image has", "images have")
            + " several frames or pages: the first was hashed"
        )
    if contents["unusual_hashes"]:
        lines.append(
            count(contents["unusual_hashes"], "hash doesn't", "hashes don't")
            + f" have {contents['bits'] // 2} of {contents['bits']} bits set: flat or symmetric "
            "images"
        )
    show_lines("Hashes", lines)

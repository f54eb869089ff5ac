"""What `join`, `group` and `query` print, and how a search explains itself."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from fastphash.base.terminal import console
from fastphash.base.text import count, printable
from fastphash.cli.output import cell, fits_screen, show_lines, show_table

if TYPE_CHECKING:
    from fastphash.joins.options import SearchReport


def show_pairs(title: str, pairs: dict[str, int]) -> None:
    """How many pairs of each kind a join wrote."""
    show_table(
        title,
        ["", *pairs, "all"],
        [["pairs", *map(cell, pairs.values()), cell(sum(pairs.values()))]],
    )


def show_groups(title: str, images: int, groups: int, copies: dict[str, int]) -> None:
    """How many groups were written, and how many copies of each kind are in them."""
    columns = copies or {"copies": 0}
    numbers = [images, groups, *columns.values()]
    show_table(title, ["", "images", "groups", *columns], [["", *map(cell, numbers)]])


def show_unseen(number: int) -> None:
    """How many near pairs or copies nobody could look at, though that was wanted."""
    if number:
        what = f"{number:,} near, perhaps copies, perhaps only alike"
        show_lines("Note", [f"not looked at, since thumbnails are missing: {what}"])


def show_nearest(rows: list[dict[str, Any]], images: Sequence[str], algorithm: str) -> None:
    """The stored images nearest to each image by a hash, or that there is none."""
    rows_of: dict[str, list[dict[str, Any]]] = {image: [] for image in images}
    for row in rows:
        rows_of.setdefault(row["query"], []).append(row)
    for image, nearest in rows_of.items():
        title = f"Nearest to {image} by {algorithm}"
        if not nearest:
            show_lines(title, ["no stored image is that near"])
            continue
        header = ["kind", "bits", "orientation", "score", "image"]
        cells = [
            [
                row["kind"],
                str(row["distance"]),
                row["orientation"],
                "-" if row["score"] is None else f"{row['score']:.2f}",
                f"{row['split']}/{row['path']}",
            ]
            for row in nearest
        ]
        if fits_screen(header, cells):
            show_table(title, header, cells, text_last=True)
        else:
            _show_one_by_one(title, cells)


def _show_one_by_one(title: str, cells: Sequence[Sequence[str]]) -> None:
    """The nearest images with a line for each path, which is never broken: it can be copied."""
    out = console()
    out.print(Text(printable(title), style="bold"), soft_wrap=True)
    for kind, bits, orientation, score, path in cells:
        distance = "1 bit" if bits == "1" else f"{bits} bits"
        out.print(Text(f"  {kind}, {distance}, {orientation}, score {score}"))
        out.print(Text(f"    {printable(path)}"), soft_wrap=True)
    out.print()


def show_search(search: "SearchReport") -> None:
    """How pairs are searched, and afterwards what it took, on stderr."""
    sides = count(search.left, "hash", "hashes")
    if search.right:
        sides += f" against {search.right:,}"
    if search.words:
        sides += f", word {search.word} of {search.words},"
    if search.ended:
        pairs = count(search.pairs, "pair")
        line = f"  took {search.seconds:,.3f} s and found {pairs} of hashes"
    else:
        plan = search.plan
        line = (
            f"{sides} within {count(plan.radius, 'bit')}: {plan}; about {plan.comparisons:,.0f} "
            f"comparisons, {plan.seconds:,.3f} s"
        )
    console(stderr=True).print(Text(line), soft_wrap=True)

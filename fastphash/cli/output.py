"""What every command prints on stdout: tables, lines and JSON."""

import json
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import click
from rich.box import SIMPLE
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fastphash.base.terminal import console
from fastphash.base.text import printable, share

# to how many characters the names in the first column of a table may be folded
_LEAST_NAME = 8
# characters between two columns, and where the screen is too narrow for that
_GAP, _NARROW_GAP = 3, 1


def show_table(
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    text_last: bool = False,
) -> None:
    """Print a table; the first column is text, with `text_last` the last one too.

    The others are figures.
    """
    out = console()
    cells = [[printable(text) for text in row] for row in rows]
    rows = [header, *cells]
    widths, gap = _column_widths(rows, out.width)
    # rich knows how to draw lines where the encoding has none
    if not (out.is_terminal or out.options.ascii_only) and _fit(rows, widths):
        lines = _plain_lines(rows, widths, gap, text_last=text_last)
        click.echo("\n".join([printable(title), *lines]))
        return
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, gap // 2))
    for i, (name, width) in enumerate(zip(header, widths, strict=True)):
        is_text = i == 0 or (text_last and i == len(header) - 1)
        justify: Literal["left", "right"] = "left" if is_text else "right"
        table.add_column(name, justify=justify, overflow="fold", width=width)
    for row in cells:
        # Text, because a string would be read as markup
        table.add_row(*map(Text, row))
    _print_title(out, title)
    # a table that can't be as narrow as the screen is not cut: a figure would be another one
    out.width = max(_table_width(widths, gap), out.width)
    out.print(table, crop=False)


def _fit(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> bool:
    """Whether no cell is wider than its column, and no column without width, which rich widens."""
    return all(widths) and all(
        cell_len(text) <= width for row in rows for text, width in zip(row, widths, strict=True)
    )


def _plain_lines(
    rows: Sequence[Sequence[str]], widths: Sequence[int], gap: int, *, text_last: bool
) -> list[str]:
    """The lines of a table, header first, as rich prints it without colours.

    That takes a tenth of the time: a query may print a table for each of 300,000 images.
    """
    inner = _table_width(widths, gap) - 2
    last = len(widths) - 1
    lines = [" " * (inner + 2)]
    for number, row in enumerate(rows):
        texts = []
        for i, (text, width) in enumerate(zip(row, widths, strict=True)):
            is_text = i == 0 or (text_last and i == last)
            shown = text if is_text else text.rstrip()
            blank = " " * (width - cell_len(shown))
            texts.append(shown + blank if is_text else blank + shown)
        lines.append(f" {(' ' * gap).join(texts)} ")
        if not number:
            lines.append(f" {'─' * inner} ")
    return [*lines, lines[0]]


def fits_screen(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bool:
    """Whether a table is as narrow as the screen without a broken cell."""
    cells = [header, *([printable(text) for text in row] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    return _table_width(widths, _NARROW_GAP) <= console().width


def _column_widths(rows: Sequence[Sequence[str]], screen: int) -> tuple[list[int], int]:
    """The widths of a table's columns and of the gaps between them, in characters.

    Where the screen is too narrow, gaps are smaller, and the widest columns of words are folded. A
    figure is never broken.
    """
    columns = list(zip(*rows, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    if _table_width(widths, _GAP) <= screen:
        return widths, _GAP
    least = [min(_LEAST_NAME, widths[0]), *map(_longest_figure, columns[1:])]
    while _table_width(widths, _NARROW_GAP) > screen:
        foldable = [i for i, width in enumerate(widths) if width > least[i]]
        if not foldable:
            break
        widths[max(foldable, key=widths.__getitem__)] -= 1
    return widths, _NARROW_GAP


def _table_width(widths: Sequence[int], gap: int) -> int:
    # with a space at both ends
    return sum(widths) + gap * (len(widths) - 1) + 2


def _longest_figure(column: Sequence[str]) -> int:
    """The width of the longest word with a digit in it; at least 1."""
    words = [word for text in column for word in text.split()]
    return max([1, *(cell_len(word) for word in words if any(map(str.isdigit, word)))])


def show_lines(title: str, lines: Iterable[str], *, command: str = "") -> None:
    """Print a title and indented lines, broken between words only so that paths stay whole.

    A command that ends them has a line of its own, and is never broken.
    """
    out = console()
    _print_title(out, title)
    for line in lines:
        for part in textwrap.wrap(
            printable(line), out.width - 4, break_long_words=False, break_on_hyphens=False
        ):
            out.print(Text(f"  {part}"), soft_wrap=True)
    if command:
        out.print(Text(f"    {printable(command)}"), soft_wrap=True)
    out.print()


def show_json(value: Any) -> None:
    """Print a result as JSON."""
    click.echo(json.dumps(value, indent=2))


def cell(number: int) -> str:
    """A number in a table: 1,234, or a dash for 0."""
    return f"{number:,}" if number else "-"


def percent_cell(part: float | None) -> str:
    """A share from 0 to 1 in a table: 12.3 %, or a dash for None."""
    return "-" if part is None else share(part)


def _print_title(out: Console, title: str) -> None:
    out.print(Text(printable(title), style="bold"), soft_wrap=True)

"""What every command prints: progress on stderr; tables, lines and JSON on stdout."""

import json
import textwrap
import time
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Self

import click
from rich.box import SIMPLE
from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from fastphash.base.text import printable, share
from fastphash.cli.terminal import console

# without a terminal, progress is a line of text this often
_SECONDS_BETWEEN_LINES = 10.0
# to how many characters the names in the first column of a table may be folded
_LEAST_NAME = 8
# characters between two columns, and where the screen is too narrow for that
_GAP, _NARROW_GAP = 3, 1


class ProgressScreen:
    """Shows progress(stage, done, total): a bar on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._console = console(stderr=True)
        self._live = self._console.is_terminal
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._stage = ""
        self._stage_began = 0.0
        self._last_line = 0.0

    def __enter__(self) -> Self:
        if self._live:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Remove the bar."""
        if self._live:
            self._bar.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` are done; a `total` of 0 is not known yet."""
        now = time.monotonic()
        if stage != self._stage:
            self._begin_stage(stage, now)
        seconds = now - self._stage_began
        rate = f"{done / seconds:,.0f}/s" if stage == "hashing" and seconds > 0.5 else ""
        if self._live and self._task is not None:
            self._bar.update(self._task, completed=done, total=total or None, rate=rate)
        elif now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            of_total = f" of {total:,}" if total else ""
            left = f", {(total - done) * seconds / done:,.0f} s left" if total and done else ""
            line = f"{stage}: {done:,}{of_total}{f' {rate}' if rate else ''}{left}"
            self._console.print(line, highlight=False, soft_wrap=True)

    def _begin_stage(self, stage: str, now: float) -> None:
        self._stage, self._stage_began, self._last_line = stage, now, now
        if self._live:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(stage, total=None, rate="")


def show_table(
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    whole_last: bool = False,
) -> None:
    """Print a table; the first column is text, the others are figures.

    With `whole_last`, the last column is text that is never broken, such as a path to copy.
    """
    out = console()
    cells = [[printable(text) for text in row] for row in rows]
    rows = [header, *cells]
    if whole_last:
        widths, gap = _column_widths([row[:-1] for row in rows], out.width)
        widths.append(max(cell_len(row[-1]) for row in rows))
    else:
        widths, gap = _column_widths(rows, out.width)
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, gap // 2))
    for i, (name, width) in enumerate(zip(header, widths, strict=True)):
        is_text = i == 0 or (whole_last and i == len(header) - 1)
        justify: Literal["left", "right"] = "left" if is_text else "right"
        table.add_column(name, justify=justify, overflow="fold", width=width)
    for row in cells:
        # Text, because a string would be read as markup
        table.add_row(*map(Text, row))
    _print_title(out, title)
    # a table that can't be as narrow as the screen is not cut: a figure would be another one
    out.width = max(_table_width(widths, gap), out.width)
    out.print(table, crop=False)


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

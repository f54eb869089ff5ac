"""The screen: how wide it is, whatever the environment says."""

import os

from rich.console import Console

# what a table needs; a narrower terminal breaks the lines
_LEAST_COLUMNS = 40
# without a terminal
_COLUMNS, _LINES = 80, 25


def console(*, stderr: bool = False) -> Console:
    """Where to print, without colours for numbers and paths.

    COLUMNS and LINES hold if they are positive numbers; otherwise the terminal is asked.
    """
    if "COLUMNS" not in os.environ and "LINES" not in os.environ:
        return Console(stderr=stderr, highlight=False)
    # rich would take 0, and fails at digits that int() doesn't know
    columns, lines = _asked()
    return Console(
        stderr=stderr,
        highlight=False,
        width=max(_stated("COLUMNS") or columns, _LEAST_COLUMNS),
        height=_stated("LINES") or lines,
    )


def _asked() -> tuple[int, int]:
    """The size of the terminal that shows the results, or else of any, or else the usual one."""
    for number in (1, 2, 0):
        try:
            columns, lines = os.get_terminal_size(number)
        except OSError:
            continue
        if columns > 0:
            return columns, max(lines, 1)
    return _COLUMNS, _LINES


def _stated(name: str) -> int:
    """The number that a variable states; 0 if it is no positive number."""
    text = os.environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else 0

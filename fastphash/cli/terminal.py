"""The screen: how wide it is, whatever the environment says."""

import os
import shutil

from rich.console import Console

# what a table needs; on a narrower screen its lines are broken by the terminal
_LEAST_COLUMNS = 40
_USUAL_COLUMNS, _USUAL_LINES = 80, 25


def console(*, stderr: bool = False) -> Console:
    """Where to print; numbers and paths are not coloured."""
    return Console(
        stderr=stderr,
        highlight=False,
        width=_stated("COLUMNS", _LEAST_COLUMNS, _USUAL_COLUMNS),
        height=_stated("LINES", 1, _USUAL_LINES),
    )


def _stated(name: str, least: int, usual: int) -> int | None:
    """The size that a variable states; None without it, so that the terminal is asked.

    What is no positive number counts as unset. Without a terminal, `usual` holds then.
    """
    text = os.environ.get(name)
    if text is None:
        return None
    if text.isascii() and text.isdigit() and int(text) > 0:
        return max(int(text), least)
    asked = shutil.get_terminal_size((0, 0))
    size = asked.columns if name == "COLUMNS" else asked.lines
    return max(size, least) if size > 0 else usual

"""Commands to go on with, as they can be copied into a shell."""

import os
import shlex
import subprocess
from pathlib import Path

from rich.text import Text

from fastphash.base import system
from fastphash.base.text import printable, visible
from fastphash.cli.terminal import console


def show_next_steps(audit: Path) -> None:
    """The commands that usually follow an audit in this folder."""
    folder = shell_word(audit)
    show_commands(
        "What next",
        {
            f"fastphash report {folder}": "write report.html again, for a browser",
            f"fastphash inspect {folder}": "look at the copies, and decide",
            f"fastphash clean {folder}": "plan which copies go; nothing is touched",
        },
    )


def show_commands(title: str, commands: dict[str, str]) -> None:
    """Print commands with what they do beside or below them; a command is never broken."""
    out = console()
    longest = max(map(len, commands))
    beside = 4 + longest + max(map(len, commands.values())) <= out.width
    out.print(Text(printable(title), style="bold"), soft_wrap=True)
    for command, effect in commands.items():
        line = f"  {command:{longest}}  {effect}" if beside else f"  {command}\n      {effect}"
        out.print(Text(line), soft_wrap=True)
    out.print()


def shell_word(path: Path | str) -> str:
    r"""A path as a word of a command line, quoted for the shell where that is needed.

    >>> print(shell_word("my audit"), shell_word("-x"), shell_word("a\nb"))
    'my audit' ./-x $'a\nb'
    """
    text = str(path)
    if text.startswith("-"):
        text = os.path.join(os.curdir, text)
    if system.WINDOWS:
        return subprocess.list2cmdline([text])
    if text.isprintable():
        return shlex.quote(text)
    # what a terminal can't show is written with escapes, which bash, ksh and zsh understand
    escaped = "".join(f"\\{char}" if char in "\\'" else _escape(char) for char in text)
    return f"$'{escaped}'"


def _escape(char: str) -> str:
    """A character, or the escapes of its bytes; three digits each, so that none runs on."""
    if char.isprintable():
        return char
    if char == "\n":
        return visible(char)
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(char))

"""Commands to go on with, as they can be copied into a shell."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from fastphash.base import system
from fastphash.base.terminal import console
from fastphash.base.text import display_name, listed, printable, visible
from fastphash.base.vocabulary import ALTERED, CROPPED, KINDS, SURE_KINDS, UNLOOKED
from fastphash.results.audit_folder import REPORT


def show_next_steps(audit: Path, summary: dict[str, Any]) -> None:
    """The page to open and the commands that usually follow an audit in this folder.

    Where there are no copies, none of them looks at copies.
    """
    folder, splits = shell_word(audit), summary["splits"]
    commands = {shell_word(audit / REPORT): "the report: open it in a browser"}
    if summary["groups"]["groups"]:
        commands |= {
            f"fastphash inspect {folder}": f"look at the copies{_to_look_at(summary)}, and decide",
            f"fastphash clean {folder}": "plan which copies go; nothing is touched",
        }
    commands |= clean_commands(folder, summary["staying"], "the same")
    for name, split in splits.items():
        if folders := split["split_folders"]:
            command = split_folders_command(name, folders, audit, prefix=len(splits) > 1)
            commands[command] = f"find leaks between folders of {display_name(name)}"
    show_commands("What next", commands)


def _to_look_at(summary: dict[str, Any]) -> str:
    """The kinds of copies that a person should look at; empty if there are none."""
    kinds = [KINDS[kind] for kind in (CROPPED, ALTERED) if KINDS[kind] in summary["staying"]]
    return f", {listed(kinds)} ones above all" if kinds else ""


def clean_commands(
    folder: str, staying: dict[str, int], what: str, cleaned: Sequence[str] = SURE_KINDS
) -> dict[str, str]:
    """Commands that plan to clean copies that stay so far, and what is different about each plan.

    Copies that nobody looked at have one of their own, and so do altered ones: where a small
    difference is the label, they are none. Each command adds to the one before.

    Parameters
    ----------
    folder : str
        Of the audit, as a word of a command line.
    staying : dict of str to int
        The copies that a clean by the kinds `cleaned` leaves, by kind.
    what : str
        What to say of each plan: it goes on with the copies.
    cleaned : sequence of str
    """
    # these import compiled code, which is slow to load
    from fastphash.results.verdict import kinds_to_add, staying_in_words

    altered = KINDS[ALTERED]
    parts = [
        {kind: number for kind, number in staying.items() if kind in kinds}
        for kinds in ([UNLOOKED], [*staying.keys() - {UNLOOKED, altered}], [altered])
    ]
    commands: dict[str, str] = {}
    added: dict[str, int] = {}
    for part in filter(None, parts):
        also = " too" if added else ""
        added |= part
        command = f"fastphash clean {folder} --kinds {kinds_to_add(added, cleaned)}"
        first = ": look at them first" if altered in part else ""
        commands[command] = f"{what}, with {staying_in_words(part)}{also}{first}"
    return commands


def split_folders_command(
    split: str, folders: Mapping[str, bytes | str], out: Path | str, *, prefix: bool
) -> str:
    """The command that audits folders of a split as splits of their own.

    `prefix` puts the name of the split before theirs, because there are other splits.
    """
    words = [
        shell_word(
            f"{split}-{name}={os.fsdecode(folder)}" if prefix else f"{name}={os.fsdecode(folder)}"
        )
        for name, folder in folders.items()
    ]
    return f"fastphash audit {' '.join(words)} -o {shell_word(out)}"


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

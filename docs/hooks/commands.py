"""Help of commands for the reference: ``<!-- help: NAME -->`` becomes what click says of NAME."""

import html
import inspect
import re
from typing import Any

import click

from fastphash.cli.main import main

_MARK = re.compile(r"^<!-- help: ([a-z]+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put help in the place of marks; MkDocs calls it for every page."""
    return _MARK.sub(lambda found: describe(found[1]), markdown)


def describe(name: str) -> str:
    """Usage, text and options of a command, as Markdown."""
    command = main.commands[name]
    whole = click.Context(main, info_name="fastphash", **main.context_settings)
    context = click.Context(command, info_name=name, parent=whole)
    usage = command.get_usage(context).removeprefix("Usage: ")
    records = [
        parameter.get_help_record(context)
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option)
    ]
    rows = [f"| {_code(names)} | {_plain(meaning)} |" for names, meaning in filter(None, records)]
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    lines = ["```text", " ".join(usage.split()), "```", "", *map(_paragraph, paragraphs)]
    return "\n".join([*lines, "| option | meaning |", "| --- | --- |", *rows])


def _paragraph(text: str) -> str:
    # click doesn't wrap what begins with a backspace: a title and examples
    if not text.startswith("\b"):
        return f"{_plain(text)}\n"
    title, *examples = text.removeprefix("\b\n").splitlines()
    shown = [f"$ {line.strip()}" for line in examples]
    return "\n".join([title, "", "```console", *shown, "```", ""])


def _code(text: str) -> str:
    """Code in a table, where a bar parts columns."""
    return f"<code>{html.escape(text).replace('|', '&#124;')}</code>"


def _plain(text: str) -> str:
    """Text as Markdown that says just this."""
    escaped = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"([\\|*_\[\]`])", r"\\\1", escaped)

"""Files of commands: what one writes, as one value; how a table that one reads is to be read."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from fastphash.cli.option_values import parse_columns
from fastphash.errors import UsageError

if TYPE_CHECKING:
    from fastphash.files.table_formats import Format

F = TypeVar("F", bound=Callable[..., Any])


def columns_option(command: F) -> F:
    """``--columns OURS=THEIRS,...``."""
    return click.option(
        "--columns",
        metavar="NAME=COLUMN,...",
        callback=parse_columns,
        help="Columns of tables that are no stores, where their names differ: "
        "path=url,phash=image_phash. A column of hashes holds whole numbers, sixteen hex digits, "
        "or eight bytes; one of 256 bits 64 hex digits, or 32 bytes.",
    )(command)


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file to write, if one is named."""

    path: Path | None
    overwrite: bool

    def check(self, *endings: str) -> None:
        """Raise UsageError if the file can't be written, or its name has another ending."""
        if self.path is not None:
            check_ending(self.path, *endings)
            check_free(self.path, overwrite=self.overwrite)


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file for a table, if one is named, and its format where the name doesn't say it."""

    path: Path | None
    overwrite: bool
    form: "Format | Literal['hash-and-search'] | None"

    def check(self) -> None:
        """Raise UsageError if the file can't be written, or its name is that of another format."""
        from fastphash.files.table_formats import format_of

        if self.path is None:
            return
        if self.form == "hash-and-search":
            check_ending(self.path, ".json")
        else:
            format_of(self.path, self.form)
        check_free(self.path, overwrite=self.overwrite)

    @property
    def table_form(self) -> "Format | None":
        """The format of the table: None for the JSON of the paper's scripts, or without a file."""
        from fastphash.files.table_formats import format_of

        if self.path is None or self.form == "hash-and-search":
            return None
        return format_of(self.path, self.form)


def check_ending(path: Path, *endings: str) -> None:
    """Raise UsageError if a file's name has an ending, but none of these."""
    if path.suffix and path.suffix.lower() not in endings:
        raise UsageError(f"this is not written to {path.name!r}: end its name with {endings[0]}")


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raise UsageError if a file exists and may not be replaced, or its folder doesn't exist."""
    if path.exists() and not path.is_file():
        raise UsageError(f"{str(path)!r} is no ordinary file: name another one")
    # a link to nothing has the name, too
    if os.path.lexists(path) and not overwrite:
        raise UsageError(f"{str(path)!r} exists: --overwrite replaces it")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"no such folder: {str(path.absolute().parent)!r}")

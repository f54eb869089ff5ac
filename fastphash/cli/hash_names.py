"""Options that name hashes: those to make, and those to read of stores and tables."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from fastphash.base.text import comma_separated, listed
from fastphash.cli import option_values as values
from fastphash.cli.file_options import columns_option
from fastphash.cli.input_options import all_options
from fastphash.errors import UsageError
from fastphash.hashing.algorithms import ALGORITHMS, PHASH, algorithm_names

F = TypeVar("F", bound=Callable[..., Any])


def algorithm_options(command: F) -> F:
    """Which hashes to make: see `HashOptions`."""
    return all_options(
        click.option(
            "--hash",
            "hashes",
            default=PHASH.name,
            show_default=True,
            metavar="NAME,...",
            callback=values.parse_names,
            help="Hashes to make of each image; the first is compared by default: "
            f"{', '.join(ALGORITHMS)}.",
        ),
        bits_option,
    )(command)


def bits_option(command: F) -> F:
    """``--bits``."""
    return click.option(
        "--bits",
        type=click.Choice(["64", "256"]),
        default="64",
        show_default=True,
        help="Bits of hashes that have a choice.",
    )(command)


def read_options(command: F) -> F:
    """Which hashes of stores and tables are compared: see `ReadOptions`."""
    return named_options("Hash to compare, of those that a store or table has.")(command)


def named_options(help_text: str, metavar: str = "NAME") -> Callable[[F], F]:
    """Which hashes of stores and tables are read, and what for: see `ReadOptions`."""
    default = "  [default: the first of a store; the phash of a table, or the first it has]"
    return all_options(
        click.option("--hash", metavar=metavar, help=help_text + default),
        click.option(
            "--bits",
            type=click.Choice(["64", "256"]),
            help="Bits of the hash that --hash names, where it has a choice.  [default: 64]",
        ),
        columns_option,
    )


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Which hashes of stores and tables are read."""

    hash: str | None
    bits: str | None
    columns: dict[str, str]

    @property
    def algorithm(self) -> str | None:
        """The algorithm that is named, with its bits."""
        if self.hash is not None and len(names := comma_separated(self.hash)) > 1:
            raise UsageError(f"one hash is compared, not {listed(names)}: --hash names one")
        return next(iter(self.algorithms), None)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms that are named, with their bits."""
        if self.hash is None:
            if self.bits is not None:
                raise UsageError("--bits is for the hash that --hash names: name one")
            return ()
        return algorithm_names(comma_separated(self.hash), int(self.bits or 64))

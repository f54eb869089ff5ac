"""Options that name hashes: those to make, and those to read of stores and tables."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from fastphash.cli import option_values as values
from fastphash.cli.file_options import columns_option
from fastphash.cli.input_options import all_options
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
            help=f"Hashes to make of each image: {', '.join(ALGORITHMS)}.",
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
    """Which hashes of stores and tables are read: see `ReadOptions`."""
    return all_options(
        click.option(
            "--hash",
            metavar="NAME",
            help="Hash to compare, of those that a store or table has.  [default: the first of a "
            "store; the phash of a table]",
        ),
        bits_option,
        columns_option,
    )(command)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Which hashes of stores and tables are read."""

    hash: str | None
    bits: str
    columns: dict[str, str]

    @property
    def algorithm(self) -> str | None:
        """The algorithm that is named, with its bits."""
        if self.hash is None:
            return None
        return algorithm_names([self.hash], int(self.bits))[0]

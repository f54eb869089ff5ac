"""Hashes that are compared, of a store or table: which, and of which quality."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fastphash.cli.hash_names import ReadOptions, read_options
from fastphash.cli.input_options import all_options
from fastphash.defaults import MIN_QUALITY

if TYPE_CHECKING:
    from fastphash.store.rows import HashTable

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class ComparedOptions(ReadOptions):
    """Which hashes of stores and tables are compared."""

    min_quality: int

    def read(self, *targets: str) -> "HashTable":
        """The rows of stores and tables, as one table; how many are left out is said on stderr."""
        from fastphash.store.open import read_together

        rows = read_together([*targets], self.columns, self.algorithm)
        return leave_out_poor(rows, self.min_quality, " ".join(targets))


def compare_options(command: F) -> F:
    """Which hashes are compared: see `ComparedOptions`."""
    return all_options(read_options, quality_option)(command)


def quality_option(command: F) -> F:
    """``--min-quality``."""
    return click.option(
        "--min-quality",
        type=click.IntRange(0, 100),
        default=MIN_QUALITY,
        show_default=True,
        metavar="N",
        help="Least quality of PDQ hashes that are compared: flat pictures have hashes of noise. "
        "Images of less are counted. Other hashes have no quality.",
    )(command)


def leave_out_poor(rows: "HashTable", least: int, name: str) -> "HashTable":
    """The rows whose hashes have that quality; how many haven't is said on stderr."""
    poor = rows.below_quality(least)
    if not poor.any():
        return rows
    import numpy as np

    from fastphash.base.text import count

    number, hashes = int(poor.sum()), rows.algorithm.name
    click.echo(
        f"{name}: {count(number, 'image')} of {len(rows):,} with a {hashes} quality below {least} "
        f"{'is' if number == 1 else 'are'} not compared; --min-quality 0 compares all",
        err=True,
    )
    return rows.take(np.flatnonzero(~poor))

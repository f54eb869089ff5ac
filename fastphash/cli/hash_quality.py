"""Hashes that are compared, of a store or table: which, and of which quality."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fastphash.cli.hash_names import ReadOptions, read_options
from fastphash.cli.input_options import all_options
from fastphash.defaults import MIN_QUALITY
from fastphash.hashing.algorithms import Algorithm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fastphash.store.rows import HashTable

# images of a query that are named
_NAMED = 8

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class ComparedOptions(ReadOptions):
    """Which hashes of stores and tables are compared."""

    min_quality: int

    def read(self, *targets: str) -> "HashTable":
        """The rows of stores and tables, as one table; how many are left out is said on stderr."""
        from fastphash.joins.low_quality import poor_rows
        from fastphash.store.open import read_together

        rows = read_together([*targets], self.columns, self.algorithm)
        return self._leave_out(rows, poor_rows(rows, self.min_quality), " ".join(targets))

    def read_sides(self, needles: str, haystack: str) -> tuple["HashTable", "HashTable"]:
        """The rows of two stores or tables that are compared with each other, as `read` does."""
        from fastphash.joins.low_quality import poor_rows
        from fastphash.store.open import read_hashes

        names, least = (needles, haystack), self.min_quality
        left, right = (
            read_hashes(n, columns=self.columns, algorithm=self.algorithm) for n in names
        )
        poor = poor_rows(left, least, right), poor_rows(right, least, left)
        return (
            self._leave_out(left, poor[0], needles),
            self._leave_out(right, poor[1], haystack),
        )

    def _leave_out(self, rows: "HashTable", poor: "NDArray[np.bool_]", name: str) -> "HashTable":
        number = int(poor.sum())
        say_left_out(name, number, len(rows), rows.algorithm, self.min_quality)
        return rows.take((~poor).nonzero()[0]) if number else rows


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
        "Images of less are counted, and compared only where another has the same bytes. Other "
        "hashes have no quality.",
    )(command)


def say_left_out(name: str, number: int, total: int, algorithm: Algorithm, least: int) -> None:
    """Say on stderr how many rows are not compared, if any."""
    if number:
        from fastphash.joins.low_quality import left_out_in_words

        words = left_out_in_words(number, total, algorithm, least)
        click.echo(f"{name}: {words}; --min-quality 0 compares all", err=True)


def say_not_asked(names: Sequence[str], algorithm: Algorithm, least: int) -> None:
    """Say on stderr which images of a query are not compared, if any."""
    for name in names[:_NAMED]:
        why = f"its {algorithm.name} quality is below {least}"
        click.echo(f"{name}: not compared, {why}; --min-quality 0 compares all", err=True)
    if more := len(names[_NAMED:]):
        click.echo(f"{more:,} more are not compared for that", err=True)

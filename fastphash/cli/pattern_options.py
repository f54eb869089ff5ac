"""``--include`` and ``--exclude``."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def pattern_options(command: F) -> F:
    """``--include GLOB --exclude GLOB``: see `NamePatterns`."""
    exclude = click.option(
        "--exclude",
        multiple=True,
        metavar="GLOB",
        help="Leave out files and folders that GLOB matches, even if --include takes them. May be "
        "repeated.",
    )
    include = click.option(
        "--include",
        multiple=True,
        metavar="GLOB",
        help="Take only files that GLOB matches: '*.jpg' in any folder, 'raw/*.tif' in the folder "
        "raw of a split, 'raw/**' all below it. May be repeated.",
    )
    return include(exclude(command))

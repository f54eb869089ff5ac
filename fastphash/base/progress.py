"""How long-running work reports its progress."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from fastphash.errors import UsageError

#: Called as progress(stage, done, total); total is 0 while it is unknown.
Progress: TypeAlias = Callable[[str, int, int], None]


def no_progress(stage: str, done: int, total: int) -> None:
    """Report nothing."""


@contextmanager
def shown(progress: bool | Progress) -> Iterator[Progress]:
    """What reports progress as a caller of the library wants it.

    Parameters
    ----------
    progress : bool or callable
        True for a bar on a terminal or in a notebook, and a line now and then elsewhere; False for
        nothing; or what is called as ``progress(stage, done, total)``.

    Raises
    ------
    UsageError
        It is none of these.
    """
    if callable(progress):
        yield progress
    elif progress is True:
        # rich is slow to load
        from fastphash.base.progress_screen import ProgressScreen

        with ProgressScreen() as screen:
            yield screen
    elif progress is False:
        yield no_progress
    else:
        raise UsageError(f"progress is True, False or a callable, not {progress!r}")

"""How long-running work reports its progress."""

from collections.abc import Callable

#: Called as progress(stage, done, total); total is 0 while it is unknown.
Progress = Callable[[str, int, int], None]


def no_progress(stage: str, done: int, total: int) -> None:
    """Report nothing."""

"""What a join may use, and whom it reports to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fastphash.base.arguments import is_whole, quoted
from fastphash.base.machine import core_count, free_memory
from fastphash.base.progress import Progress, no_progress
from fastphash.defaults import LEAST_MEMORY
from fastphash.errors import UsageError
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.joins.search_plan import SearchPlan

#: Called as advance(done, total), in hashes searched.
Advance = Callable[[int, int], None]


@dataclass(slots=True)
class SearchReport:
    """What a search is about to do, and what it did.

    Attributes
    ----------
    plan : SearchPlan
    left, right : int
        Distinct values of each side; right is 0 in a search within one side.
    seconds : float
    pairs : int
        Pairs of values found so far.
    ended : bool
        Whether `seconds` and `pairs` are final.
    word, words : int
        Which of how many words is searched; 0 for hashes of one word.
    """

    plan: SearchPlan
    left: int
    right: int
    seconds: float = 0.0
    pairs: int = 0
    ended: bool = False
    word: int = 0
    words: int = 0


class DiskSearch(Protocol):
    """Searches on the disk what doesn't fit into memory: `fastphash.external.disk_search`."""

    def matches(
        self,
        left: Index,
        right: Index | None,
        radius: int,
        max_pairs: int | None,
        options: "JoinOptions",
    ) -> Iterator[Matches] | None:
        """What `find_matches` yields; None to have it searched in memory."""

    def partnered(
        self, index: Index, radius: int, options: "JoinOptions"
    ) -> tuple[NDArray[np.int64], bool] | None:
        """Rows within the radius of another, and whether no others are among them: int64 (n,).

        A row that is near itself, turned, counts. None to have them searched in memory.
        """


@dataclass(frozen=True, slots=True)
class JoinOptions:
    """What a join may use, and whom it reports to.

    Attributes
    ----------
    threads : int
        All cores by default.
    memory : int
        Bytes that it may take beyond its input; half of what is free by default.
    advance : callable
        Called with the progress of each search: done, total.
    explain : callable
        Called with the `SearchReport` of each search, before it begins and after it has ended.
    plan : callable
        Called with the cheapest `SearchPlan`; returns the one to use.
    disk : DiskSearch, optional
        Searches what doesn't fit into memory.
    """

    threads: int = field(default_factory=core_count)
    memory: int = field(default_factory=lambda: free_memory() // 2)
    advance: Advance = lambda done, total: None  # noqa: ARG005 - reports nothing
    explain: Callable[[SearchReport], None] = lambda report: None  # noqa: ARG005 (it is called so)
    plan: Callable[[SearchPlan], SearchPlan] = lambda plan: plan
    disk: DiskSearch | None = None


def join_options(memory: int | None = None, progress: Progress = no_progress) -> JoinOptions:
    """What a join may use, as callers say it.

    Parameters
    ----------
    memory : int or None
        Bytes that it may take beyond its input; None for half of what is free.
    progress : Progress
        Called as ``progress("joining", done, total)``.

    Raises
    ------
    UsageError
        `memory` is less than a join takes.
    """
    if memory is not None and not (is_whole(memory) and memory >= LEAST_MEMORY):
        raise UsageError(
            f"`memory` is a number of bytes, {LEAST_MEMORY:,} at least, not {quoted(memory)}"
        )
    return JoinOptions(
        memory=free_memory() // 2 if memory is None else memory,
        advance=lambda done, total: progress("joining", done, total),
    )

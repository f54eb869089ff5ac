"""What a join may use, and whom it tells."""

from collections.abc import Callable
from dataclasses import dataclass, field

from fastphash.base.machine import core_count, free_memory
from fastphash.joins.planner import SearchPlan

#: Called as progress(done, total), in hashes looked at.
Advance = Callable[[int, int], None]


@dataclass(slots=True)
class SearchReport:
    """What was planned and what came of it.

    Attributes
    ----------
    plan : Plan
    left, right : int
        Values of either side; right is 0 where values were joined with one another.
    seconds : float
    pairs : int
        Pairs of values found.
    """

    plan: SearchPlan
    left: int
    right: int
    seconds: float = 0.0
    pairs: int = 0
    ended: bool = False


@dataclass(frozen=True, slots=True)
class JoinOptions:
    """What a join may use, and whom it tells.

    Attributes
    ----------
    threads : int
    memory : int
        Bytes that it may take beyond its input; half of what is free by default.
    advance : callable
        Told how far it is.
    explain : callable
        Told of every search, before it begins and when it has ended.
    plan : callable, optional
        Chooses another plan than the cheapest: of the plan, another.
    """

    threads: int = field(default_factory=core_count)
    memory: int = field(default_factory=lambda: free_memory() // 2)
    advance: Advance = lambda done, total: None  # noqa: ARG005 - says nothing
    explain: Callable[[SearchReport], None] = lambda search: None  # noqa: ARG005
    plan: Callable[[SearchPlan], SearchPlan] = lambda plan: plan

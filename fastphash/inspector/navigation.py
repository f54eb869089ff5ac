"""From one group or pair to the next, among those that pass a filter."""

import numpy as np
from numpy.typing import NDArray

from fastphash.inspector.catalog import Catalog
from fastphash.inspector.decisions import DecisionLog
from fastphash.inspector.label_conflicts import LabelConflicts
from fastphash.inspector.page_state import Filter


class Navigation:
    """Finds the groups of a filter, their neighbours, and the next undecided pair."""

    def __init__(self, catalog: Catalog, log: DecisionLog, conflicts: LabelConflicts) -> None:
        self._catalog = catalog
        self._log = log
        self._conflicts = conflicts

    def groups(self, wanted: Filter) -> NDArray[np.int32]:
        """Numbers of the groups that pass a filter, in its order."""
        return self._catalog.select(wanted, self._among(wanted))

    def neighbours(self, wanted: Filter, group: int) -> tuple[int | None, int | None]:
        """The groups before and after one, even if it no longer passes the filter itself."""
        before, after = self._around(wanted, group)
        return (
            int(before[-1]) if before.size else None,
            int(after[0]) if after.size else None,
        )

    def next_undecided(self, wanted: Filter, row: int) -> int | None:
        """The next undecided copy: first in this group, then in those after and before it."""
        group = self._catalog.group_of(row)
        in_group = self._undecided(group)
        if (later := in_group[in_group > row]).size:
            return int(later[0])
        before, after = self._around(wanted, group)
        groups = np.concatenate([after, before])
        groups = groups[self._log.current.undecided[groups] > 0]
        if groups.size:
            return self.first_undecided(int(groups[0]))
        return int(in_group[0]) if in_group.size else None

    def first_undecided(self, group: int) -> int | None:
        """The first undecided copy of a group."""
        undecided = self._undecided(group)
        return int(undecided[0]) if undecided.size else None

    def _undecided(self, group: int) -> NDArray[np.int64]:
        """Rows of the undecided copies of a group."""
        copies = np.array(self._catalog.images(group))[1:]
        undecided: NDArray[np.int64] = copies[self._log.current.status[copies] == 0]
        return undecided

    def _around(self, wanted: Filter, group: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The groups before and after one that pass a filter; all are before if it never did."""
        sequence = self._catalog.select(wanted)
        position = np.flatnonzero(sequence == group)
        before, after = sequence, sequence[:0]
        if position.size:
            before, after = sequence[: position[0]], sequence[position[0] + 1 :]
        among = self._among(wanted)
        if among is None:
            return before, after
        return before[among[before]], after[among[after]]

    def _among(self, wanted: Filter) -> NDArray[np.bool_] | None:
        """Groups that pass what a filter says of decisions and labels; None if it says nothing."""
        among = None
        if wanted.undecided:
            among = self._log.current.undecided > 0
        if wanted.conflicts:
            conflicts = self._conflicts.of_group
            among = conflicts if among is None else among & conflicts
        return among

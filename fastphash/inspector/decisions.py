"""What has been decided about the groups of a catalog, and what their labels say."""

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import StoreError, UsageError
from fastphash.files import parquet
from fastphash.inspector.catalog import Catalog
from fastphash.inspector.page_state import Filter
from fastphash.results.audit_folder import CONFLICTS, AuditFolder
from fastphash.results.decisions import (
    DECISIONS,
    Decision,
    Image,
    decide,
    in_force,
    read_steps,
    undo,
)
from fastphash.store.schema import exact_paths

#: What there is to be said of a copy and its keeper; codes of `State.status` index this.
STATUSES = ("undecided", "copies", "not_copies")
Verdict = Literal["copies", "not_copies"]
#: Beyond so many images "none are copies" would be too many pairs to say.
MOST_TOLD_APART = 64

_CONFLICT_COLUMNS = ["group", "split", "path", "label", "keeper_label"]


@dataclass(frozen=True, slots=True)
class State:
    """Decisions in force, as arrays.

    Attributes
    ----------
    status : uint8 (n,)
        Of each row and the keeper of its group: index into STATUSES.
    chosen : int32 (groups,)
        Row of each group that stays because somebody said so; -1 without.
    undecided : int32 (groups,)
        Copies of each group that nobody has decided about.
    decided : int
        Decisions in force.
    stale : int
        Those among them about images that are gone or have changed.
    last : list of Decision
        What undoing takes back.
    """

    status: NDArray[np.uint8]
    chosen: NDArray[np.int32]
    undecided: NDArray[np.int32]
    decided: int
    stale: int
    last: list[Decision]

    @property
    def left(self) -> int:
        """Copies that nobody has decided about."""
        return int(self.undecided.sum())


class DecisionLog:
    """Follows the decisions beside an audit, whoever writes them.

    Parameters
    ----------
    catalog : Catalog
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._folder = catalog.audited.folder
        self._lock = threading.RLock()
        self._seen: object = ""
        self._elsewhere: dict[Image, bool] = {}
        self._state: State

    @property
    def state(self) -> State:
        """The decisions as they are now; StoreError if their file is damaged."""
        with self._lock:
            seen = _mark(self._folder / DECISIONS)
            if seen != self._seen:
                self._state = self._read()
                self._seen = seen
            return self._state

    def decide(self, decisions: Iterable[Decision]) -> None:
        """Add decisions, as one step."""
        made = list(decisions)
        if made:
            with self._lock:
                decide(self._folder, *made)

    def undo(self) -> list[Decision]:
        """Take the last step back."""
        with self._lock:
            return undo(self._folder)

    def pair(self, row: int, verdict: Verdict) -> Decision:
        """That a copy and its keeper are copies, or not."""
        keeper = self._catalog.row(row).keeper
        return Decision(verdict, (self._image(keeper), self._image(row)))

    def keeper(self, row: int) -> Decision:
        """That an image stays."""
        return Decision("keeper", (self._image(row),))

    def whole_group(self, group: int, verdict: Verdict) -> list[Decision]:
        """The same about all copies of a group that nobody has decided about.

        Where they are none, that is said of each two images that aren't copies of the keeper, also
        of those decided before, lest two be found to be copies of one another once they have lost
        their keeper.

        Raises
        ------
        UsageError
            Too many images to say that of each two.
        """
        keeper, *copies = self._catalog.images(group)
        status = self.state.status
        undecided = [row for row in copies if STATUSES[status[row]] == "undecided"]
        if verdict == "copies" or not undecided:
            return [self.pair(row, verdict) for row in undecided]
        apart = [row for row in copies if STATUSES[status[row]] != "copies"]
        if len(apart) >= MOST_TOLD_APART:
            raise UsageError(
                f"group {group} has more than {MOST_TOLD_APART} images to be told apart: decide "
                "about its pairs"
            )
        images = [self._image(row) for row in (keeper, *apart)]
        return [Decision(verdict, two) for two in combinations(images, 2)]

    def _image(self, row: int) -> Image:
        return self._catalog.row(int(row)).image

    def _read(self) -> State:
        catalog = self._catalog
        steps = read_steps(self._folder)
        current = in_force([decision for step in steps for decision in step])
        images = list({image for decision in current for image in decision.images})
        rows = dict(zip(images, catalog.find(images).tolist(), strict=True))
        gone = self._gone([image for image, row in rows.items() if row < 0])
        status = np.zeros(catalog.rows, np.uint8)
        chosen = np.full(len(catalog), -1, np.int32)
        for decision in current:
            about = sorted(rows[image] for image in decision.images)
            if about[0] < 0:
                continue
            group = catalog.group_of(about[0])
            if decision.word == "keeper":
                chosen[group] = about[0]
            elif about[0] == catalog.starts[group] and about[1] in catalog.images(group):
                status[about[1]] = STATUSES.index(decision.word)
        undecided = np.zeros(0, np.int32)
        if len(catalog):
            unsaid = (status == 0) & catalog.is_copy
            undecided = np.add.reduceat(unsaid, catalog.starts[:-1], dtype=np.int32)
        return State(
            status,
            chosen,
            undecided,
            len(current),
            sum(not gone.isdisjoint(decision.images) for decision in current),
            steps[-1] if steps else [],
        )

    def _gone(self, images: list[Image]) -> set[Image]:
        """Those that the audited splits don't hold, or not as they were."""
        unknown = {image for image in images if image not in self._elsewhere}
        there = self._catalog.elsewhere(unknown)
        self._elsewhere |= {image: image in there for image in unknown}
        return {image for image in images if not self._elsewhere[image]}


class Labels(NamedTuple):
    """Labels of a copy and of its keeper that disagree.

    Attributes
    ----------
    own, keeper : str
    source : str
        Where they stand.
    """

    own: str
    keeper: str
    source: str


class Conflicts:
    """Copies whose labels disagree with their keepers', as OUT/conflicts.parquet lists them.

    Attributes
    ----------
    there : bool
        Whether there is such a file.
    of_group : bool (groups,)
        Whether a group has some.
    """

    def __init__(self, audited: AuditFolder, catalog: Catalog) -> None:
        path = audited.folder / CONFLICTS
        self.there = path.is_file()
        self.of_group = np.zeros(len(catalog), np.bool_)
        self._rows = np.empty(0, np.int64)
        if not self.there:
            return
        table = parquet.read_table(path)
        if missing := [name for name in _CONFLICT_COLUMNS if name not in table.column_names]:
            raise StoreError(f"{path} has no column {missing[0]!r}: make it again")
        rows = catalog.find_names(table["split"].to_pylist(), exact_paths(table).to_pylist())
        known = np.flatnonzero(rows >= 0)
        known = known[np.argsort(rows[known], kind="stable")]
        self._rows = rows[known]
        self._table = table.take(known)
        groups = np.searchsorted(catalog.starts, self._rows, "right") - 1
        self.of_group[groups] = True

    def of_row(self, row: int) -> list[Labels]:
        """The labels of one copy that disagree with its keeper's."""
        first, end = np.searchsorted(self._rows, [row, row + 1])
        if first == end:
            return []
        found = self._table.slice(first, end - first).to_pylist()
        return [
            Labels(str(one["label"]), str(one["keeper_label"]), str(one.get("source") or ""))
            for one in found
        ]


class Guide:
    """Which group or pair comes next, within what is filtered."""

    def __init__(self, catalog: Catalog, judged: DecisionLog, conflicts: Conflicts) -> None:
        self._catalog = catalog
        self._judged = judged
        self._conflicts = conflicts

    def groups(self, wanted: Filter) -> NDArray[np.int32]:
        """Numbers of the groups that pass a filter, in its order."""
        extra = None
        if wanted.undecided:
            extra = self._judged.state.undecided > 0
        if wanted.conflicts:
            extra = self._conflicts.of_group if extra is None else extra & self._conflicts.of_group
        return self._catalog.select(wanted, extra)

    def around(self, wanted: Filter, group: int) -> tuple[int | None, int | None]:
        """The groups before and after one; of groups that meanwhile are decided, too."""
        before, after = self._parts(wanted, group)
        return (
            int(before[-1]) if before.size else None,
            int(after[0]) if after.size else None,
        )

    def next_undecided(self, wanted: Filter, row: int) -> int | None:
        """The next copy that nobody has decided about: in this group, then in those after it."""
        catalog, state = self._catalog, self._judged.state
        group = catalog.group_of(row)
        rows = np.array(catalog.images(group))
        own = rows[1:][state.status[rows[1:]] == 0]
        if (later := own[own > row]).size:
            return int(later[0])
        before, after = self._parts(wanted, group)
        others = np.concatenate([after, before])
        others = others[state.undecided[others] > 0]
        if others.size:
            return self.first_undecided(int(others[0]))
        return int(own[0]) if own.size else None

    def first_undecided(self, group: int) -> int | None:
        """The first copy of a group that nobody has decided about."""
        rows = np.array(self._catalog.images(group))[1:]
        undecided = rows[self._judged.state.status[rows] == 0]
        return int(undecided[0]) if undecided.size else None

    def _parts(self, wanted: Filter, group: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """What is filtered, before a group and after it, but for what is decided there."""
        sequence = self._catalog.select(wanted)
        at = np.flatnonzero(sequence == group)
        before, after = sequence, sequence[:0]
        if at.size:
            before, after = sequence[: at[0]], sequence[at[0] + 1 :]
        kept = np.ones(len(self._catalog), np.bool_)
        if wanted.undecided:
            kept = self._judged.state.undecided > 0
        if wanted.conflicts:
            kept = kept & self._conflicts.of_group
        return before[kept[before]], after[kept[after]]


def _mark(path: os.PathLike[str]) -> object:
    """Something that changes with a file that is replaced."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size

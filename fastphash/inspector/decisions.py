"""The decisions beside an audit, as arrays over the rows of its catalog."""

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np
import xxhash
from numpy.typing import NDArray

from fastphash.errors import UsageError
from fastphash.inspector.catalog import Catalog
from fastphash.results.decisions import (
    DECISIONS,
    Decision,
    Image,
    StepCounts,
    count_steps,
    decide,
    in_force,
    read_steps,
    undo,
)

#: What a person says of a copy and its keeper; codes of `CurrentDecisions.status` index this.
STATUSES = ("undecided", "copies", "not_copies")
Verdict = Literal["copies", "not_copies"]
#: Images of the largest group that "none are copies" applies to: it decides about every pair.
MOST_NOT_COPIES = 64


@dataclass(frozen=True, slots=True)
class CurrentDecisions:
    """Decisions in force.

    Attributes
    ----------
    status : uint8 (n,)
        Of each row and the keeper of its group: index into STATUSES.
    chosen : int32 (groups,)
        Row of each group that was chosen as its keeper; -1 if none was.
    undecided : int32 (groups,)
        Undecided copies of each group.
    steps : StepCounts
        How many steps have decisions in force, those about images that are gone or have changed
        apart.
    last : list of Decision
        What undoing takes back.
    """

    status: NDArray[np.uint8]
    chosen: NDArray[np.int32]
    undecided: NDArray[np.int32]
    steps: StepCounts
    last: list[Decision]

    @property
    def undecided_pairs(self) -> int:
        """Undecided copies of all groups."""
        return int(self.undecided.sum())

    @property
    def last_key(self) -> str:
        """What tells the last step from others: hexadecimal."""
        return xxhash.xxh3_64_hexdigest(repr(self.last).encode())


class DecisionLog:
    """The log of decisions beside an audit; sees what other processes write there.

    Parameters
    ----------
    catalog : Catalog
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._folder = catalog.audited.folder
        self._lock = threading.RLock()
        self._version: object = ""
        self._in_store: dict[Image, bool] = {}
        self._current: CurrentDecisions

    @property
    def current(self) -> CurrentDecisions:
        """The decisions as they are now; StoreError if their file is damaged."""
        with self._lock:
            version = _file_version(self._folder / DECISIONS)
            if version != self._version:
                self._current = self._read()
                self._version = version
            return self._current

    def decide(self, decisions: Iterable[Decision]) -> None:
        """Add decisions, as one step."""
        step = list(decisions)
        if step:
            with self._lock:
                decide(self._folder, *step)

    def undo(self) -> list[Decision]:
        """Take the last step back, and return it."""
        with self._lock:
            return undo(self._folder)

    def pair(self, row: int, verdict: Verdict) -> Decision:
        """The decision that a row and its keeper are copies, or not."""
        keeper = self._catalog.row(row).keeper
        return Decision(verdict, (self._image(keeper), self._image(row)))

    def keeper(self, row: int) -> Decision:
        """The decision that a row is the keeper of its group."""
        return Decision("keeper", (self._image(row),))

    def whole_group(self, group: int, verdict: Verdict) -> list[Decision]:
        """Decisions about all undecided copies of a group.

        "Copies" is a decision about each of them and the keeper. "Not copies" is a decision about
        each pair of images that aren't copies of the keeper, those decided before included:
        otherwise they could regroup without their keeper.

        Raises
        ------
        UsageError
            "Not copies" of too many images.
        """
        keeper, *copies = self._catalog.images(group)
        status = self.current.status
        undecided = [row for row in copies if STATUSES[status[row]] == "undecided"]
        if verdict == "copies" or not undecided:
            return [self.pair(row, verdict) for row in undecided]
        not_copies = [row for row in copies if STATUSES[status[row]] != "copies"]
        if len(not_copies) >= MOST_NOT_COPIES:
            raise UsageError(
                f"group {group} has more than {MOST_NOT_COPIES} images to tell apart: decide "
                "about its pairs"
            )
        images = [self._image(row) for row in (keeper, *not_copies)]
        return [Decision(verdict, pair) for pair in combinations(images, 2)]

    def _image(self, row: int) -> Image:
        return self._catalog.row(int(row)).image

    def _read(self) -> CurrentDecisions:
        catalog = self._catalog
        steps = read_steps(self._folder)
        current = in_force(steps)
        images = list({image for decision in current for image in decision.images})
        row_of = dict(zip(images, catalog.find(images).tolist(), strict=True))
        stale = self._stale([image for image, row in row_of.items() if row < 0])
        status = np.zeros(catalog.rows, np.uint8)
        chosen = np.full(len(catalog), -1, np.int32)
        for decision in current:
            rows = sorted(row_of[image] for image in decision.images)
            if rows[0] < 0:
                continue
            group = catalog.group_of(rows[0])
            members = catalog.images(group)
            if decision.word == "keeper":
                chosen[group] = rows[0]
            elif rows[0] == members[0] and rows[1] in members:
                status[rows[1]] = STATUSES.index(decision.word)
        return CurrentDecisions(
            status,
            chosen,
            catalog.columns.count((status == 0) & catalog.columns.is_copy),
            count_steps(steps, lambda decision: not stale.isdisjoint(decision.images)),
            steps[-1] if steps else [],
        )

    def _stale(self, images: list[Image]) -> set[Image]:
        """The images that the audited splits don't hold, or no longer hold unchanged."""
        unknown = {image for image in images if image not in self._in_store}
        stored = self._catalog.in_store(unknown)
        self._in_store |= {image: image in stored for image in unknown}
        return {image for image in images if not self._in_store[image]}


def _file_version(path: Path) -> object:
    """A value that changes when a file is replaced; None if there is no file."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size

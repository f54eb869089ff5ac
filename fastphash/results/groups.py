"""Rows in order of priority, grouped with their keepers."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.vocabulary import COLLISION, KINDS
from fastphash.defaults import MIN_SCORE
from fastphash.errors import UsageError
from fastphash.groups.keepers import Copies, Grouping, find_copies, has_partner
from fastphash.joins.index import Index
from fastphash.joins.options import JoinOptions
from fastphash.results.schemas import GROUPS_SCHEMA, ROLES, coded, relation_columns, row_names
from fastphash.store.rows import HashTable
from fastphash.verify.verdicts import Relation, relate


def priority(rows: HashTable, keep_in: list[str]) -> NDArray[np.int64]:
    """Rows in the order in which they are worth keeping.

    Splits as given, then the smaller first (equal sizes by name); most pixels; largest file; path.

    Raises
    ------
    UsageError
        A split of `keep_in` isn't there.
    """
    names, counts = np.unique(rows.splits.astype(str), return_counts=True)
    for name in keep_in:
        if name not in names:
            raise UsageError(f"no split {name!r} to keep images in: there are {', '.join(names)}")
    by_size = [str(name) for _, name in sorted(zip(counts.tolist(), names.tolist(), strict=True))]
    order = [*keep_in, *(name for name in by_size if name not in keep_in)]
    rank = {name: i for i, name in enumerate(order)}
    split_rank = np.array([rank[split] for split in rows.splits], np.int64)
    pixels = rows.numbers("width") * rows.numbers("height")
    path_rank = np.empty(len(rows), np.int64)
    path_rank[np.argsort(np.array(rows.paths.to_pylist(), object), kind="stable")] = np.arange(
        len(rows)
    )
    return np.lexsort((path_rank, -rows.numbers("size"), -pixels, split_rank))


def candidates(
    rows: HashTable, order: NDArray[np.int64], radius: int, options: JoinOptions | None = None
) -> HashTable:
    """In this order, the rows within a radius of another; no other can be in any result."""
    some = has_partner(Index(rows.phashes, rows.known), radius, options)
    return rows.take(order[some[order]])


class Counted(NamedTuple):
    """How many rows are copies of a keeper, and how many have just the hash of another.

    Attributes
    ----------
    kinds, distances : dict of str to int
        Copies by kind, and by distance but for collisions.
    collisions : int
        Rows of no group, at distance 0 of another row: their thumbnails or colours differ.
    """

    kinds: dict[str, int]
    distances: dict[str, int]
    collisions: int


class Grouped(NamedTuple):
    """Rows in order of priority, each against its keeper.

    Attributes
    ----------
    rows : HashTable
    copies : Copies
    min_score : float or None
        By which copies were told.
    """

    rows: HashTable
    copies: Copies
    min_score: float | None

    @property
    def is_copy(self) -> NDArray[np.bool_]:
        """Whether a row is no keeper, bool (n,)."""
        copies: NDArray[np.bool_] = self.copies.keeper != np.arange(len(self.rows))
        return copies

    def relation(self, rows: NDArray[np.int64]) -> Relation:
        """How some of the rows relate to their keepers."""
        content, found = self.rows.content, self.copies
        same = content.same_bytes(rows, content, found.keeper[rows])
        return relate(found.distance[rows], found.verdicts.take(rows), same, self.min_score)

    def table(self) -> pa.Table:
        """Groups of two and more, keeper first."""
        copy = np.flatnonzero(self.is_copy)
        grouped = np.union1d(copy, self.copies.keeper[copy])
        order = grouped[np.lexsort((grouped, self.copies.keeper[grouped]))]
        keeper = self.copies.keeper[order]
        role = (keeper != order).astype(np.int32)
        _, number = np.unique(keeper, return_inverse=True)
        split, path, exact = row_names(self.rows, order)
        return pa.table(
            [
                pa.array(number, pa.int64()),
                split,
                path,
                coded(role, ROLES),
                *relation_columns(self.relation(order), role == 0),
                exact,
            ],
            schema=GROUPS_SCHEMA,
        )

    def counted(self, options: JoinOptions | None = None) -> Counted:
        """How many rows are copies."""
        copies = np.flatnonzero(self.is_copy)
        equal = has_partner(Index(self.rows.phashes, self.rows.known), 0, options)
        equal[copies] = equal[self.copies.keeper[copies]] = False
        kind, distance = self.relation(copies)[:2]
        counts = np.bincount(kind, minlength=len(KINDS))
        kinds_of = {
            name: int(counts[i]) for i, name in enumerate(KINDS) if counts[i] or i != COLLISION
        }
        distances = tally_distances(distance[kind != COLLISION])
        return Counted(kinds_of, distances, int(equal.sum()))


def group_rows(
    ranked: HashTable,
    radius: int,
    grouping: Grouping = "star",
    min_score: float | None = MIN_SCORE,
    options: JoinOptions | None = None,
) -> Grouped:
    """Group rows, which must be in order of priority."""
    copies = find_copies(
        Index(ranked.phashes, ranked.known),
        ranked.content,
        radius,
        grouping=grouping,
        min_score=min_score,
        options=options,
    )
    return Grouped(ranked, copies, min_score)


def tally_distances(distances: NDArray[np.uint8]) -> dict[str, int]:
    """How often each distance stands there, ascending; as text, for JSON has no other keys."""
    values, counts = np.unique(distances, return_counts=True)
    return dict(zip(map(str, values.tolist()), counts.tolist(), strict=True))

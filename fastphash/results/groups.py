"""Rows in order of priority, grouped, each group with its keeper."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.vocabulary import (
    COPY_KINDS,
    COUNTED_COPIES,
    IDENTICAL,
    KINDS,
    SAME_PIXELS,
    THUMBNAIL_KINDS,
    UNLOOKED,
    UNVERIFIED,
)
from fastphash.groups.grouping import (
    Grouping,
    KeeperComparison,
    compare_keepers,
    find_copies,
    find_keepers,
    has_partner,
)
from fastphash.joins.index import Index
from fastphash.results.copy_rule import CopyRule, search_index
from fastphash.results.counts import are_copies, count_kinds, counted_kinds
from fastphash.results.decisions import NOTHING_DECIDED, Resolved
from fastphash.results.priority import keeper_reasons, priority
from fastphash.results.schemas import (
    GROUP_SIDES,
    GROUPS_SCHEMA,
    ROLES,
    coded,
    looked_column,
    part_columns,
    relation_columns,
    row_names,
)
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import Relation, relate
from fastphash.verification.findings import NO_FINDINGS, Findings
from fastphash.verification.looked_pairs import LookedPairs

# of a table written in pieces
_ROWS_AT_ONCE = 1 << 15


def candidates(
    rows: HashTable,
    split_order: Sequence[str],
    criteria: CopyCriteria,
    partnered: NDArray[np.bool_] | None = None,
    *,
    hand_over: bool = False,
) -> HashTable:
    """The rows within the radius of another, in order of priority; no other is in any result.

    `partnered` (n,) are these, if they are known. With `hand_over` they leave `rows`, which can't
    be used any more.
    """
    # only they are ranked: most rows of a large set have no copy, and their paths take long to sort
    number = find_candidates(rows, np.arange(len(rows)), criteria, partnered=partnered)
    found = rows.hand_over(number) if hand_over else rows.take(number)
    order = priority(found, split_order)
    return found.hand_over(order) if hand_over else found.take(order)


def find_candidates(
    rows: HashTable,
    order: NDArray[np.int64],
    criteria: CopyCriteria,
    decided: Resolved = NOTHING_DECIDED,
    findings: Findings = NO_FINDINGS,
    partnered: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Rows within the radius of another, or copies by decision or by what was found.

    In this order, int64 (n,). `partnered` (n,) are fewer than those within the radius, if
    `find_partnered` has been asked for them.
    """
    if partnered is None:
        partnered = has_partner(Index(rows.hashes, rows.known), criteria.radius, criteria.options)
    partnered = partnered.copy()
    partnered[decided.copies] = True
    partnered[findings.pairs] = True
    return order[partnered[order]]


def keepers_first(order: NDArray[np.int64], decided: Resolved) -> NDArray[np.int64]:
    """Rows in order of priority, the keepers by decision before all others."""
    return np.concatenate([decided.keepers, order[~np.isin(order, decided.keepers)]])


class CopyCounts(NamedTuple):
    """How many rows are copies of a keeper, and how many only share a hash with another row.

    Attributes
    ----------
    kinds, distances : dict of str to int
        Copies by kind, `confirmed` ones apart if there are any; and copies by distance from their
        keepers, without kinds that are no copies. An image with the bytes of an earlier one of its
        group is `identical`, whatever bytes the keeper has.
    collisions : int
        Rows in no group at distance 0 of another row: their thumbnails or colours differ, or are
        flat.
    same_pixels : int
        Copies that have the pixels of their keeper in other bytes; identical ones don't count.
    """

    kinds: dict[str, int]
    distances: dict[str, int]
    collisions: int
    same_pixels: int


class GroupedRows(NamedTuple):
    """Rows in order of priority, each compared with its keeper.

    Attributes
    ----------
    rows : HashTable
    keepers : KeeperComparison
    criteria : CopyCriteria
        Those that the rows were grouped by.
    rule : CopyRule, optional
        What decided which rows are copies, if anything was decided or found about a pair of them.
    findings : Findings
        What was found about pairs of them.
    """

    rows: HashTable
    keepers: KeeperComparison
    criteria: CopyCriteria
    rule: CopyRule | None = None
    findings: Findings = NO_FINDINGS

    @property
    def is_copy(self) -> NDArray[np.bool_]:
        """Whether a row has another row as its keeper, bool (n,)."""
        copies: NDArray[np.bool_] = self.keepers.keeper != np.arange(len(self.rows))
        return copies

    def relation(self, rows: NDArray[np.int64]) -> Relation:
        """How these rows relate to their keepers."""
        content, (keeper, distance, comparison) = self.rows.content, self.keepers
        same_bytes = content.same_bytes(rows, content, keeper[rows])
        relation = relate(
            distance[rows], comparison.take(rows), same_bytes, self.criteria.min_score
        )
        pairs, found = self.findings.about(rows, keeper[rows])
        # the distance is that of the hashes, whatever was looked at
        relation.put(pairs, found.relation._replace(distance=relation.distance[pairs]))
        return relation

    def table(self, looked: LookedPairs | None = None) -> pa.Table:
        """Groups of two rows or more, keeper first: `GROUPS_SCHEMA`.

        `looked` are the pairs of these rows whose pixels were compared.
        """
        return self._piece(*self._numbered(), looked)

    def pieces(self) -> Iterator[pa.Table]:
        """The same table without looks, a bounded number of rows at a time."""
        yield from self.numbered_pieces(*self._numbered())

    def numbered_pieces(
        self, order: NDArray[np.int64], number: NDArray[np.int64]
    ) -> Iterator[pa.Table]:
        """The same of these rows, in this order, with the number of the group of each."""
        for start in range(0, order.size, _ROWS_AT_ONCE):
            some = slice(start, start + _ROWS_AT_ONCE)
            yield self._piece(order[some], number[some])

    def count_groups(self) -> int:
        """How many groups of two rows or more there are."""
        return int(np.unique(self.keepers.keeper[self.is_copy]).size)

    def _numbered(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of groups of two or more, keeper first, and the number of the group of each."""
        copies = np.flatnonzero(self.is_copy)
        grouped = np.union1d(copies, self.keepers.keeper[copies])
        order = grouped[np.lexsort((grouped, self.keepers.keeper[grouped]))]
        _, number = np.unique(self.keepers.keeper[order], return_inverse=True)
        return order, number

    def _piece(
        self,
        order: NDArray[np.int64],
        number: NDArray[np.int64],
        looked: LookedPairs | None = None,
    ) -> pa.Table:
        keeper = self.keepers.keeper[order]
        is_keeper = keeper == order
        relation = self.relation(order)
        split, path, path_bytes = row_names(self.rows, order)
        keeper_split, keeper_path, keeper_bytes = row_names(self.rows, keeper)
        return pa.table(
            [
                pa.array(number, pa.int64()),
                split,
                path,
                coded((~is_keeper).astype(np.int32), ROLES),
                *relation_columns(relation, is_keeper),
                *part_columns(self.findings, order, keeper, GROUP_SIDES),
                looked_column(relation, looked, order, keeper, is_keeper),
                keeper_split,
                keeper_path,
                keeper_reasons(self.rows, order, keeper),
                path_bytes,
                keeper_bytes,
            ],
            schema=GROUPS_SCHEMA,
        )

    def count_copies(self) -> CopyCounts:
        """How many rows are copies."""
        copies = np.flatnonzero(self.is_copy)
        index = Index(self.rows.hashes, self.rows.known)
        shares_hash = has_partner(index, 0, self.criteria.options)
        shares_hash[copies] = shares_hash[self.keepers.keeper[copies]] = False
        relation = self.relation(copies)
        digests = self.rows.digests
        contents = None if digests is None else digests[copies]
        kind = counted_kinds(relation.kind, self.keepers.keeper[copies], contents)
        confirmed = self._confirmed(copies)
        counts = count_kinds(kind, confirmed)
        by_kind = {name: number for name, number in counts.items() if number or name in COPY_KINDS}
        by_distance = count_distances(relation.distance[are_copies(kind, confirmed)])
        same_pixels = (relation.same_pixels == SAME_PIXELS) & (kind != IDENTICAL)
        return CopyCounts(by_kind, by_distance, int(shares_hash.sum()), int(same_pixels.sum()))

    def count_unlooked(self, looked: LookedPairs, kinds: Sequence[str]) -> int:
        """How many copies of these kinds, of `exact` and `augmented`, nobody looked at.

        Copies by decision don't count.
        """
        copies = np.flatnonzero(self.is_copy)
        kind = self.relation(copies).kind
        counted = np.isin(kind, THUMBNAIL_KINDS) & np.isin(KINDS, kinds)[kind]
        counted &= ~looked.has(copies, self.keepers.keeper[copies]) & ~self._confirmed(copies)
        return int(counted.sum())

    def _confirmed(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether these rows are copies of their keepers by decision, bool (n,)."""
        if self.rule is None:
            return np.zeros(rows.size, np.bool_)
        return self.rule.is_confirmed(rows, self.keepers.keeper[rows])


def group_rows(
    ranked: HashTable,
    criteria: CopyCriteria,
    grouping: Grouping = "star",
    decided: Resolved = NOTHING_DECIDED,
    kinds: Sequence[str] = COPY_KINDS,
    findings: Findings = NO_FINDINGS,
    looked: LookedPairs | None = None,
) -> GroupedRows:
    """Group rows, which must be in order of priority.

    Parameters
    ----------
    ranked : HashTable
    criteria : CopyCriteria
    grouping : {"star", "components"}
    decided : Resolved
        What was decided about these rows: it counts more than their kinds.
    kinds : sequence of str
        Kinds of pairs that are copies. Where there are no thumbnails, `unverified` is one of them
        by default.
    findings : Findings
        What was found about pairs of these rows: it counts more than thumbnails.
    looked : LookedPairs, optional
        If given, `exact` and `augmented` pairs of these rows that nobody looked at are no copies.
        Findings are spread by its contents then.
    """
    index = Index(ranked.hashes, ranked.known)
    everything_told = not (decided.has_pairs or findings.size) and looked is None
    if kinds == COPY_KINDS and everything_told:
        keepers = find_copies(index, ranked.content, criteria, grouping=grouping)
        return GroupedRows(ranked, keepers, criteria)
    if kinds == COPY_KINDS and ranked.content.thumbnails is None:
        kinds = (*COPY_KINDS, KINDS[UNVERIFIED])
    number = np.arange(len(ranked))
    allowed = np.isin(KINDS, kinds)
    rule = CopyRule(ranked, number, allowed, decided, criteria, findings=findings, looked=looked)
    searched = search_index(ranked, allowed, decided, findings, looked)
    keeper = find_keepers(
        searched,
        ranked.content,
        criteria,
        grouping=grouping,
        is_copy=rule,
        distinguish_by=rule.distinguish_by(),
        searched=rule.searched(),
        extra=rule.extra_pairs(),
    )
    keepers = compare_keepers(index, ranked.content, criteria, keeper)
    return GroupedRows(ranked, keepers, criteria, rule, findings)


def count_staying(
    rows: HashTable,
    criteria: CopyCriteria,
    decided: Resolved,
    cleaned: Sequence[str],
    findings: Findings,
    looked: LookedPairs,
) -> dict[str, int]:
    """How many rows are copies of other ones although those of some kinds are gone, by kind.

    Copies of these kinds that stay because nobody looked at them are `UNLOOKED`, and come first.

    Parameters
    ----------
    rows : HashTable
        What a clean leaves, in order of priority.
    criteria : CopyCriteria
    decided : Resolved
        What was decided about these rows.
    cleaned : sequence of str
        The kinds that are gone, which are not counted, and `UNLOOKED` if it makes no difference
        to them.
    findings : Findings
        What was found about these rows.
    looked : LookedPairs
        The pairs of these rows whose pixels were compared.
    """
    number = find_candidates(rows, np.arange(len(rows)), criteria, decided, findings)
    decided, findings = decided.among(number), findings.among(number)
    grouped = group_rows(rows.take(number), criteria, decided=decided, findings=findings)
    kinds = grouped.count_copies().kinds
    if UNLOOKED not in cleaned:
        kinds[UNLOOKED] = grouped.count_unlooked(looked.take(number), cleaned)
    names = [name for name in (UNLOOKED, *COUNTED_COPIES) if name not in cleaned]
    return {name: kinds[name] for name in names if kinds.get(name)}


def count_distances(distances: NDArray[np.uint8]) -> dict[str, int]:
    """How often each distance occurs, ascending; the keys are text, as JSON wants them."""
    values, counts = np.unique(distances, return_counts=True)
    return dict(zip(map(str, values.tolist()), counts.tolist(), strict=True))

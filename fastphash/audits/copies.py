"""The copies in some splits: leaks between them, groups of all, and counts within each."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fastphash.audits.options import AuditOptions
from fastphash.base.system import give_back_freed_arrays
from fastphash.base.vocabulary import SURE_KINDS
from fastphash.results.decisions import Resolved
from fastphash.results.groups import (
    CopyCounts,
    GroupedRows,
    count_staying,
    find_candidates,
    group_rows,
    keepers_first,
)
from fastphash.results.leak_table import ImageLeaks, SplitLeaks, find_leaks, merge_leaks
from fastphash.results.partners import find_partnered
from fastphash.results.priority import priority
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.findings import NO_FINDINGS, Findings
from fastphash.verification.looked_pairs import LookedPairs


class SearchedRows(NamedTuple):
    """What every search has in common.

    Attributes
    ----------
    rows : HashTable
        All that are compared.
    order : int64 (n,)
        Rows in order of priority, the keepers by decision first.
    partnered : bool (n,)
        See `find_partnered`.
    """

    rows: HashTable
    order: NDArray[np.int64]
    partnered: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        rows: HashTable,
        criteria: CopyCriteria,
        decided: Resolved,
        split_order: Sequence[str],
        near: NDArray[np.bool_] | None = None,
    ) -> Self:
        """Of these rows; `split_order` is that in which splits keep their images.

        `near` (n,) are those within the radius of another, if they are known.
        """
        order = keepers_first(priority(rows, split_order), decided)
        searched = cls(rows, order, find_partnered(rows, criteria, near))
        give_back_freed_arrays()
        return searched


class FoundCopies(NamedTuple):
    """What an audit finds in its rows.

    Attributes
    ----------
    rows : HashTable
        Those that may be copies, in order of priority.
    number : int64 (n,)
        What each of them is among all rows that were searched.
    between : list of SplitLeaks
        For every ordered pair of splits.
    leaks : ImageLeaks
        The same, each image once.
    grouped : GroupedRows
        The rows grouped by all kinds.
    sure : GroupedRows
        The rows grouped by the kinds that leave no doubt, as a clean by default groups them if
        somebody looked at all of them.
    counts : dict of str to CopyCounts
        Copies inside each split, by itself.
    decided : Resolved
        What was decided about these rows.
    findings : Findings
        What was found about these rows.
    """

    rows: HashTable
    number: NDArray[np.int64]
    between: list[SplitLeaks]
    leaks: ImageLeaks
    grouped: GroupedRows
    sure: GroupedRows
    counts: dict[str, CopyCounts]
    decided: Resolved
    findings: Findings

    def looked_at(self, findings: Findings) -> LookedPairs:
        """The pairs of these rows that were looked at, by findings about all rows."""
        return LookedPairs.of(findings.among(self.number), self.rows)

    def count_staying(self, findings: Findings, looked: LookedPairs) -> dict[str, int]:
        """Copies that a clean by the default kinds leaves, by kind; their keepers stay, too.

        Findings are about all rows, `looked` are the pairs of these that were looked at.
        """
        grouped = self.grouped
        copies = np.flatnonzero(grouped.is_copy)
        goes = self._group_looked(findings, looked).is_copy
        if goes[copies].all():
            return {}
        # a row in no group is no copy of another one that stays
        members = np.union1d(copies, grouped.keepers.keeper[copies])
        stay = members[~goes[members]]
        return count_staying(
            grouped.rows.take(stay),
            grouped.criteria,
            self.decided.among(stay),
            SURE_KINDS,
            grouped.findings.among(stay),
            looked.take(stay),
        )

    def _group_looked(self, findings: Findings, looked: LookedPairs) -> GroupedRows:
        """The rows grouped by sure copies that somebody looked at."""
        if not self.sure.count_unlooked(looked, SURE_KINDS):
            return self.sure
        return group_rows(
            self.rows,
            self.sure.criteria,
            decided=self.decided,
            kinds=SURE_KINDS,
            findings=findings.among(self.number).spread(looked.digests),
            looked=looked,
        )


def search_splits(
    searched: SearchedRows,
    splits: Sequence[str],
    criteria: CopyCriteria,
    options: AuditOptions,
    decided: Resolved,
    findings: Findings = NO_FINDINGS,
    unreadable: Findings = NO_FINDINGS,
) -> FoundCopies:
    """Join each split with every other one; group all rows together, and each split by itself.

    Parameters
    ----------
    searched : SearchedRows
    splits : sequence of str
        Their names.
    criteria : CopyCriteria
    options : AuditOptions
        How pairs become groups.
    decided : Resolved
        What was decided about these rows.
    findings : Findings
        What was found about pairs of these rows: it counts more than thumbnails, and for all files
        of the same bytes.
    unreadable : Findings
        Pairs of these rows that nobody can look at: no sure copies.
    """
    rows, order, partnered = searched
    number = find_candidates(rows, order, criteria, decided, findings, partnered)
    ranked, decided = rows.take(number), decided.among(number)
    findings = findings.among(number).spread(ranked.digests)
    between = find_leaks(ranked, splits, criteria, decided, findings)
    grouped = group_rows(ranked, criteria, options.grouping, decided, findings=findings)
    counts = {splits[0]: grouped.count_copies()}
    if len(splits) > 1:
        for split in splits:
            places = np.flatnonzero(ranked.splits == split)
            one = group_rows(
                ranked.take(places),
                criteria,
                options.grouping,
                decided.among(places),
                findings=findings.among(places),
            )
            counts[split] = one.count_copies()
    # sure copies are at distance 0, but for those that were decided or found
    at_once = replace(criteria, radius=0)
    blind = unreadable.among(number).spread(ranked.digests)
    sure = group_rows(
        ranked,
        at_once,
        decided=decided,
        kinds=SURE_KINDS,
        findings=Findings.joined([blind, findings]) if blind.size else findings,
    )
    leaks = merge_leaks(between)
    give_back_freed_arrays()
    return FoundCopies(ranked, number, between, leaks, grouped, sure, counts, decided, findings)

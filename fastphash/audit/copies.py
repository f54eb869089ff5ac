"""The copies in some splits: leaks between them, groups of all, and counts within each."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.audit.options import AuditOptions
from fastphash.base.vocabulary import NEAR, SURE_KINDS
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
from fastphash.results.priority import priority
from fastphash.store.rows import HashTable
from fastphash.verify.criteria import CopyCriteria
from fastphash.verify.findings import NO_FINDINGS, Findings


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
    groups : pyarrow.Table
        `GROUPS_SCHEMA`.
    sure : GroupedRows
        The rows grouped by the kinds that leave no doubt, as a clean by default groups them.
    counts : dict of str to CopyCounts
        Copies inside each split, by itself.
    staying : dict of str to int
        Copies that a clean by the default kinds leaves, by kind.
    findings : Findings
        What was found about these rows.
    """

    rows: HashTable
    number: NDArray[np.int64]
    between: list[SplitLeaks]
    leaks: ImageLeaks
    groups: pa.Table
    sure: GroupedRows
    counts: dict[str, CopyCounts]
    staying: dict[str, int]
    findings: Findings


def search_splits(
    rows: HashTable,
    splits: Sequence[str],
    criteria: CopyCriteria,
    options: AuditOptions,
    decided: Resolved,
    split_order: Sequence[str],
    findings: Findings = NO_FINDINGS,
) -> FoundCopies:
    """Join each split with every other one; group all rows together, and each split by itself.

    Parameters
    ----------
    rows : HashTable
    splits : sequence of str
        Their names.
    criteria : CopyCriteria
    options : AuditOptions
        How pairs become groups.
    decided : Resolved
        What was decided about these rows.
    split_order : sequence of str
        The splits in the order in which they keep their images.
    findings : Findings
        What was found about pairs of these rows: it counts more than thumbnails, and for all files
        of the same bytes.
    """
    order = keepers_first(priority(rows, split_order), decided)
    number = find_candidates(rows, order, criteria, decided, findings)
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
    sure = group_rows(ranked, at_once, decided=decided, kinds=SURE_KINDS, findings=findings)
    staying = _count_staying(grouped, sure, decided)
    leaks = merge_leaks(between)
    return FoundCopies(
        ranked, number, between, leaks, grouped.table(), sure, counts, staying, findings
    )


def _count_staying(grouped: GroupedRows, sure: GroupedRows, decided: Resolved) -> dict[str, int]:
    """Copies that a clean by `SURE_KINDS` leaves, by kind; their keepers stay, too."""
    copies = np.flatnonzero(grouped.is_copy)
    if not (grouped.relation(copies).kind >= NEAR).any():
        return {}
    # a row in no group is no copy of another one that stays
    members = np.union1d(copies, grouped.keepers.keeper[copies])
    stay = members[~sure.is_copy[members]]
    return count_staying(
        grouped.rows.take(stay),
        grouped.criteria,
        decided.among(stay),
        SURE_KINDS,
        grouped.findings.among(stay),
    )

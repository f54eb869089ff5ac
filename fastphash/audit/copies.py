"""The copies in some splits: leaks between them, groups of all, and counts within each."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa

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
    between : list of SplitLeaks
        For every ordered pair of splits.
    leaks : ImageLeaks
        The same, each image once.
    groups : pyarrow.Table
        `GROUPS_SCHEMA`.
    counts : dict of str to CopyCounts
        Copies inside each split, by itself.
    staying : dict of str to int
        Copies that a clean by the default kinds leaves, by kind.
    findings : Findings
        What was found about these rows.
    """

    rows: HashTable
    between: list[SplitLeaks]
    leaks: ImageLeaks
    groups: pa.Table
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
    staying = _count_staying(grouped, decided)
    leaks = merge_leaks(between)
    return FoundCopies(ranked, between, leaks, grouped.table(), counts, staying, findings)


def _count_staying(grouped: GroupedRows, decided: Resolved) -> dict[str, int]:
    """Copies that a clean by `SURE_KINDS` leaves, by kind; their keepers stay, too."""
    copies = np.flatnonzero(grouped.is_copy)
    if not (grouped.relation(copies).kind >= NEAR).any():
        return {}
    # a row in no group is no copy of another one that stays
    members = np.union1d(copies, grouped.keepers.keeper[copies])
    ranked, criteria = grouped.rows.take(members), grouped.criteria
    decided, findings = decided.among(members), grouped.findings.among(members)
    # sure copies are at distance 0, but for those that were decided or found
    sure = group_rows(
        ranked,
        replace(criteria, radius=0),
        decided=decided,
        kinds=SURE_KINDS,
        findings=findings,
    )
    stay = np.flatnonzero(~sure.is_copy)
    return count_staying(
        ranked.take(stay), criteria, decided.among(stay), SURE_KINDS, findings.among(stay)
    )

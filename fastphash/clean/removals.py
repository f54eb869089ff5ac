"""Which images go, each for the sake of one that stays."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.clean.label_rule import COCO, LabelRule
from fastphash.groups.grouping import compare_keepers, find_keepers, has_partner
from fastphash.joins.index import Index
from fastphash.results.copy_rule import CopyRule, search_index
from fastphash.results.decisions import Resolved
from fastphash.results.groups import GroupedRows
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import Relation
from fastphash.verification.findings import NO_FINDINGS, Findings
from fastphash.verification.looked_pairs import LookedPairs

# a copy whose annotations disagree with those of this many images that stay is kept without looking
# for one that agrees: each look costs a grouping
_LOOKS = 8


class Removals(NamedTuple):
    """Rows to be removed, the keeper of each and how it relates to its keeper."""

    row: NDArray[np.int64]
    keeper: NDArray[np.int64]
    relation: Relation
    confirmed: NDArray[np.bool_]

    def take(self, chosen: NDArray[np.int64]) -> "Removals":
        """A copy of some of them."""
        return Removals(
            self.row[chosen],
            self.keeper[chosen],
            self.relation.take(chosen),
            self.confirmed[chosen],
        )


class Disagreements(NamedTuple):
    """Rows that stay although they are copies, because their labels disagree with another's.

    Attributes
    ----------
    pairs : Removals
        Rows, and the images that they would go for.
    what : uint8 (n,)
        What disagrees: index into `label_rule.DISAGREEMENTS`, plus 1.
    """

    pairs: Removals
    what: NDArray[np.uint8]


def find_removals(
    order: NDArray[np.int64],
    allowed: NDArray[np.bool_],
    decided: Resolved,
    criteria: CopyCriteria,
    labels: LabelRule,
    progress: Progress = no_progress,
    findings: Findings = NO_FINDINGS,
    looked: LookedPairs | None = None,
) -> tuple[Removals, Disagreements]:
    """Find the rows to be removed, and those that stay because of their labels.

    Each row goes for the first that stays, that it is a copy of, and with which its labels agree.

    Parameters
    ----------
    order : int64 (n,)
        Rows of `labels.rows` in order of priority.
    allowed : bool (len(KINDS),)
        Whether pairs of each kind are copies.
    decided : Resolved
    criteria : CopyCriteria
    labels : LabelRule
    progress : Progress
    findings : Findings
        What was found about pairs of rows of different bytes: it counts more than thumbnails.
    looked : LookedPairs, optional
        If given, `exact` and `augmented` pairs of rows that nobody looked at are no copies.
    """
    candidates = _Candidates(order, allowed, decided, criteria, labels, findings, looked)
    proposed = candidates.group(decided, heed_labels=False)
    what = _compare(proposed, labels, progress)
    removals, unlike = proposed, what
    for _ in range(_LOOKS):
        if not unlike.any():
            break
        decided = _keep_apart(decided, removals.take(np.flatnonzero(unlike >= COCO)))
        removals = candidates.group(decided, heed_labels=True)
        unlike = _compare(removals, labels, progress)
    removals = removals.take(np.flatnonzero(unlike == 0))
    stay = np.flatnonzero((what > 0) & ~np.isin(proposed.row, removals.row))
    return removals, Disagreements(proposed.take(stay), what[stay])


def _keep_apart(decided: Resolved, pairs: Removals) -> Resolved:
    """Decisions, and that these pairs are no copies."""
    rows = np.sort(np.stack([pairs.row, pairs.keeper], axis=1), axis=1)
    return decided._replace(not_copies=np.concatenate([decided.not_copies, rows]))


def _compare(pairs: Removals, labels: LabelRule, progress: Progress) -> NDArray[np.uint8]:
    kind, orientation = pairs.relation.kind, pairs.relation.orientation
    return labels.apart(pairs.keeper, pairs.row, kind, orientation, progress)


class _Candidates:
    """The rows that can have a copy, in order of priority, to be grouped once or several times."""

    def __init__(
        self,
        order: NDArray[np.int64],
        allowed: NDArray[np.bool_],
        decided: Resolved,
        criteria: CopyCriteria,
        labels: LabelRule,
        findings: Findings,
        looked: LookedPairs | None,
    ) -> None:
        rows = labels.rows
        index = search_index(rows, allowed, decided, findings, looked)
        partnered = has_partner(index, criteria.radius, criteria.options)
        # pairs decided or found to be copies are so at any distance
        partnered[decided.copies] = partnered[findings.pairs] = True
        self._number = order[partnered[order]]
        self._ranked = rows.take(self._number)
        self._index = index.take(self._number)
        self._allowed = allowed
        self._criteria = criteria
        self._labels = labels
        self._findings = findings
        self._looked = looked

    def group(self, decided: Resolved, *, heed_labels: bool) -> Removals:
        """Group the rows; labels known to disagree keep rows apart, if they are heeded."""
        ranked, number = self._ranked, self._number
        labels = self._labels if heed_labels else None
        rule = CopyRule(
            ranked,
            number,
            self._allowed,
            decided,
            self._criteria,
            labels,
            self._findings,
            self._looked,
        )
        keepers = find_keepers(
            self._index,
            ranked.content,
            self._criteria,
            is_copy=rule,
            searched=rule.searched(),
            distinguish_by=rule.distinguish_by(),
            extra=rule.extra_pairs(),
        )
        hashes = Index(ranked.hashes, ranked.known)
        copies = compare_keepers(hashes, ranked.content, self._criteria, keepers)
        row = np.flatnonzero(copies.keeper != np.arange(number.size))
        keeper = copies.keeper[row]
        findings = self._findings.among(number)
        relation = GroupedRows(ranked, copies, self._criteria, rule, findings).relation(row)
        return Removals(number[row], number[keeper], relation, rule.is_confirmed(row, keeper))


def join_pairs(one: Removals, other: Removals) -> Removals:
    """Both, one after the other."""

    def joined(a: Any, b: Any) -> Any:
        return np.concatenate([a, b])

    columns: Iterable[Any] = map(joined, one.relation, other.relation)
    return Removals(
        joined(one.row, other.row),
        joined(one.keeper, other.keeper),
        Relation(*columns),
        joined(one.confirmed, other.confirmed),
    )

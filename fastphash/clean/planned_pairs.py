"""The images that a plan removes, each compared with its keeper again, as the store has them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.pair_keys import pair_keys
from fastphash.base.vocabulary import COLLISION, FURTHEST, KINDS
from fastphash.joins.distances import row_distances
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.results.audit_folder import AuditFolder
from fastphash.results.decisions import read_steps, resolve
from fastphash.verification.decide_kind import Relation, relate_matches
from fastphash.verification.findings import Findings
from fastphash.verification.looked_pairs import LookedPairs


class PlannedPairs(NamedTuple):
    """Pairs of a removed row and its keeper, and what the audit knows of them.

    Attributes
    ----------
    row, keeper : int64 (n,)
    relation : Relation
        How the row relates to its keeper by hashes, thumbnails and findings.
    found : bool (n,)
        Whether the kind is that of a finding.
    looked : bool (n,)
        Whether pixels were compared, or are the same.
    copies, not_copies : bool (n,)
        Whether the two are copies, or no copies, by decision.
    """

    row: NDArray[np.int64]
    keeper: NDArray[np.int64]
    relation: Relation
    found: NDArray[np.bool_]
    looked: NDArray[np.bool_]
    copies: NDArray[np.bool_]
    not_copies: NDArray[np.bool_]

    def are_taken(self, kinds: list[str], radius: int) -> NDArray[np.bool_]:
        """Whether each row may go for its keeper by these kinds, or by decision: bool (n,)."""
        kind = self.relation.kind
        furthest = np.where(self.found, FURTHEST, radius)
        furthest[kind >= COLLISION] = 0
        by_kind = np.isin(KINDS, kinds)[kind] & (self.relation.distance <= furthest)
        return np.asarray((by_kind | self.copies) & ~self.not_copies)


def compare_planned(
    audited: AuditFolder, row: NDArray[np.int64], keeper: NDArray[np.int64]
) -> PlannedPairs:
    """Compare removed rows with their keepers, as the audit and the plan did."""
    rows = audited.rows
    index = Index(rows.hashes, rows.known)
    matches = Matches(row, keeper, *row_distances(index, row, index, keeper))
    min_score = audited.summary["min_score"]
    content = rows.content
    relation = relate_matches(
        matches, content, content, min_score, score_near=min_score is not None
    )
    looked = LookedPairs.of(audited.findings, rows)
    found = np.zeros(row.size, np.bool_)
    pairs, findings = _by_content(audited.findings, looked.content).about(
        looked.content[row], looked.content[keeper]
    )
    found[pairs] = True
    # the distance is that of the hashes, whatever was looked at
    relation.put(pairs, findings.relation._replace(distance=relation.distance[pairs]))
    decided = resolve(read_steps(audited.folder), rows)
    keys = pair_keys(row, keeper)
    return PlannedPairs(
        row,
        keeper,
        relation,
        found,
        looked.has(row, keeper),
        np.isin(keys, pair_keys(*decided.copies.T)),
        np.isin(keys, pair_keys(*decided.not_copies.T)),
    )


def _by_content(findings: Findings, content: NDArray[np.int64]) -> Findings:
    """Findings about contents instead of rows; none about equal contents."""
    own = np.flatnonzero(content[findings.pairs[:, 0]] != content[findings.pairs[:, 1]])
    chosen = findings.take(own)
    return Findings.joined([chosen._replace(pairs=content[chosen.pairs])])

"""Pairs that further hashes of the images propose, beside those near by the compared one."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from fastphash.audits.in_doubt import near_pairs
from fastphash.audits.looker import RowPairs
from fastphash.audits.options import AuditOptions
from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import COLLISION, DIFFERENT, NEAR
from fastphash.errors import TooManyPairsError
from fastphash.joins.chance import choose_radius
from fastphash.joins.distances import row_distances
from fastphash.joins.index import Index
from fastphash.looks.judgement import DOUBT_START
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.crops import CroppedPairs
from fastphash.verification.decide_kind import Relation
from fastphash.verification.findings import NO_FINDINGS, Findings


class HashProposals(NamedTuple):
    """What thumbnails say of the pairs that further hashes propose.

    Attributes
    ----------
    pairs : CroppedPairs
        Near copies and pairs in doubt beyond the radius of the compared hash. Their distance is
        that of the compared hash, their orientation that of the hash that proposed them.
    counts : dict of str to dict
        ``proposing`` of summary.json, by algorithm.
    """

    pairs: CroppedPairs
    counts: dict[str, dict[str, Any]]

    def beside(self, windows: CroppedPairs) -> CroppedPairs:
        """These pairs and those that windows tell of, each pair once: whole images come first."""
        copies = Findings.joined([self.pairs.copies, windows.copies])
        doubtful = Findings.joined([self.pairs.doubtful, windows.doubtful])
        doubtful = doubtful.take(np.flatnonzero(~np.isin(doubtful.keys, copies.keys)))
        return CroppedPairs(copies, doubtful, self.pairs.more or windows.more)


def propose_by_hashes(
    rows: HashTable,
    criteria: CopyCriteria,
    options: AuditOptions,
    progress: Progress = no_progress,
) -> HashProposals:
    """Find the pairs within the radius of any proposing algorithm, and look at their thumbnails.

    Each algorithm has the radius that `choose_radius` gives for its hashes, and for the candidates
    that an image may have.

    Parameters
    ----------
    rows : HashTable
        With thumbnails, digests, and hashes of these algorithms; the compared one adds nothing.
    criteria : CopyCriteria
        Pairs within its radius by the compared hash are left out: they are found anyway.
    options : AuditOptions
        Which algorithms propose pairs. As many pairs in doubt are wanted as may be looked at: those
        with the highest scores.
    progress : Progress
    """
    copies, doubtful = [NO_FINDINGS], [NO_FINDINGS]
    counts: dict[str, dict[str, Any]] = {}
    for name in options.proposing:
        if name == rows.algorithm.name:
            continue
        progress(f"joining by {name}", 0, 0)
        other = rows.compared_by(name)
        # hashes of too little quality are noise
        chosen = np.flatnonzero(~other.below_quality(options.min_quality))
        other = other.take(chosen)
        index = Index(other.hashes, other.known)
        radius = choose_radius(index, options.candidates)
        within = replace(criteria, radius=radius)
        pairs, number, more = _pairs_beyond(rows.take(chosen), index, within, criteria.radius)
        pairs = pairs._replace(left=chosen[pairs.left], right=chosen[pairs.right])
        accused = pairs.relation.kind < COLLISION
        found = _findings(pairs.take(np.flatnonzero(accused)), NEAR)
        copies.append(found)
        doubtful.append(_in_doubt(pairs.take(np.flatnonzero(~accused)), options.looks))
        counts[name] = {
            "radius": radius,
            "pairs": number,
            "copies": found.size,
            "more": more,
        }
    more = any(one["more"] for one in counts.values())
    pairs_found = CroppedPairs(Findings.joined(copies), Findings.joined(doubtful), more)
    return HashProposals(pairs_found, counts)


def _pairs_beyond(
    rows: HashTable, index: Index, criteria: CopyCriteria, radius: int
) -> tuple[RowPairs, int, bool]:
    """The pairs near by `index` that are further apart than `radius` by the compared hash.

    Those that thumbnails don't clear; then how many there were, and whether there may be more.
    """
    compared = Index(rows.hashes, rows.known)
    none = RowPairs(np.empty(0, np.int64), np.empty(0, np.int64), Relation.collisions(0))
    kept, number, more = [none], 0, False
    try:
        for pairs in near_pairs(rows, index, criteria):
            distance, _ = row_distances(compared, pairs.left, compared, pairs.right)
            pairs.relation.distance[:] = distance
            seen = (pairs.relation.kind < COLLISION) | (pairs.relation.score >= DOUBT_START)
            kept.append(pairs.take(np.flatnonzero(seen & (distance > radius))))
            number += int((distance > radius).sum())
    except TooManyPairsError:
        more = True
    left, right = (np.concatenate([one[side] for one in kept]) for side in (0, 1))
    relation = Relation.joined([one.relation for one in kept])
    return RowPairs(left, right, relation), number, more


def _in_doubt(pairs: RowPairs, most: int) -> Findings:
    """Those with the highest scores of pairs that thumbnails have cleared, in like colours."""
    chosen = np.flatnonzero(pairs.relation.colour != DIFFERENT)
    highest = np.argsort(-pairs.relation.score[chosen], kind="stable")[:most]
    return _findings(pairs.take(np.sort(chosen[highest])), COLLISION)


def _findings(pairs: RowPairs, kind: int) -> Findings:
    nowhere = np.full((pairs.left.size, 4), np.nan, np.float32)
    return Findings(
        np.stack([pairs.left, pairs.right], axis=1),
        pairs.relation._replace(kind=np.full(pairs.left.size, kind, np.uint8)),
        nowhere,
        np.zeros(pairs.left.size, np.uint8),
        nowhere.copy(),
        np.zeros(pairs.left.size, np.bool_),
    )

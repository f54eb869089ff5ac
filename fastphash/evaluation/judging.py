"""Every pair that an audit could call a copy, compared with the table of true pairs."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fastphash.base.pair_keys import find_places, pair_keys
from fastphash.base.progress import Progress
from fastphash.base.vocabulary import ALTERED, COLLISION, CROPPED, DIFFERENT, IDENTICAL, NEAR
from fastphash.errors import TooManyPairsError
from fastphash.evaluation.losses import find_losses
from fastphash.evaluation.truth import Truth
from fastphash.joins.batches import find_matches
from fastphash.joins.distances import row_distances
from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches, concatenate_matches
from fastphash.store.content import Content
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import Relation, relate_matches
from fastphash.verification.findings import Findings

#: A pair is listed as true, follows from listed pairs, has the same bytes, none of these, or is
#: listed as no copies. Those before `unlisted` are right.
STATUSES = ("true", "implied", "same bytes", "unlisted", "not copies")
STATUS_TRUE, STATUS_IMPLIED, STATUS_SAME_BYTES, STATUS_UNLISTED, STATUS_NOT_COPIES = range(5)

_PAIRS_AT_ONCE = 1 << 19
# confidence in kinds above `near`, higher than every score
_SURE = 2.0


class JudgedPairs(NamedTuple):
    """The candidates, then the listed pairs that are none.

    Candidates are all pairs within the radius, then the copies found beyond it.

    Attributes
    ----------
    left, right : int64 (n,)
        Rows of the audit.
    listing : int64 (n,)
        Row of the table of true pairs, or -1.
    status : uint8 (n,)
        Index into `STATUSES`.
    accused : bool (n,)
        Whether an audit with this radius, and with these findings, calls the pair copies.
    vetoed : bool (n,)
        Whether a look at pixels said that the pair is none.
    loss : uint8 (n,)
        Why a listed pair isn't accused: index into `LOSSES`, or `NOT_LOST`.
    relation : Relation
        What was found about a pair, if anything was. Any other pair beyond the radius has the kind
        that a larger radius would give. Without thumbnails, scores are NaN.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    listing: NDArray[np.int64]
    status: NDArray[np.uint8]
    accused: NDArray[np.bool_]
    vetoed: NDArray[np.bool_]
    loss: NDArray[np.uint8]
    relation: Relation

    @classmethod
    def unlisted(cls, pairs: Matches, listing: NDArray[np.int64]) -> "JudgedPairs":
        """These pairs, with all else to be written."""
        size = pairs.left.size
        return cls(
            pairs.left,
            pairs.right,
            listing,
            np.full(size, STATUS_UNLISTED, np.uint8),
            np.empty(size, np.bool_),
            np.empty(size, np.bool_),
            np.empty(size, np.uint8),
            Relation.collisions(size),
        )

    def take(self, chosen: Any) -> "JudgedPairs":
        """The chosen pairs, given by their places or as a slice."""
        return JudgedPairs(
            self.left[chosen],
            self.right[chosen],
            self.listing[chosen],
            self.status[chosen],
            self.accused[chosen],
            self.vetoed[chosen],
            self.loss[chosen],
            self.relation.take(chosen),
        )

    @property
    def confidence(self) -> NDArray[np.float32]:
        """How likely each pair is a copy, to rank pairs: float32 (n,).

        Kinds above `near` rank first, then pairs with a score by score, then pairs without a score
        by distance. Minus infinity is for pairs that are never accused: those that pixels vetoed,
        and those in different colours, unless they were found by other means than their thumbnails
        as a whole.
        """
        kind, distance, _, score, colour, *_ = self.relation
        confidence = np.where(np.isnan(score), -1 - distance.astype(np.float32), score)
        confidence[(colour == DIFFERENT) & ~np.isin(kind, (CROPPED, ALTERED))] = -np.inf
        confidence[self.vetoed] = -np.inf
        return np.where(kind < NEAR, np.float32(_SURE), confidence).astype(np.float32)


def find_candidates(
    index: Index, findings: Findings, criteria: CopyCriteria, max_pairs: int
) -> Matches:
    """Every pair within the radius, then every pair beyond it that was found to be copies.

    Raises
    ------
    TooManyPairsError
        More than `max_pairs` are within the radius.
    """
    radius, options = criteria.radius, criteria.options
    try:
        blocks = [*find_matches(index, None, radius, max_pairs=max_pairs, options=options)]
    except TooManyPairsError as error:
        raise TooManyPairsError(error.pairs, error.limit, "a smaller `radius`") from None
    copies = findings.pairs[findings.relation.kind < COLLISION]
    left, right = np.ascontiguousarray(copies.T)
    found = Matches(left, right, *row_distances(index, left, index, right))
    return concatenate_matches([*blocks, found.take(found.distance > radius)])


def judge_pairs(
    rows: HashTable,
    candidates: Matches,
    truth: Truth,
    criteria: CopyCriteria,
    findings: Findings,
    compared: NDArray[np.bool_],
    viewed_beyond: int,
    progress: Progress,
) -> JudgedPairs:
    """Judge the candidates, and the listed pairs that are none.

    Parameters
    ----------
    rows : HashTable
    candidates : Matches
    truth : Truth
    criteria : CopyCriteria
        Which candidates the audit accuses that nothing was found about.
    findings : Findings
        About the rows. What was found counts instead of what thumbnails say, at any distance.
    compared : bool (n,)
        Rows that the audit compared: pairs of others are not accused.
    viewed_beyond : int
        Windows of images were compared where the whole images are further apart than this.
    progress : Progress
        Called with the number of pairs compared.
    """
    pairs, listing = _add_listed(Index(rows.hashes, rows.known), candidates, truth)
    not_copies = _find(pairs, truth.not_copies, len(rows))
    component = _components(rows, truth)
    content, content_row = _content_of(rows, pairs)
    judged, size = JudgedPairs.unlisted(pairs, listing), pairs.left.size
    for start in range(0, size, _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        block = pairs.take(part)
        renumbered = block._replace(left=content_row[block.left], right=content_row[block.right])
        # also scores pairs that the audit did not score
        relation = relate_matches(renumbered, content, content, criteria.min_score)
        found = _put_findings(relation, block, findings)
        vetoed = found & (relation.kind == COLLISION)
        both = compared[block.left] & compared[block.right]
        accused = found | (block.distance <= criteria.radius)
        accused &= (relation.kind < COLLISION) & both
        listed = listing[part] >= 0
        judged.relation.put(part, relation)
        judged.accused[part], judged.vetoed[part] = accused, vetoed
        judged.loss[part] = find_losses(
            relation, listed, accused, both, vetoed, criteria, viewed_beyond
        )
        status = judged.status[part]
        status[component[block.left] == component[block.right]] = STATUS_IMPLIED
        status[not_copies[part]] = STATUS_NOT_COPIES
        status[relation.kind == IDENTICAL] = STATUS_SAME_BYTES
        status[listed] = STATUS_TRUE
        progress("looking", start + block.left.size, size)
    return judged


def _content_of(rows: HashTable, pairs: Matches) -> tuple[Content, NDArray[np.int64]]:
    """Thumbnails and the like of the rows of some pairs alone, and where each row is there."""
    needed = np.zeros(len(rows), np.bool_)
    needed[pairs.left] = needed[pairs.right] = True
    return rows.take(np.flatnonzero(needed)).content, np.cumsum(needed) - 1


def _put_findings(relation: Relation, pairs: Matches, findings: Findings) -> NDArray[np.bool_]:
    """Replace the relation of the pairs that something was found about; which ones: bool (n,)."""
    known = np.zeros(pairs.left.size, np.bool_)
    if findings.size:
        places, found = findings.about(pairs.left, pairs.right)
        relation.put(places, found.relation._replace(distance=pairs.distance[places]))
        known[places] = True
    return known


def _add_listed(
    index: Index, candidates: Matches, truth: Truth
) -> tuple[Matches, NDArray[np.int64]]:
    """Candidates, then other listed pairs; and each pair's row of the truth, or -1."""
    rows = len(index)
    listing = np.full(candidates.left.size, -1)
    hashed = np.flatnonzero(truth.pairs[:, 1] < rows)
    left, right = truth.pairs[hashed, 0], truth.pairs[hashed, 1]
    place = find_places(pair_keys(candidates.left, candidates.right), pair_keys(left, right))
    within = place >= 0
    listing[place[within]] = hashed[within]
    left, right = left[~within], right[~within]
    beyond = Matches(left, right, *row_distances(index, left, index, right))
    return concatenate_matches([candidates, beyond]), np.concatenate((listing, hashed[~within]))


def _find(pairs: Matches, listed: NDArray[np.int64], rows: int) -> NDArray[np.bool_]:
    """Which pairs are among the listed ones (m, 2), of which some may have no hash: bool (n,)."""
    listed = listed[listed[:, 1] < rows]
    return np.isin(pairs.left * rows + pairs.right, listed[:, 0] * rows + listed[:, 1])


def _components(rows: HashTable, truth: Truth) -> NDArray[np.int64]:
    """The component of each image in the graph of true pairs and equal bytes: int64 (n,).

    Images without a hash come last.
    """
    distinct_row = (
        np.arange(len(rows)) if rows.digests is None else find_distinct_rows(rows.digests).of_row
    )
    rejected = len(rows) + np.arange(len(truth.rejected))
    node = np.concatenate((distinct_row, rejected))
    edges = tuple(node[truth.pairs.T])
    graph = coo_array((np.ones(len(truth.pairs), np.bool_), edges), (node.size, node.size))
    return np.asarray(connected_components(graph, directed=False)[1][node], np.int64)

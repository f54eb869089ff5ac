"""Which pairs are in doubt: thumbnails neither make sure copies of them nor clear them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.audits.findings import stand_for_copies
from fastphash.audits.looker import Looker, RowPairs
from fastphash.base.vocabulary import COLLISION, CROPPED, DIFFERENT, FADED, NEAR
from fastphash.errors import TooManyPairsError
from fastphash.joins.batches import find_matches
from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.looks.judgement import DOUBT_END, DOUBT_START
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.crops import MIN_CROPPED_SCORE, CroppedPairs
from fastphash.verification.decide_kind import Relation, relate_matches
from fastphash.verification.findings import Findings

# candidates that are scored at once, and the most of all, by image
_AT_ONCE = 1 << 17
_MOST_PER_IMAGE = 100
# pairs in doubt that are in memory, by pair that may be looked at
_HELD = 8
# score from which on the frames of near copies are the same
_SAME_FRAME = 0.65


class InDoubt(NamedTuple):
    """Pairs in doubt.

    Attributes
    ----------
    pairs : RowPairs
    closeness : float32 (n,)
        By how much the score misses the least one of copies, or is above it; of pairs that are
        alike but for their colours, by how much it misses 1; of proposed ones, their place.
    proposed : bool (n,)
        Whether each pair was proposed: these are closer than any others.
    """

    pairs: RowPairs
    closeness: NDArray[np.float32]
    proposed: NDArray[np.bool_]

    @property
    def accused(self) -> NDArray[np.bool_]:
        """Whether thumbnails make a copy of each pair."""
        return self.pairs.relation.kind < COLLISION

    @property
    def recoloured(self) -> NDArray[np.bool_]:
        """Whether each pair is alike but for its colours."""
        return _are_recoloured(self.pairs)

    @property
    def faded(self) -> NDArray[np.bool_]:
        """Whether each pair is near and faded, in frames that let its colours be compared."""
        return _are_faded_in_one_frame(self.pairs)

    @property
    def faded_somewhere(self) -> NDArray[np.bool_]:
        """Whether each pair is near and faded, in whatever frames."""
        return _are_faded(self.pairs)

    def take(self, chosen: NDArray[np.int64]) -> "InDoubt":
        """The pairs `chosen`, an index array."""
        return InDoubt(self.pairs.take(chosen), self.closeness[chosen], self.proposed[chosen])

    @classmethod
    def judge(cls, pairs: RowPairs, least: float) -> "InDoubt":
        """Those of the pairs that are in doubt, `least` being the least score of copies."""
        kind, score, colour = pairs.relation.kind, pairs.relation.score, pairs.relation.colour
        accused = ((kind == NEAR) | (kind == CROPPED)) & (score < DOUBT_END)
        cleared = (kind == COLLISION) & (score >= DOUBT_START) & (score < least)
        cleared &= colour != DIFFERENT
        recoloured = _are_recoloured(pairs) & (score >= max(least, DOUBT_START))
        chosen = np.flatnonzero(accused | cleared | recoloured | _are_faded_in_one_frame(pairs))
        # the more alike, the likelier are one picture's colours
        from_score = np.where(recoloured, np.float32(1), np.float32(least))
        closeness = np.abs(score - from_score)[chosen]
        return cls(pairs.take(chosen), closeness, np.zeros(chosen.size, np.bool_))

    @classmethod
    def propose(cls, pairs: RowPairs) -> "InDoubt":
        """Those of the proposed pairs that thumbnails don't settle, in their order."""
        kind, score, colour = pairs.relation.kind, pairs.relation.score, pairs.relation.colour
        accused = ((kind == NEAR) | (kind == CROPPED)) & (score < DOUBT_END)
        chosen = np.flatnonzero(accused | ((kind == COLLISION) & (colour != DIFFERENT)))
        places = np.arange(chosen.size, dtype=np.float32)
        return cls(pairs.take(chosen), places, np.ones(chosen.size, np.bool_))

    @classmethod
    def closest(cls, several: "list[InDoubt]", looker: Looker) -> "InDoubt":
        """Of each pair of bytes that nobody has looked at the closest call, closest first."""
        relation = Relation.joined([one.pairs.relation for one in several])
        left, right = (np.concatenate([one.pairs[side] for one in several]) for side in (0, 1))
        closeness = np.concatenate([one.closeness for one in several])
        proposed = np.concatenate([one.proposed for one in several])
        every = cls(RowPairs(left, right, relation), closeness, proposed)
        every = every.take(np.lexsort((closeness, ~proposed)))
        return every.take(looker.unseen(every.pairs))


def find_doubts(
    looker: Looker,
    criteria: CopyCriteria,
    windows: CroppedPairs,
    findings: Findings,
    proposed: "list[InDoubt]",
) -> tuple[InDoubt, bool]:
    """Find the pairs in doubt of all rows.

    Parameters
    ----------
    looker : Looker
        Of the rows. Of many pairs as many are kept as it may still look at, and all proposed ones.
    criteria : CopyCriteria
    windows : CroppedPairs
        What windows say of pairs.
    findings : Findings
        What is known about pairs: only its cropped copies can be in doubt.
    proposed : list of InDoubt
        Pairs that are in doubt before any others.

    Returns
    -------
    InDoubt
        The closest calls first, each pair of bytes once.
    bool
        Whether there may be more: so many pairs are alike that some were dropped, or not searched.
    """
    of_windows = max(MIN_CROPPED_SCORE, criteria.min_score or 0)
    known = looker.keys(*findings.pairs.T)
    every = [
        *(one.take(_are_unknown(one, looker, known)) for one in proposed),
        *(
            InDoubt.judge(RowPairs(one.pairs[:, 0], one.pairs[:, 1], one.relation), of_windows)
            for one in (findings.take(np.flatnonzero(~findings.looked)), windows.doubtful)
        ),
    ]
    many, more = sum(one.closeness.size for one in every[: len(proposed)]), windows.more
    try:
        compared = Index(looker.rows.hashes, looker.rows.known)
        for pairs in near_pairs(looker.rows, compared, criteria):
            doubts = InDoubt.judge(pairs, criteria.min_score or 0)
            every.append(doubts.take(_are_unknown(doubts, looker, known)))
            if sum(one.closeness.size for one in every) - many > _HELD * looker.left:
                closest = InDoubt.closest(every, looker)
                # the proposed ones are counted, however few may be looked at
                most = max(looker.left, int(closest.proposed.sum()))
                more |= closest.closeness.size > most
                every = [closest.take(np.arange(min(closest.closeness.size, most)))]
    except TooManyPairsError:
        more = True
    return InDoubt.closest(every, looker), more


def find_proposed(looker: Looker, findings: Findings, proposed: "list[InDoubt]") -> InDoubt:
    """The pairs in doubt that were proposed, without any others: arguments as for `find_doubts`."""
    known = looker.keys(*findings.pairs.T)
    nothing = RowPairs(np.empty(0, np.int64), np.empty(0, np.int64), Relation.collisions(0))
    every = [one.take(_are_unknown(one, looker, known)) for one in proposed]
    return InDoubt.closest([InDoubt.propose(nothing), *every], looker)


def _are_recoloured(pairs: RowPairs) -> NDArray[np.bool_]:
    kind, colour = pairs.relation.kind, pairs.relation.colour
    result: NDArray[np.bool_] = (kind == COLLISION) & (colour == DIFFERENT)
    return result


def _are_faded(pairs: RowPairs) -> NDArray[np.bool_]:
    """Whether each pair is near and faded."""
    kind, colour = pairs.relation.kind, pairs.relation.colour
    result: NDArray[np.bool_] = (kind == NEAR) & (colour == FADED)
    return result


def _are_faded_in_one_frame(pairs: RowPairs) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = _are_faded(pairs) & (pairs.relation.score >= _SAME_FRAME)
    return result


def _are_unknown(doubts: InDoubt, looker: Looker, known: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Which pairs are not among those with these keys."""
    keys = looker.keys(doubts.pairs.left, doubts.pairs.right)
    return np.flatnonzero(~np.isin(keys, known))


def near_pairs(rows: HashTable, index: Index, criteria: CopyCriteria) -> Iterator[RowPairs]:
    """All pairs within the radius, scored, in batches: one for each pair of bytes.

    `index` has hashes of the rows, by any algorithm. Rows have digests.

    Raises
    ------
    TooManyPairsError
        They are so many that only those of rows that no other row stands for were scored, or none.
    """
    assert rows.digests is not None
    first = find_distinct_rows(rows.digests).first
    try:
        yield from _score_pairs(rows, index, first, criteria)
    except TooManyPairsError:
        splits = np.unique(rows.splits, return_inverse=True)[1]
        stands = stand_for_copies(index, rows.content, criteria, splits) == np.arange(len(rows))
        yield from _score_pairs(rows, index, np.flatnonzero(stands), criteria)
        raise


def _score_pairs(
    rows: HashTable, index: Index, chosen: NDArray[np.int64], criteria: CopyCriteria
) -> Iterator[RowPairs]:
    """All pairs of the chosen rows; TooManyPairsError if there are too many."""
    content = rows.content
    # rows that were left have no pairs, and count as others do
    images = chosen.size + rows.searched - len(rows)
    most = max(_MOST_PER_IMAGE * images, _AT_ONCE)
    for batch in find_matches(
        index.take(chosen), None, criteria.radius, max_pairs=most, options=criteria.options
    ):
        matches = batch._replace(left=chosen[batch.left], right=chosen[batch.right])
        for start in range(0, matches.left.size, _AT_ONCE):
            part: Matches = matches.take(slice(start, start + _AT_ONCE))
            relation = relate_matches(part, content, content, criteria.min_score)
            yield RowPairs(part.left, part.right, relation)

"""Second looks: copies that a clean would take by default are compared at their pixels."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fastphash.audit.copies import FoundCopies
from fastphash.audit.looker import Looker, RowPairs
from fastphash.base.vocabulary import ALTERED, AUGMENTED, EXACT, SAME_PIXELS
from fastphash.looks.local_change import CHANGED
from fastphash.looks.run import Looks
from fastphash.verify.decide_kind import Relation
from fastphash.verify.findings import Findings

Search = Callable[[Findings], FoundCopies]


class LookCounts(NamedTuple):
    """How many pairs were looked at.

    Attributes
    ----------
    limit : int
        The most that were allowed.
    pairs : int
        Pairs of different pixels, each pair of files with the same bytes once, that a clean would
        take for copies by thumbnails alone.
    looked : int
        Those whose pixels were compared.
    altered : int
        Those of them that differ at a place.
    unreadable : int
        Those that could not be compared: a file is gone, has changed or can't be decoded.
    """

    limit: int
    pairs: int = 0
    looked: int = 0
    altered: int = 0
    unreadable: int = 0


def look_at_copies(
    looker: Looker, search: Search, findings: Findings, counts: LookCounts
) -> tuple[FoundCopies, Findings, LookCounts]:
    """Search for copies, and look at the pixels of those that leave no doubt by thumbnails.

    Where a place differs, a pair is `altered`, and all copies are searched for again: an image may
    now be a copy of another one, which is looked at as well.

    Parameters
    ----------
    looker : Looker
        The closest calls come first.
    search : callable
        Finds the copies among the rows, given what was found about pairs of them.
    findings : Findings
        What was found so far.
    counts : LookCounts
        Those of earlier looks, to be added to.

    Returns
    -------
    FoundCopies
    Findings
        Those given, and the pairs that are altered.
    LookCounts
    """
    copies = search(findings)
    if not looker.left:
        return copies, findings, counts
    while (pairs := _unseen_pairs(copies, looker)).left.size:
        # all that were looked at before, and those that wait
        counts = counts._replace(pairs=counts.looked + counts.unreadable + pairs.left.size)
        # the lower the score, the closer the call
        closest = np.argsort(pairs.relation.score, kind="stable")[: looker.left]
        if not closest.size:
            break
        pairs = pairs.take(closest)
        looks = looker.look(pairs)
        altered = _altered(pairs, looks)
        looked = int(looks.looked.sum())
        counts = counts._replace(
            looked=counts.looked + looked,
            altered=counts.altered + altered.size,
            unreadable=counts.unreadable + pairs.left.size - looked,
        )
        if altered.size:
            findings = Findings.joined([altered, findings])
            copies = search(findings)
    return copies, findings, counts


def _unseen_pairs(copies: FoundCopies, looker: Looker) -> RowPairs:
    """Sure copies that a clean takes by default, and those that leak, one for each pair of bytes.

    None has the same pixels. Rows are those of all that are compared.
    """
    row = np.flatnonzero(copies.sure.is_copy)
    parts = [RowPairs(row, copies.sure.keepers.keeper[row], copies.sure.relation(row))]
    parts += [RowPairs(one.needle, one.partner, one.relation) for one in copies.between]
    relation = Relation.joined([part.relation for part in parts])
    every = RowPairs(
        copies.number[np.concatenate([part.left for part in parts])],
        copies.number[np.concatenate([part.right for part in parts])],
        relation,
    )
    sure = (relation.kind == EXACT) | (relation.kind == AUGMENTED)
    every = every.take(np.flatnonzero(sure & (relation.same_pixels != SAME_PIXELS)))
    return every.take(looker.unseen(every))


def _altered(pairs: RowPairs, looks: Looks) -> Findings:
    """The pairs that differ at a place."""
    differs = looks.looked & (looks.strength >= CHANGED)
    chosen = np.flatnonzero(differs)
    relation = pairs.relation.take(chosen)
    relation.kind[:] = ALTERED
    return Findings(
        np.stack([pairs.left[chosen], pairs.right[chosen]], axis=1),
        relation,
        np.full((chosen.size, 4), np.nan, np.float32),
        np.zeros(chosen.size, np.uint8),
        looks.place[chosen],
        np.ones(chosen.size, np.bool_),
    )

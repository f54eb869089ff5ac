"""Second looks: copies that a clean would take by default are compared at their pixels."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.audits.copies import FoundCopies
from fastphash.audits.looker import Looker, RowPairs
from fastphash.base.vocabulary import ALTERED, COLLISION, DIFFERENT, SAME_PIXELS, THUMBNAIL_KINDS
from fastphash.looks.local_change import CHANGED
from fastphash.looks.table import Looks
from fastphash.verification.decide_kind import Relation
from fastphash.verification.findings import NO_FINDINGS, Findings

#: Given what was found about pairs, and the pairs that nobody can look at.
Search = Callable[[Findings, Findings], FoundCopies]


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
    recoloured : int
        Those of them that show one thing in two colours, and are no copies.
    unreadable : int
        Those that could not be compared: a file is gone, has changed or can't be decoded.
    """

    limit: int
    pairs: int = 0
    looked: int = 0
    altered: int = 0
    recoloured: int = 0
    unreadable: int = 0

    def plus(self, found: "_FoundByLooks") -> "LookCounts":
        """The same after further looks."""
        looked = found.altered.size + found.recoloured.size + found.agreeing.size
        return self._replace(
            looked=self.looked + looked,
            altered=self.altered + found.altered.size,
            recoloured=self.recoloured + found.recoloured.size,
            unreadable=self.unreadable + found.unreadable.size,
        )


class LookedFor(NamedTuple):
    """What was found about pairs of rows, and how many of them were looked at.

    Attributes
    ----------
    findings : Findings
        Cropped and altered copies, things in two colours, what decided about pairs in doubt, and
        pairs that were looked at and are copies: these have the relation that thumbnails tell.
    unreadable : Findings
        Pairs that nobody can look at.
    counts : LookCounts
    """

    findings: Findings
    unreadable: Findings
    counts: LookCounts


def look_at_copies(
    looker: Looker, search: Search, so_far: LookedFor
) -> tuple[FoundCopies, LookedFor]:
    """Search for copies, and look at the pixels of those that leave no doubt by thumbnails.

    Where a place differs, a pair is `altered`; where a thing has another colour, it is none of
    copies. Then all copies are searched for again: an image may now be a copy of another one, which
    is looked at as well. So it may be where a file is gone.

    Parameters
    ----------
    looker : Looker
        The closest calls come first.
    search : callable
        Finds the copies among the rows, given what was found about pairs of them, and the pairs
        that nobody can look at.
    so_far : LookedFor

    Returns
    -------
    FoundCopies
    LookedFor
        What was given, and what these looks add.
    """
    findings, unreadable, counts = so_far
    copies = search(findings, unreadable)
    if looker.rows.digests is None:
        return copies, so_far
    agreeing = NO_FINDINGS
    while (pairs := _unseen_pairs(copies, looker)).left.size:
        # all that were looked at before, and those that wait
        counts = counts._replace(pairs=counts.looked + counts.unreadable + pairs.left.size)
        # the lower the score, the closer the call
        closest = np.argsort(pairs.relation.score, kind="stable")[: looker.left]
        if not closest.size:
            break
        pairs = pairs.take(closest)
        looks = looker.look(pairs)
        found = _findings_of(pairs, looks)
        counts = counts.plus(found)
        agreeing = Findings.joined([agreeing, found.agreeing])
        if found.agreeing.size < pairs.left.size:
            findings = Findings.joined([found.altered, found.recoloured, findings])
            unreadable = Findings.joined([found.unreadable, unreadable])
            copies = search(findings, unreadable)
    return copies, LookedFor(Findings.joined([findings, agreeing]), unreadable, counts)


def _unseen_pairs(copies: FoundCopies, looker: Looker) -> RowPairs:
    """Sure copies that a clean takes by default, and those in results, one for each pair of bytes.

    None has the same pixels. Rows are those of all that are compared.
    """
    parts = [RowPairs(one.needle, one.partner, one.relation) for one in copies.between]
    for grouped in (copies.sure, copies.grouped):
        row = np.flatnonzero(grouped.is_copy)
        parts.append(RowPairs(row, grouped.keepers.keeper[row], grouped.relation(row)))
    relation = Relation.joined([part.relation for part in parts])
    every = RowPairs(
        copies.number[np.concatenate([part.left for part in parts])],
        copies.number[np.concatenate([part.right for part in parts])],
        relation,
    )
    sure = np.isin(relation.kind, THUMBNAIL_KINDS)
    every = every.take(np.flatnonzero(sure & (relation.same_pixels != SAME_PIXELS)))
    return every.take(looker.unseen(every))


class _FoundByLooks(NamedTuple):
    """Pairs that differ at a place, in colours, or not at all, and those nobody can look at."""

    altered: Findings
    recoloured: Findings
    agreeing: Findings
    unreadable: Findings


def _findings_of(pairs: RowPairs, looks: Looks) -> _FoundByLooks:
    recoloured = looks.looked & looks.recoloured
    altered = looks.looked & (looks.strength >= CHANGED) & ~recoloured
    found = _FoundByLooks(
        _findings(pairs, looks, altered, ALTERED),
        _findings(pairs, looks, recoloured, COLLISION),
        _findings(pairs, looks, looks.looked & ~altered & ~recoloured),
        _findings(pairs, looks, ~looks.looked, COLLISION),
    )
    found.recoloured.relation.colour[:] = DIFFERENT
    return found


def _findings(
    pairs: RowPairs, looks: Looks, chosen: NDArray[np.bool_], kind: int | None = None
) -> Findings:
    """Chosen pairs as findings, of a kind that is not the one that their thumbnails tell."""
    some = np.flatnonzero(chosen)
    relation = pairs.relation.take(some)
    if kind is not None:
        relation.kind[:] = kind
    place = looks.place[some] if kind == ALTERED else np.full((some.size, 4), np.nan, np.float32)
    return Findings(
        np.stack([pairs.left[some], pairs.right[some]], axis=1),
        relation,
        np.full((some.size, 4), np.nan, np.float32),
        np.zeros(some.size, np.uint8),
        place,
        looks.looked[some],
    )

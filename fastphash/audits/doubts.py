"""Second looks: pairs that thumbnails leave in doubt are decided by their aligned pixels."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.audits.copies import FoundCopies
from fastphash.audits.in_doubt import InDoubt, find_doubts, find_proposed
from fastphash.audits.looker import Looker, RowPairs
from fastphash.audits.looks import LookCounts, LookedFor, Search, look_at_copies
from fastphash.audits.options import AuditOptions
from fastphash.base.orientations import turn_boxes
from fastphash.base.progress import Progress
from fastphash.base.vocabulary import (
    COLLISION,
    CROPPED,
    DIFFERENT,
    INVERSE,
    NEAR,
    THUMBNAIL_KINDS,
)
from fastphash.looks.judgement import (
    DOUBT_END,
    IS_COPY,
    IS_NO_COPY,
    UNSETTLED,
    judge_doubts,
    show_one_frame,
)
from fastphash.looks.run import why_unaligned
from fastphash.looks.table import Looks
from fastphash.sources.protocol import Source
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.crops import CroppedPairs
from fastphash.verification.findings import NO_FINDINGS, Findings

# pairs of the first round of looks: one for so many images, but no fewer
_IMAGES_PER_LOOK, _LEAST_ROUND = 200, 32
# images of which some pairs will be in doubt: processes start before these are known
_MANY = 1000
#: Rounds go on while this share of the accused is vetoed, or of the others is rescued.
LEAST_VETOED, LEAST_RESCUED = 1 / 20, 1 / 8
# from this share of both pictures on, they show the same: none is a crop of the other
_WHOLE = 0.8
_INVERSE = np.array(INVERSE, np.uint8)


class DoubtCounts(NamedTuple):
    """How many pairs were in doubt, and what pixels said of them.

    Attributes
    ----------
    pairs : int
        Pairs in doubt, each pair of files with the same bytes once.
    more : bool
        Whether the bound on looks left out some that might well have been decided.
    unsearched : bool
        Whether so many pairs were alike that some of them might be in doubt, too.
    looked : int
        Those whose pixels were compared: the closest calls, until few are decided.
    vetoed : int
        Those of them that were copies by their thumbnails, and are none.
    rescued : int
        Those of them that were no copies by their thumbnails, and are some.
    unreadable : int
        Those that could not be compared: a file is gone, has changed or can't be decoded.
    unaligned : str
        Why none could be compared; empty if there was no reason.
    proposed : int
        Those of `pairs` that were proposed.
    proposed_looked, proposed_rescued : int
        Those of `looked` and of `rescued`.
    """

    pairs: int = 0
    more: bool = False
    unsearched: bool = False
    looked: int = 0
    vetoed: int = 0
    rescued: int = 0
    unreadable: int = 0
    unaligned: str = ""
    proposed: int = 0
    proposed_looked: int = 0
    proposed_rescued: int = 0


class Settled(NamedTuple):
    """What looks at pixels left of the copies.

    Attributes
    ----------
    copies : FoundCopies
    findings : Findings
        Cropped copies, altered ones, and what pixels said of pairs in doubt.
    looks : LookCounts
    doubts : DoubtCounts
    """

    copies: FoundCopies
    findings: Findings
    looks: LookCounts
    doubts: DoubtCounts

    def summary(self) -> dict[str, Any]:
        """``looks`` of summary.json."""
        return {**self.looks._asdict(), "doubts": self.doubts._asdict()}


def settle(
    looker: Looker,
    criteria: CopyCriteria,
    search: Search,
    windows: CroppedPairs,
    proposed: RowPairs | None = None,
) -> Settled:
    """Search for copies, look at the sure ones, then at pairs in doubt, as far as is allowed.

    Parameters
    ----------
    looker : Looker
    criteria : CopyCriteria
        What makes two whole images copies.
    search : callable
        Finds the copies among the rows, given what was found about pairs of them.
    windows : CroppedPairs
        What windows say of pairs.
    proposed : RowPairs, optional
        Pairs that are in doubt at any score, the first of all, if they aren't sure copies.
    """
    looked = LookedFor(windows.copies, NO_FINDINGS, LookCounts(looker.left))
    copies, looked = look_at_copies(looker, search, looked)
    decided, doubts = look_at_doubts(looker, criteria, windows, looked.findings, proposed)
    found = looked.findings
    if decided.size:
        # what thumbnails tell as well would only slow the search down
        told = np.isin(found.relation.kind, THUMBNAIL_KINDS)
        untold = found.take(np.flatnonzero(~told))
        looked = looked._replace(findings=Findings.joined([decided, untold]))
        copies, looked = look_at_copies(looker, search, looked)
        found = Findings.joined([looked.findings, found.take(np.flatnonzero(told))])
    return Settled(copies, found, looked.counts, doubts)


def look_at_doubts(
    looker: Looker,
    criteria: CopyCriteria,
    windows: CroppedPairs,
    findings: Findings,
    proposed: RowPairs | None = None,
) -> tuple[Findings, DoubtCounts]:
    """Look at the pixels of pairs in doubt, the closest calls first.

    Parameters
    ----------
    looker : Looker
    criteria : CopyCriteria
    windows : CroppedPairs
    findings : Findings
        What is known about pairs: only its cropped copies can be in doubt.
    proposed : RowPairs, optional
        See `settle`.

    Returns
    -------
    Findings
        About the pairs that were looked at: `collision` if they are no copies; if they are, `near`
        where both pictures show the same, `cropped` where one shows a part of the other. Those that
        pixels leave open are what they were.
    DoubtCounts
    """
    if not looker.rows.has_thumbnails or looker.rows.digests is None:
        return NO_FINDINGS, DoubtCounts()
    known = [] if proposed is None else [InDoubt.propose(proposed)]
    if not looker.left:
        # looks at sure copies were all that are allowed: nobody searches, but those are known
        number = find_proposed(looker, findings, known).closeness.size
        return NO_FINDINGS, DoubtCounts(number, more=number > 0, proposed=number)
    doubts, further = find_doubts(looker, criteria, windows, findings, known)
    counts = DoubtCounts(doubts.closeness.size, proposed=int(doubts.proposed.sum()))
    if not counts.pairs:
        return NO_FINDINGS, counts._replace(unsearched=further)
    if reason := why_unaligned():
        return NO_FINDINGS, counts._replace(unaligned=reason)
    # somebody asked for all that were proposed
    asked_for = np.flatnonzero(doubts.proposed)
    counts = counts._replace(more=asked_for.size > looker.left)
    found, counts = _look(looker, doubts.take(asked_for[: looker.left]), counts)
    rounds = [found]
    doubts = doubts.take(np.flatnonzero(~doubts.proposed))
    of_colours = doubts.recoloured | doubts.faded
    for accused, least in ((True, LEAST_VETOED), (False, LEAST_RESCUED)):
        # that few of one sort are decided tells nothing of the other one
        for coloured in (False, True):
            chosen = (doubts.accused == accused) & (of_colours == coloured)
            side = doubts.take(np.flatnonzero(chosen))
            several, counts = _look_in_rounds(looker, side, least, counts, further=further)
            rounds += several
    decided = Findings.joined([one.decided for one in rounds])
    return Findings.joined([decided, _as_they_were(rounds, findings)]), counts


def _look_in_rounds(
    looker: Looker, doubts: InDoubt, least: float, counts: DoubtCounts, *, further: bool
) -> tuple[list["_Round"], DoubtCounts]:
    """Look at pairs, the closest calls first, until a round decides less than the share `least`.

    Each pair that a round decides pays for ``1 / least`` looks of the next one. `further` says
    whether there may be pairs that aren't among these.
    """
    found: list[_Round] = []
    start, size = 0, first_round(looker.rows.searched)
    while start < doubts.closeness.size:
        if not looker.left:
            return found, counts._replace(more=True)
        stop = min(start + size, start + looker.left, doubts.closeness.size)
        looked, counts = _look(looker, doubts.take(np.arange(start, stop)), counts)
        found.append(looked)
        if looked.decided.size < least * (stop - start):
            return found, counts
        start, size = stop, int(looked.decided.size / least)
    left_out = further and not looker.left
    return found, counts._replace(
        more=counts.more or left_out, unsearched=counts.unsearched or further
    )


@contextlib.contextmanager
def start_looker(
    rows: HashTable,
    sources: Sequence[Source],
    criteria: CopyCriteria,
    options: AuditOptions,
    progress: Progress,
) -> Iterator[Looker]:
    """What looks at pairs of rows; of many rows, its processes start at once."""
    readers = {source.split: source.reader for source in sources}
    limit = options.looks if criteria.score_near else 0
    with Looker(rows, readers, limit, progress) as looker:
        if rows.searched >= _MANY:
            looker.prepare(first_round(rows.searched))
        yield looker


def first_round(images: int) -> int:
    """How many pairs are looked at before anything is known of what looks decide."""
    return max(_LEAST_ROUND, images // _IMAGES_PER_LOOK)


class _Round(NamedTuple):
    """What looks at pairs decided, and the accused pairs that they left as thumbnails have them."""

    decided: Findings
    left: RowPairs


def _look(looker: Looker, doubts: InDoubt, counts: DoubtCounts) -> tuple[_Round, DoubtCounts]:
    """Look at all of these pairs: what became of them, and the counts with them."""
    # of what thumbnails have cleared, only keypoints make a copy
    looks = looker.look(doubts.pairs, ~doubts.accused & ~doubts.recoloured)
    faded = doubts.faded | (doubts.faded_somewhere & show_one_frame(looks))
    verdict = judge_doubts(looks, doubts.accused, doubts.recoloured, faded)
    # of these thumbnails are believed, but for colours
    believed = doubts.faded & (doubts.pairs.relation.score >= DOUBT_END)
    verdict[believed & ~looks.recoloured] = UNSETTLED
    vetoed, rescued = (np.flatnonzero(verdict == one) for one in (IS_NO_COPY, IS_COPY))
    looked = int(looks.looked.sum())
    counts = counts._replace(
        looked=counts.looked + looked,
        vetoed=counts.vetoed + vetoed.size,
        rescued=counts.rescued + rescued.size,
        unreadable=counts.unreadable + doubts.closeness.size - looked,
        proposed_looked=counts.proposed_looked + int((doubts.proposed & looks.looked).sum()),
        proposed_rescued=counts.proposed_rescued + int(doubts.proposed[rescued].sum()),
    )
    decided = [_no_copies(doubts, looks, vetoed, faded), _copies(doubts, looks, rescued)]
    left = np.flatnonzero(doubts.accused & looks.looked & (verdict == UNSETTLED))
    return _Round(Findings.joined(decided), doubts.pairs.take(left)), counts


def _as_they_were(rounds: list[_Round], findings: Findings) -> Findings:
    """The pairs that looks left as they were: as findings say, or else their thumbnails."""
    known, others = [], []
    for pairs in (one.left for one in rounds):
        number = findings.find(pairs.left, pairs.right)
        found = findings.take(np.unique(number[number >= 0]))
        found.looked[:] = True
        known.append(found)
        others.append(_findings(pairs, pairs.relation.kind))
    # of two findings about a pair, the first one counts
    return Findings.joined([*known, *others])


def _no_copies(
    doubts: InDoubt, looks: Looks, chosen: NDArray[np.int64], faded: NDArray[np.bool_]
) -> Findings:
    found = _findings(doubts.pairs.take(chosen), np.full(chosen.size, COLLISION, np.uint8))
    found.relation.colour[(looks.recoloured & faded)[chosen]] = DIFFERENT
    return found


def _copies(doubts: InDoubt, looks: Looks, chosen: NDArray[np.int64]) -> Findings:
    """The chosen pairs, with the part of one picture that the other one shows."""
    pairs, recoloured = doubts.pairs.take(chosen), doubts.recoloured[chosen]
    in_left = turn_boxes(looks.window[chosen], _INVERSE[pairs.relation.orientation])
    in_right = looks.other_window[chosen]
    left, right = (
        np.diff(box.reshape(-1, 2, 2), axis=1).prod(axis=(1, 2)) for box in (in_left, in_right)
    )
    # thumbnails of whole images agree where only colours were in doubt
    whole = recoloured | (np.minimum(left, right) >= _WHOLE)
    found = _findings(pairs, np.where(whole, NEAR, CROPPED).astype(np.uint8))
    found.window_of[:] = right < left
    found.window[:] = np.where((right < left)[:, None], in_right, in_left)
    found.window[whole] = np.nan
    found.relation.colour[recoloured] = looks.colour[chosen][recoloured]
    return found


def _findings(pairs: RowPairs, kind: NDArray[np.uint8]) -> Findings:
    """What pixels say of pairs, without windows and places."""
    nowhere = np.full((kind.size, 4), np.nan, np.float32)
    return Findings(
        np.stack([pairs.left, pairs.right], axis=1),
        pairs.relation._replace(kind=kind),
        nowhere,
        np.zeros(kind.size, np.uint8),
        nowhere.copy(),
        np.ones(kind.size, np.bool_),
    )

"""Second looks: copies that a clean would take by default are compared at their pixels."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.audit.copies import FoundCopies
from fastphash.audit.look_tasks import RowPairs, look_tasks
from fastphash.base.pair_keys import pair_keys
from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import ALTERED, AUGMENTED, EXACT, SAME_PIXELS
from fastphash.joins.distinct import find_distinct_rows
from fastphash.looks.local_change import CHANGED
from fastphash.looks.run import Looks, look_at_pairs
from fastphash.sources.protocol import Reader
from fastphash.store.rows import HashTable
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
    rows: HashTable,
    readers: Mapping[str, Reader],
    search: Search,
    findings: Findings,
    limit: int,
    progress: Progress = no_progress,
) -> tuple[FoundCopies, Findings, LookCounts]:
    """Search for copies, and look at the pixels of those that leave no doubt by thumbnails.

    Where a place differs, a pair is `altered`, and all copies are searched for again: an image may
    now be a copy of another one, which is looked at as well.

    Parameters
    ----------
    rows : HashTable
        All that are compared.
    readers : mapping of str to Reader
        For the images of each split.
    search : callable
        Finds the copies among the rows, given what was found about pairs of them.
    findings : Findings
        What was found so far.
    limit : int
        The most pairs to look at; the closest calls come first.
    progress : Progress

    Returns
    -------
    FoundCopies
    Findings
        Those given, and the pairs that are altered.
    LookCounts
    """
    copies, counts = search(findings), LookCounts(limit)
    if not limit or rows.digests is None:
        return copies, findings, counts
    digest_of = find_distinct_rows(rows.digests).of_row
    seen = np.empty(0, np.uint64)
    while (pairs := _unseen_pairs(copies, digest_of, seen)).left.size:
        counts = counts._replace(pairs=seen.size + pairs.left.size)
        # the lower the score, the closer the call
        closest = np.argsort(pairs.relation.score, kind="stable")[: limit - seen.size]
        if not closest.size:
            break
        pairs = pairs.take(closest)
        seen = np.concatenate([seen, pair_keys(digest_of[pairs.left], digest_of[pairs.right])])
        looks = look_at_pairs(look_tasks(rows, readers, pairs), progress=progress)
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


def _unseen_pairs(
    copies: FoundCopies, digest_of: NDArray[np.int64], seen: NDArray[np.uint64]
) -> RowPairs:
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
    keys = pair_keys(digest_of[every.left], digest_of[every.right])
    _, first = np.unique(keys, return_index=True)
    return every.take(first[~np.isin(keys[first], seen)])


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

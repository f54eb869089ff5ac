"""Which pairs are copies: by kind, as it was found if it was, unless a decision says otherwise."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fastphash.base.pair_keys import find_places, pair_keys
from fastphash.base.vocabulary import (
    COLLISION,
    EXACT,
    FURTHEST,
    NEAR,
    SAME_PIXELS,
    THUMBNAIL_KINDS,
    UNVERIFIED,
)
from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.index import Index
from fastphash.results.decisions import Resolved
from fastphash.store.rows import HashTable
from fastphash.verification.comparison import Comparison
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import decide_kinds
from fastphash.verification.findings import NO_FINDINGS, Findings
from fastphash.verification.flatness import flat_rows
from fastphash.verification.looked_pairs import LookedPairs


class KnownLabels(Protocol):
    """What is known of the labels of rows, by the numbers of the rows in the decisions."""

    @property
    def folder(self) -> NDArray[np.int64]:
        """Number of each row's class folder."""

    @property
    def level(self) -> NDArray[np.uint8]:
        """How far each row is labelled."""

    def known_apart(self, stays: NDArray[np.int64], goes: NDArray[np.int64]) -> NDArray[np.uint8]:
        """What keeps a row from going for another: uint8 (n,), 0 for nothing."""


class CopyRule:
    """Two rows are copies if their kind is allowed, unless a decision says otherwise.

    Parameters
    ----------
    ranked : HashTable
        All rows; a call names rows by their places in this table.
    number : int64 (n,)
        The number of each of these rows in the decisions.
    allowed : bool (len(KINDS),)
        Whether pairs of each kind are copies.
    decided : Resolved
    criteria : CopyCriteria
        The largest distance and the least score of kind `near`.
    labels : KnownLabels, optional
        Rows whose labels are known to disagree are no copies.
    findings : Findings
        About rows of different bytes, by the same numbers. The kind of a finding replaces the one
        that thumbnails tell, and holds at any distance.
    looked : LookedPairs, optional
        By the same numbers. If given, pairs of `THUMBNAIL_KINDS` are copies only if they were
        compared at their pixels, or have the same pixels. Findings hold for all rows of the same
        contents then.
    """

    def __init__(
        self,
        ranked: HashTable,
        number: NDArray[np.int64],
        allowed: NDArray[np.bool_],
        decided: Resolved,
        criteria: CopyCriteria,
        labels: KnownLabels | None = None,
        findings: Findings = NO_FINDINGS,
        looked: LookedPairs | None = None,
    ) -> None:
        self._criteria = criteria
        self._looked = looked
        self._ranked = ranked
        self._allowed = allowed
        self._number = number
        self._labels = labels
        self._decided = np.concatenate([decided.copies, decided.not_copies])
        self._findings = findings
        self._confirmed = decided.copies
        self._copies = pair_keys(*decided.copies.T)
        self._not_copies = pair_keys(*decided.not_copies.T)

    def __call__(
        self,
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        distance: NDArray[np.uint8],
        comparison: Comparison,
    ) -> NDArray[np.bool_]:
        """Whether rows left[i] and right[i] are copies: bool (n,)."""
        content = self._ranked.content
        same_bytes = content.same_bytes(left, content, right)
        kind = decide_kinds(distance, comparison, same_bytes, self._criteria.min_score)
        furthest = np.where(kind >= COLLISION, 0, self._criteria.radius)
        if self._findings.size:
            found = self._findings.find(self._number[left], self._number[right])
            known = found >= 0
            kind[known] = self._findings.relation.kind[found[known]]
            # what was found to be no copy can only be asked for as a collision: equal hashes
            furthest[known] = np.where(kind[known] >= COLLISION, 0, FURTHEST)
        copies: NDArray[np.bool_] = self._allowed[kind] & (distance <= furthest)
        if self._looked is not None:
            alike = comparison.same_pixels == SAME_PIXELS
            copies &= alike | self._looked_at(kind, self._number[left], self._number[right])
        if self._decided.size:
            keys = pair_keys(self._number[left], self._number[right])
            copies |= np.isin(keys, self._copies)
            copies &= ~np.isin(keys, self._not_copies)
        return copies & self._labels_agree(left, right)

    def extra_pairs(self) -> NDArray[np.int64]:
        """Pairs of rows that are copies at any distance, int64 (m, 2): decided, or found."""
        found = self._findings.relation.kind
        allowed = self._allowed[found] & (found < COLLISION)
        allowed &= self._looked_at(found, *self._findings.pairs.T)
        pairs = np.concatenate([self._confirmed, self._findings.pairs[allowed]])
        places = find_places(self._number, pairs.reshape(-1)).reshape(-1, 2)
        kept = (places >= 0).all(axis=1) & ~np.isin(pair_keys(*pairs.T), self._not_copies)
        left, right = np.ascontiguousarray(places[kept].T)
        return places[kept][self._labels_agree(left, right)]

    def _looked_at(
        self, kind: NDArray[np.uint8], one: NDArray[np.int64], other: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether pairs of these kinds need no look, or had one: bool (n,). Rows by `number`."""
        if self._looked is None:
            return np.ones(kind.size, np.bool_)
        return ~np.isin(kind, THUMBNAIL_KINDS) | self._looked.has(one, other)

    def _labels_agree(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether labels are not known to disagree, bool (n,)."""
        if self._labels is None:
            return np.ones(left.size, np.bool_)
        # rows are in order of priority: of two the first stays
        stays, goes = np.minimum(left, right), np.maximum(left, right)
        apart = self._labels.known_apart(self._number[stays], self._number[goes])
        return np.asarray(apart == 0)

    def searched(self) -> NDArray[np.bool_] | None:
        """Rows that can be copies of rows unlike them, bool (n,); None if all can be.

        Flat pictures are copies only of the same pixels, unless collisions are allowed, or
        something was decided about one of them, or found, which tells it apart from its equals.
        """
        content = self._ranked.content
        if self._allowed[COLLISION] or content.thumbnails is None:
            return None
        flat = flat_rows(content)
        judged = np.isin(self._number, self._decided)
        judged |= np.isin(self._number, self._findings.pairs)
        searched = ~flat | judged
        for digests in (self._ranked.digests, self._ranked.evidence.pixel_digests):
            if digests is not None:
                searched |= np.isin(digests[:, 0], digests[flat & searched, 0])
        return searched

    def distinguish_by(self) -> list[NDArray[np.uint64]]:
        """Columns by row, which differ between rows that may be no copies despite equal thumbnails.

        Two rows with equal hashes and thumbnails may be no copies if there is a decision about
        one of them, or a finding, unless they have the same bytes; if their bytes differ and kind
        `exact` isn't allowed, or only where somebody looked; or if their labels can disagree.
        """
        decided_rows = np.zeros((self._number.size, 1), np.uint64)
        rows = np.flatnonzero(np.isin(self._number, self._decided))
        decided_rows[rows, 0] = rows + 1
        columns = [decided_rows]
        if self._findings.size:
            columns.append(self._contents_found())
        if self._labels is not None:
            labels = self._labels.folder[self._number], self._labels.level[self._number]
            columns += [column.astype(np.uint64)[:, None] for column in labels]
        digests = self._ranked.digests
        if digests is not None and not (self._allowed[EXACT] and self._ranked.columns[1]):
            columns.append(digests)
        elif self._looked is not None:
            columns.append(self._looked.digests[self._number])
        return columns

    def _contents_found(self) -> NDArray[np.uint64]:
        """A number for the bytes of each row that something was found about: uint64 (n, 1).

        0 for other rows.
        """
        rows = np.flatnonzero(np.isin(self._number, self._findings.pairs))
        numbers = np.zeros((self._number.size, 1), np.uint64)
        numbers[rows, 0] = rows + 1
        if self._ranked.digests is not None:
            same = find_distinct_rows(np.ascontiguousarray(self._ranked.digests[rows]))
            numbers[rows, 0] = same.of_row + 1
        return numbers

    def is_confirmed(self, row: NDArray[np.int64], keeper: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a decision says that each row is a copy of its keeper: bool (n,)."""
        return np.isin(pair_keys(self._number[row], self._number[keeper]), self._copies)


def search_index(
    rows: HashTable,
    allowed: NDArray[np.bool_],
    decided: Resolved,
    findings: Findings,
    looked: LookedPairs | None = None,
) -> Index:
    """What to join rows by to find their copies, beside those of `CopyRule.extra_pairs`.

    Hashes; but where only rows of the same bytes or pixels can be copies, these: any number of
    images may share a hash by chance.
    """
    if rows.digests is None or _allows_other_bytes(rows, allowed, decided, findings, looked):
        return Index(rows.hashes, rows.known)
    by_pixels = rows.pixel_digests.any(axis=1) & allowed[EXACT]
    return Index(np.where(by_pixels, rows.pixel_digests[:, 0], rows.digests[:, 0]))


def _allows_other_bytes(
    rows: HashTable,
    allowed: NDArray[np.bool_],
    decided: Resolved,
    findings: Findings,
    looked: LookedPairs | None,
) -> bool:
    """Whether images of different bytes and pixels can be copies by their hashes."""
    if allowed[[NEAR, COLLISION, UNVERIFIED]].any():
        return True
    if looked is not None:
        # copies by look, by decision or by what was found are extra pairs
        return False
    by_thumbnail = rows.columns[1] and bool(allowed[list(THUMBNAIL_KINDS)].any())
    return by_thumbnail or bool(decided.copies.size or findings.size)

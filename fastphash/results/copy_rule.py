"""Which pairs are copies: by kind, unless a decision says otherwise."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fastphash.base.pair_keys import pair_keys
from fastphash.base.vocabulary import AUGMENTED, COLLISION, EXACT, NEAR, UNVERIFIED
from fastphash.joins.distances import row_distances
from fastphash.joins.index import Index
from fastphash.results.decisions import Resolved
from fastphash.store.rows import HashTable
from fastphash.verify.comparison import Comparison
from fastphash.verify.criteria import CopyCriteria
from fastphash.verify.decide_kind import decide_kinds
from fastphash.verify.flatness import flat_rows


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
    """

    def __init__(
        self,
        ranked: HashTable,
        number: NDArray[np.int64],
        allowed: NDArray[np.bool_],
        decided: Resolved,
        criteria: CopyCriteria,
        labels: KnownLabels | None = None,
    ) -> None:
        self._criteria = criteria
        self._ranked = ranked
        self._allowed = allowed
        self._number = number
        self._labels = labels
        self._decided = np.concatenate([decided.copies, decided.not_copies])
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
        copies: NDArray[np.bool_] = self._allowed[kind] & (distance <= furthest)
        if self._decided.size:
            keys = pair_keys(self._number[left], self._number[right])
            copies |= np.isin(keys, self._copies)
            copies &= ~np.isin(keys, self._not_copies)
        if self._labels is not None:
            # rows are in order of priority: of two the first stays
            stays, goes = np.minimum(left, right), np.maximum(left, right)
            copies &= self._labels.known_apart(self._number[stays], self._number[goes]) == 0
        return copies

    def searched(self) -> NDArray[np.bool_] | None:
        """Rows that can be copies of rows unlike them, bool (n,); None if all can be.

        Flat pictures are copies only of the same pixels, unless collisions are allowed or somebody
        decided about one of them, which tells it apart from its equals.
        """
        content = self._ranked.content
        if self._allowed[COLLISION] or content.thumbnails is None:
            return None
        flat = flat_rows(content)
        searched = ~flat | np.isin(self._number, self._decided)
        for digests in (self._ranked.digests, self._ranked.evidence.pixel_digests):
            if digests is not None:
                searched |= np.isin(digests[:, 0], digests[flat & searched, 0])
        return searched

    def distinguish_by(self) -> list[NDArray[np.uint64]]:
        """Columns by row, which differ between rows that may be no copies despite equal thumbnails.

        Two rows with equal hashes and thumbnails may be no copies if there is a decision about
        one of them, if their bytes differ and kind `exact` isn't allowed, or if their labels can
        disagree.
        """
        decided_rows = np.zeros((self._number.size, 1), np.uint64)
        rows = np.flatnonzero(np.isin(self._number, self._decided))
        decided_rows[rows, 0] = rows + 1
        columns = [decided_rows]
        if self._labels is not None:
            labels = self._labels.folder[self._number], self._labels.level[self._number]
            columns += [column.astype(np.uint64)[:, None] for column in labels]
        digests = self._ranked.digests
        if digests is not None and not (self._allowed[EXACT] and self._ranked.columns[1]):
            columns.append(digests)
        return columns

    def is_confirmed(self, row: NDArray[np.int64], keeper: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a decision says that each row is a copy of its keeper: bool (n,)."""
        return np.isin(pair_keys(self._number[row], self._number[keeper]), self._copies)


def radius_with_decided(index: Index, copies: NDArray[np.int64], radius: int) -> int:
    """The radius, or the distance of the furthest pair that is a copy by decision if that is more.

    `copies` holds pairs of rows of the index, int64 (n, 2).
    """
    left, right = np.ascontiguousarray(copies.T)
    distance, _ = row_distances(index, left, index, right)
    return max(radius, int(distance.max(initial=0)))


def allows_other_bytes(rows: HashTable, allowed: NDArray[np.bool_], decided: Resolved) -> bool:
    """Whether images of different bytes can be copies at all."""
    kinds = [NEAR, COLLISION, UNVERIFIED, *([EXACT, AUGMENTED] if rows.columns[1] else [])]
    return bool(decided.copies.size or allowed[kinds].any())

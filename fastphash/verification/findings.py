"""Findings: how pairs relate whose kind hashes and thumbnails of whole images can't tell.

Windows of images and their pixels tell it. A finding holds at any distance, also beyond the radius.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.orientations import turn_boxes
from fastphash.base.pair_keys import find_places, pair_keys
from fastphash.base.vocabulary import INVERSE
from fastphash.joins.distinct import find_distinct_rows
from fastphash.verification.decide_kind import Relation

# pairs of files of the same bytes that are each written down: 400 MB while they are made
_MOST_PAIRS = 1 << 21
_INVERSE = np.array(INVERSE, np.uint8)


class Findings(NamedTuple):
    """How the two rows of some pairs relate, whatever their thumbnails alone would say.

    Attributes
    ----------
    pairs : int64 (n, 2)
        Rows below 2**32. Each pair is there once, the lower row first, and pairs ascend; but those
        of `between` and `reversed` have a needle first.
    relation : Relation
        Of each pair, the first row turned into the frame of the second. The distance is that of
        the whole images' hashes.
    window : float32 (n, 4)
        The part of one image that the other one shows: left, top, right and bottom as shares of its
        width and height. NaN where neither image is a part of the other.
    window_of : uint8 (n,)
        0 if the window is in the first row's image, 1 if it is in the second's.
    place : float32 (n, 4)
        Where the two differ: left, top, right and bottom as shares of the second image's width and
        height. NaN where no place is known.
    looked : bool (n,)
        Whether pixels were compared.
    """

    pairs: NDArray[np.int64]
    relation: Relation
    window: NDArray[np.float32]
    window_of: NDArray[np.uint8]
    place: NDArray[np.float32]
    looked: NDArray[np.bool_]

    @classmethod
    def joined(cls, several: "Sequence[Findings]") -> "Findings":
        """All findings, as `pairs` wants them; of several about one pair the first."""
        every = _concatenated([NO_FINDINGS, *several])
        turned = np.flatnonzero(every.pairs[:, 0] > every.pairs[:, 1])
        every.put(turned, every.take(turned).reversed())
        _, first = np.unique(every.keys, return_index=True)
        return every.take(first)

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.pairs)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """`pair_keys` of the pairs, uint64 (n,)."""
        return pair_keys(*self.pairs.T)

    def take(self, chosen: NDArray[np.int64]) -> "Findings":
        """A copy of the chosen ones."""
        return Findings(
            self.pairs[chosen],
            self.relation.take(chosen),
            self.window[chosen],
            self.window_of[chosen],
            self.place[chosen],
            self.looked[chosen],
        )

    def put(self, chosen: NDArray[np.int64], others: "Findings") -> None:
        """Replace the chosen ones."""
        self.relation.put(chosen, others.relation)
        for column, values in zip(_columns(self), _columns(others), strict=True):
            column[chosen] = values

    def reversed(self) -> "Findings":
        """The same, in this order, of the pairs turned round."""
        turns = _INVERSE[self.relation.orientation]
        return Findings(
            np.ascontiguousarray(self.pairs[:, ::-1]),
            self.relation._replace(orientation=turns),
            self.window,
            1 - self.window_of,
            self._places_in_first(turns),
            self.looked,
        )

    def among(self, rows: NDArray[np.int64]) -> "Findings":
        """Those about two of these rows, by their places in `rows`."""
        places = find_places(rows, self.pairs.reshape(-1)).reshape(-1, 2)
        both = np.flatnonzero((places >= 0).all(axis=1))
        return Findings.joined([self.take(both)._replace(pairs=places[both])])

    def spread(self, digests: NDArray[np.uint64] | None) -> "Findings":
        """The same about all pairs of rows with the bytes of these rows; none about equal bytes.

        Or with the pixels of these rows, if `digests` are equal for these.

        Of several about the same bytes the first holds. The pairs are two million at most, those of
        the fewest rows first. Of bytes that more rows have, it holds for the pairs with the first
        row of either side.

        Parameters
        ----------
        digests : uint64 (rows, k), optional
            Of all rows; without them nothing is spread.
        """
        if digests is None or not self.size:
            return self
        of_row = find_distinct_rows(digests).of_row
        left, right = of_row[self.pairs].T
        _, first = np.unique(pair_keys(left, right), return_index=True)
        own = self.take(np.sort(first[left[first] != right[first]]))
        number, pairs = _pairs_of_equals(own.pairs, of_row)
        return Findings.joined([own.take(number)._replace(pairs=pairs), own])

    def between(self, needles: NDArray[np.int64], haystack: NDArray[np.int64]) -> "Findings":
        """Those about one of `needles` and one of `haystack`, by their places in these.

        The needle comes first in each pair. If both rows are in both, there are two pairs of them.
        """
        found = []
        for way in (self, self.reversed()):
            left, right = way.pairs.T
            places = np.stack([find_places(needles, left), find_places(haystack, right)], axis=1)
            both = np.flatnonzero((places >= 0).all(axis=1))
            found.append(way.take(both)._replace(pairs=places[both]))
        every = _concatenated(found)
        return every.take(np.lexsort(every.pairs.T[::-1]))

    def find(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of the finding about each pair of rows, in any order; -1 without one."""
        return find_places(self.keys, pair_keys(left, right))

    def about(
        self, left: NDArray[np.int64], right: NDArray[np.int64]
    ) -> "tuple[NDArray[np.int64], Findings]":
        """Those about some of these pairs of rows.

        Returns
        -------
        int64 (m,)
            The pairs, by their places, that there are findings about.
        Findings
            Of each of these, with its left row first.
        """
        number = self.find(left, right)
        pairs = np.flatnonzero(number >= 0)
        found = self.take(number[pairs])
        turned = np.flatnonzero(found.pairs[:, 0] != left[pairs])
        found.put(turned, found.take(turned).reversed())
        return pairs, found

    def _places_in_first(self, turns: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The places as shares of the first images, into whose frames `turns` brings the second."""
        window = np.where(np.isnan(self.window), _WHOLE, self.window)
        in_second = (self.window_of == 1)[:, None]
        place = np.where(in_second, _inside(self.place, window), self.place)
        place = turn_boxes(place, turns)
        place = np.where(in_second, place, _outside(place, window))
        return place.astype(np.float32)


#: Where nothing was found.
NO_FINDINGS = Findings(
    np.empty((0, 2), np.int64),
    Relation.collisions(0),
    np.empty((0, 4), np.float32),
    np.empty(0, np.uint8),
    np.empty((0, 4), np.float32),
    np.empty(0, np.bool_),
)

_WHOLE = np.array([0, 0, 1, 1], np.float32)


def _inside(boxes: NDArray[np.float32], windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes of images as shares of windows of these: cut off where a window ends."""
    corner, size = windows[:, [0, 1, 0, 1]], np.diff(windows.reshape(-1, 2, 2), axis=1)
    return np.clip((boxes - corner) / np.tile(size[:, 0], 2), 0, 1)


def _outside(boxes: NDArray[np.float32], windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes that are shares of windows, as shares of the whole images."""
    corner, size = windows[:, [0, 1, 0, 1]], np.diff(windows.reshape(-1, 2, 2), axis=1)
    return corner + boxes * np.tile(size[:, 0], 2)


def _pairs_of_equals(
    pairs: NDArray[np.int64], of_row: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of rows that equal the two of each pair.

    Parameters
    ----------
    pairs : int64 (n, 2)
    of_row : int64 (rows,)
        The same number for equal rows.

    Returns
    -------
    int64 (m,)
        Which pair each one is like.
    int64 (m, 2)
    """
    order = np.argsort(of_row, kind="stable")
    first = np.searchsorted(of_row[order], of_row[pairs])
    counts = np.searchsorted(of_row[order], of_row[pairs], "right") - first
    sizes, fewer = counts.prod(axis=1), counts.sum(axis=1)
    smallest = np.argsort(sizes, kind="stable")
    all_pairs = sizes <= fewer
    all_pairs[smallest[np.cumsum(sizes[smallest]) <= _MOST_PAIRS]] = True
    number = np.repeat(np.arange(len(pairs)), np.where(all_pairs, sizes, fewer))
    place = np.arange(number.size) - np.searchsorted(number, number)
    left, right = counts[number].T
    every = all_pairs[number]
    steps = np.stack(
        [
            np.where(every, place // right, np.where(place < left, place, 0)),
            np.where(every, place % right, np.maximum(place - left, 0)),
        ],
        axis=1,
    )
    return number, order[first[number] + steps]


def _columns(findings: Findings) -> tuple[NDArray[Any], ...]:
    """All but the relation, which has columns of its own."""
    return findings.pairs, *findings[2:]


def _concatenated(several: Sequence[Findings]) -> Findings:
    columns: Iterable[tuple[NDArray[Any], ...]] = zip(*map(_columns, several), strict=True)
    pairs, *others = (np.concatenate(column) for column in columns)
    return Findings(pairs, Relation.joined([one.relation for one in several]), *others)

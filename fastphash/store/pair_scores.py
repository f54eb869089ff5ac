"""Scores of pairs of thumbnails that were compared before."""

import numpy as np
from numpy.typing import NDArray

# pairs that are remembered, at most, each of 13 bytes
_MOST = 1 << 21
# rows of which pairs are: two of them and eight bits are one number
_ROW_BITS = 28


class PairScores:
    """What `fastphash.verification.similarity` found, by pairs of thumbnails.

    Calibration, leaks, groups and doubts of an audit ask for the same pairs. The first ones are
    remembered, as many as there is room for.

    Parameters
    ----------
    most : int
        Pairs that are remembered.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        # ascending
        self._keys = np.empty(0, np.uint64)
        self._orientation = np.empty(0, np.uint8)
        self._score = np.empty(0, np.float32)

    def find(
        self, left: NDArray[np.int64], right: NDArray[np.int64], mask: NDArray[np.uint8]
    ) -> tuple[NDArray[np.bool_], NDArray[np.uint8], NDArray[np.float32]]:
        """Which pairs are known, bool (n,), and of all pairs orientation and score; 0 for others.

        Parameters
        ----------
        left, right : int64 (n,)
            The two thumbnails of each pair.
        mask : uint8 (n,)
            The orientations that were tried.
        """
        if not (left.size and self._keys.size):
            nothing = np.zeros(left.size, np.uint8)
            return np.zeros(left.size, np.bool_), nothing, nothing.astype(np.float32)
        keys = _keys(left, right, mask)
        place = np.minimum(np.searchsorted(self._keys, keys), self._keys.size - 1)
        # larger rows would be taken for others
        known = (self._keys[place] == keys) & ((left | right) >> _ROW_BITS == 0)
        return known, self._orientation[place] * known, self._score[place] * known

    def add(
        self,
        pairs: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]],
        orientation: NDArray[np.uint8],
        score: NDArray[np.float32],
    ) -> None:
        """Remember pairs that aren't known, as `find` names them."""
        if not pairs[0].size or max(int(rows.max()) for rows in pairs[:2]) >> _ROW_BITS:
            return
        keys, first = np.unique(_keys(*pairs), return_index=True)
        room = max(self._most - self._keys.size, 0)
        keys, first = keys[:room], first[:room]
        places = np.searchsorted(self._keys, keys)
        self._keys = np.insert(self._keys, places, keys)
        self._orientation = np.insert(self._orientation, places, orientation[first])
        self._score = np.insert(self._score, places, score[first])


def _keys(
    left: NDArray[np.int64], right: NDArray[np.int64], mask: NDArray[np.uint8]
) -> NDArray[np.uint64]:
    """One number for each pair and its orientations, uint64 (n,)."""
    return ((left << _ROW_BITS | right) << 8 | mask).astype(np.uint64)

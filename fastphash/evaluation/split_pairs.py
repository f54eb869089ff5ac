"""Which pairs of splits a table of true pairs covers: pairs of images in others aren't judged."""

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.evaluation.truth import Truth
from fastphash.store.rows import HashTable


class SplitPairs(NamedTuple):
    """The unordered pairs of splits, a split with itself among them, and which are judged.

    Attributes
    ----------
    names : sequence of str
        The splits of the audit, in its order.
    of_row : int64 (n,)
        The split of each row.
    listed : int64 (s, s)
        How many pairs of images the table lists, copies or not; the lower split first.
    judged : bool (s, s)
        Symmetric.
    """

    names: Sequence[str]
    of_row: NDArray[np.int64]
    listed: NDArray[np.int64]
    judged: NDArray[np.bool_]

    def are_judged(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the pair of rows left[i] and right[i] is judged: bool (n,)."""
        judged: NDArray[np.bool_] = self.judged[self.of_row[left], self.of_row[right]]
        return judged

    def summary(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> list[dict[str, Any]]:
        """Each pair of splits, for JSON; `candidates` of it are among the pairs of these rows."""
        candidates = _count(self.of_row[left], self.of_row[right], len(self.names))
        return [
            {
                "splits": [self.names[a], self.names[b]],
                "judged": bool(self.judged[a, b]),
                "listed": int(self.listed[a, b]),
                "candidates": int(candidates[a, b]),
            }
            for a, b in combinations_with_replacement(range(len(self.names)), 2)
        ]


def covered_split_pairs(
    rows: HashTable, splits: Sequence[str], truth: Truth, *, complete: bool = False
) -> SplitPairs:
    """The pairs of splits of which the truth lists a pair of images, copies or not.

    Parameters
    ----------
    rows : HashTable
    splits : sequence of str
        Those of the audit.
    truth : Truth
    complete : bool
        Whether the truth lists all copies, so that all pairs of splits are judged.
    """
    number = {name: i for i, name in enumerate(splits)}
    of_row = np.array([number[split] for split in rows.splits.tolist()], np.int64)
    of_rejected = np.array([number[split] for split, _ in truth.rejected], np.int64)
    of_image = np.concatenate((of_row, of_rejected))
    pairs = np.concatenate((truth.pairs, truth.not_copies))
    left, right = of_image[pairs.T]
    listed = _count(left, right, len(splits))
    return SplitPairs(splits, of_row, listed, (listed + listed.T > 0) | complete)


def _count(left: NDArray[np.int64], right: NDArray[np.int64], splits: int) -> NDArray[np.int64]:
    """How many pairs there are of each two splits, the lower first: int64 (splits, splits)."""
    key = np.minimum(left, right) * splits + np.maximum(left, right)
    return np.bincount(key, minlength=splits * splits).reshape(splits, splits)

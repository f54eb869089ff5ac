"""Rows to groups by their hashes alone."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.defaults import MIN_QUALITY
from fastphash.groups.grouping import Grouping, find_keepers
from fastphash.joins.given import check_given, given_hashes, leave_out_poor
from fastphash.joins.index import check_radius
from fastphash.store.content import Content
from fastphash.verification.criteria import CopyCriteria


class Groups(NamedTuple):
    """Which group each row is in.

    Attributes
    ----------
    label : int64 (n,)
        Number of the group; groups are in the order of their keepers, and a row without copies is
        a group by itself.
    keeper : int64 (n,)
        Row that stays: the first of its group.
    """

    label: NDArray[np.int64]
    keeper: NDArray[np.int64]


def group(
    hashes: Any,
    radius: int = 0,
    *,
    hash: str | None = None,
    min_quality: int = MIN_QUALITY,
    grouping: Grouping = "star",
) -> Groups:
    """Group rows by their hashes alone.

    Parameters
    ----------
    hashes : array, table or store
        As for `join`, in order of priority: of two copies the earlier stays. With orientations,
        rotated and mirrored copies are found too.
    radius : int
        The largest Hamming distance of two copies, 0 to 64 bits; to 255 for hashes of 256 bits.
    hash : str, optional
        As for `join`.
    min_quality : int
        As for `join`; a row that isn't compared is a group by itself.
    grouping : {"star", "components"}
        star: each row joins the first keeper within the radius, or becomes a keeper.
        components: rows that chains of pairs within the radius connect are one group.

    Raises
    ------
    UsageError
        The radius or quality is out of range, the grouping is unknown, the array has another dtype
        or shape, or the table no hashes.
    StoreError
        The store holds no hashes, or is damaged.

    Warns
    -----
    UserWarning
        A table or store has hashes of the upright orientation alone, or of too little quality.

    Examples
    --------
    >>> import numpy as np
    >>> group(np.array([5, 7, 5], np.uint64)).keeper.tolist()
    [0, 1, 0]
    >>> group(np.array([0, 1, 3], np.uint64), radius=1).keeper.tolist()
    [0, 0, 2]
    >>> group(np.array([0, 1, 3], np.uint64), radius=1, grouping="components").keeper.tolist()
    [0, 0, 0]
    """
    given = given_hashes(hashes, hash)
    check_given(given)
    check_radius(radius, given.hashes.bits)
    rows = len(given.hashes)
    given = leave_out_poor(given, None, min_quality)
    found = find_keepers(given.hashes, Content(), CopyCriteria(radius), grouping=grouping)
    keeper = np.arange(rows)
    keeper[given.numbered(np.arange(found.size))] = given.numbered(found)
    number = np.cumsum(keeper == np.arange(keeper.size)) - 1
    return Groups(number[keeper], keeper)

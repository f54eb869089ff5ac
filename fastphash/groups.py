"""Rows to groups of copies, each with its keeper."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.joins import Classes, Index, check_hashes, check_radius, collapse
from fastphash.kernels import agree
from fastphash.thumbnail import SIDE, turned_indices
from fastphash.words import INVERSE, ORIENTATIONS


class Groups(NamedTuple):
    """Which group each row is in.

    Attributes
    ----------
    label : int64 (n,)
        Number of the group, counted in the order of keepers; a row without copies has its own.
    keeper : int64 (n,)
        Row that stays: the first of its group.
    """

    label: NDArray[np.int64]
    keeper: NDArray[np.int64]


class Stars(NamedTuple):
    """Each row against its keeper, itself for a keeper.

    Attributes
    ----------
    keeper : int64 (n,)
    agrees : bool (n,)
        Whether the thumbnails were compared and agree.
    orientation : uint8 (n,)
        Of the row: what turns it into its keeper's frame.
    score : float32 (n,)
        Correlation of the thumbnails; NaN where they are unknown.
    """

    keeper: NDArray[np.int64]
    agrees: NDArray[np.bool_]
    orientation: NDArray[np.uint8]
    score: NDArray[np.float32]


def group(hashes: Any, radius: int = 0) -> Groups:
    """Group rows by their hashes alone: each joins the first keeper within reach, or becomes one.

    Parameters
    ----------
    hashes : uint64 (n,) or (n, 8)
        In order of priority: of two copies the earlier stays. With orientations, rotated and
        mirrored copies are within reach.
    radius : int
        Bits; only 0 in this version.

    Examples
    --------
    >>> import numpy as np
    >>> group(np.array([5, 7, 5], np.uint64)).keeper.tolist()
    [0, 1, 0]
    """
    check_radius(radius)
    keeper = stars(Index(check_hashes(hashes))).keeper
    number = np.cumsum(keeper == np.arange(keeper.size)) - 1
    return Groups(number[keeper], keeper)


def stars(index: Index, thumbnails: NDArray[np.uint8] | None = None) -> Stars:
    """Let each row, in order, join the first keeper whose hash and thumbnail it shares.

    Parameters
    ----------
    index : Index
        Rows in order of priority.
    thumbnails : uint8 (n, 1024), optional
        Without them equal hashes are within reach.
    """
    classes = collapse(index.hashes, *([] if thumbnails is None else [thumbnails]))
    return _spread(classes, _class_stars(classes, index, thumbnails))


def _class_stars(classes: Classes, index: Index, thumbnails: NDArray[np.uint8] | None) -> Stars:
    first = classes.first
    compared = np.empty((0, SIDE * SIDE), np.uint8) if thumbnails is None else thumbnails[first]
    found = Stars(
        np.empty(first.size, np.int64),
        np.empty(first.size, np.bool_),
        np.empty(first.size, np.uint8),
        np.empty(first.size, np.float32),
    )
    agree.star_groups(
        _ranks(index.hashes[first], index.known),
        compared,
        turned_indices(),
        np.array(INVERSE, np.uint8),
        *found,
    )
    return found


def _ranks(hashes: NDArray[np.uint64], known: tuple[int, ...]) -> NDArray[np.int32]:
    """The place of every hash among the sorted identity hashes, -1 where it is none of them."""
    ranks = np.full((hashes.shape[0], len(ORIENTATIONS)), -1, np.int32)
    values, ranks[:, 0] = np.unique(hashes[:, 0], return_inverse=True)
    for t in known[1:]:
        place = np.searchsorted(values, hashes[:, t])
        place[place == values.size] = 0
        ranks[:, t] = np.where(values[place] == hashes[:, t], place, -1)
    return ranks


def _spread(classes: Classes, found: Stars) -> Stars:
    """From classes of equal rows to rows: all of a class join what its first row joins."""
    of_row = classes.of_row
    keeper = classes.first[found.keeper[of_row]]
    return Stars(keeper, found.agrees[of_row], found.orientation[of_row], found.score[of_row])

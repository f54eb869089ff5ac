"""Pairs of hashes within a Hamming radius, exact and complete, and groups by hashes alone.

The search is in memory, or on the disk where a caller names a folder for it.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.paths import Name, given_path
from fastphash.defaults import MAX_PAIRS, MIN_QUALITY
from fastphash.external.disk_search import DiskSearch
from fastphash.external.scratch import check_folder
from fastphash.groups.grouping import Grouping, find_keepers
from fastphash.joins.batches import find_matches
from fastphash.joins.given import Given, check_given, given_hashes, leave_out_poor
from fastphash.joins.index import check_radius
from fastphash.joins.matches import Matches, concatenate_matches, first_orientation
from fastphash.joins.options import JoinOptions, join_options
from fastphash.store.content import Content
from fastphash.verification.criteria import CopyCriteria


class Pairs(NamedTuple):
    """Pairs of rows, ordered by (left, right).

    Attributes
    ----------
    left, right : int64 (n,)
    distance : uint8 (n,)
        Bits; that of a hash of 256 bits and its complement counts as 255.
    orientation : uint8 (n,)
        Index into `fastphash.ORIENTATIONS` of the one that turns `left` into the frame of `right`.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    distance: NDArray[np.uint8]
    orientation: NDArray[np.uint8]


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


def join(
    needles: Any,
    haystack: Any,
    radius: int = 0,
    *,
    hash: str | None = None,
    min_quality: int = MIN_QUALITY,
    max_pairs: int = MAX_PAIRS,
    memory: int | None = None,
    scratch: Name | None = None,
) -> Pairs:
    """Every pair of a needle and a haystack row within a Hamming radius.

    With orientations on both sides the distance of a pair (a, b) is the least over T of
    ``min(d(hash_T(a), hash(b)), d(hash(a), hash_T^-1(b)))``, and ties go to the first T.

    Parameters
    ----------
    needles, haystack : array, table or store
        An array uint64 (n,) or, as `phash_orientations` gives them, (n, 8); of 256 bits (n, 4) or
        (n, 8, 4), the word of the first bits first; what `hash_images` returns; a ``pyarrow.Table``
        with a column such as phash or pdq (uint64, hex digits or bytes) and, for rotated and
        mirrored copies, those of the other orientations; the path of a store or of a Parquet file
        of such columns, followed by ``@SPLIT`` for one split. Rows are numbered in this order.
    radius : int
        Bits, 0 to 64; to 255 for hashes of 256 bits.
    hash : str, optional
        The hash to compare, such as ``"dhash"`` or ``"pdq"``, where tables and stores have several;
        by default their first. An array must have as many bits.
    min_quality : int
        The least quality of PDQ hashes of tables and stores, 0 to 100: flat pictures have hashes of
        noise, and are compared only if a row of the other side has their bytes (column digest).
    max_pairs : int
        The most pairs to return.
    memory : int, optional
        Bytes that the search may take beyond hashes and pairs: half of what is free by default, and
        100 MiB at least.
    scratch : path, optional
        Search on the disk, in this folder, which is made and removed: for more than 65,536 hashes
        of 64 bits. The hashes themselves stay in memory, unless an array is a ``numpy.memmap``.
        What was found, a run after one that was killed goes on with.

    Raises
    ------
    UsageError
        No such radius, hash or quality, too little memory, arrays of another dtype or shape, hashes
        of 64 bits on one side and of 256 on the other, tables without hashes, nothing there, or no
        room on the disk.
    DefinitionError
        The hashes of two tables or stores are of different algorithms, or were made in different
        ways.
    StoreError
        A store or file holds no hashes, or is damaged.
    TooManyPairsError
        More than `max_pairs`.

    Warns
    -----
    UserWarning
        Only tables or stores are compared, and they have hashes of the upright orientation alone.
        Arrays say so by their shape. Or rows are left out for the quality of their hashes.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = join(np.array([7, 5], np.uint64), np.array([5, 6, 5], np.uint64), radius=1)
    >>> list(zip(pairs.left.tolist(), pairs.right.tolist(), pairs.distance.tolist()))
    [(0, 0, 1), (0, 1, 1), (0, 2, 1), (1, 0, 0), (1, 2, 0)]
    """
    left, right = given_hashes(needles, hash), given_hashes(haystack, hash)
    check_given(left, right)
    check_radius(radius, max(left.hashes.bits, right.hashes.bits))
    needles = leave_out_poor(left, right, min_quality)
    haystack = leave_out_poor(right, left, min_quality)
    with _using(memory, scratch) as options:
        matches = find_matches(
            needles.hashes, haystack.hashes, radius, max_pairs=max_pairs, options=options
        )
        return _as_pairs(matches, needles, haystack)


def self_join(
    hashes: Any,
    radius: int = 0,
    *,
    hash: str | None = None,
    min_quality: int = MIN_QUALITY,
    max_pairs: int = MAX_PAIRS,
    memory: int | None = None,
    scratch: Name | None = None,
) -> Pairs:
    """Every pair i < j of rows within a Hamming radius; otherwise as `join`."""
    given = given_hashes(hashes, hash)
    check_given(given)
    check_radius(radius, given.hashes.bits)
    given = leave_out_poor(given, None, min_quality)
    with _using(memory, scratch) as options:
        matches = find_matches(given.hashes, None, radius, max_pairs=max_pairs, options=options)
        return _as_pairs(matches, given, given)


def group(
    hashes: Any,
    radius: int = 0,
    *,
    hash: str | None = None,
    min_quality: int = MIN_QUALITY,
    grouping: Grouping = "star",
    memory: int | None = None,
    scratch: Name | None = None,
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
    memory, scratch : optional
        As for `join`.

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
    with _using(memory, scratch) as options:
        criteria = CopyCriteria(radius, options=options)
        found = find_keepers(given.hashes, Content(), criteria, grouping=grouping)
    keeper = np.arange(rows)
    keeper[given.numbered(np.arange(found.size))] = given.numbered(found)
    number = np.cumsum(keeper == np.arange(keeper.size)) - 1
    return Groups(number[keeper], keeper)


@contextlib.contextmanager
def _using(memory: int | None, scratch: Name | None) -> Iterator[JoinOptions]:
    """What a search may use, as callers say it."""
    options = join_options(memory)
    if scratch is None:
        yield options
        return
    folder = given_path(scratch)
    check_folder(folder)
    with DiskSearch(folder, everything=True) as disk:
        yield replace(options, disk=disk)


def _as_pairs(batches: Iterator[Matches], needles: Given, haystack: Given) -> Pairs:
    left, right, distance, mask = concatenate_matches(list(batches))
    left, right = needles.numbered(left), haystack.numbered(right)
    return Pairs(left, right, distance, first_orientation(mask))

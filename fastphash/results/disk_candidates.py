"""Rows to be grouped of which a join on the disk said that they may have copies."""

import logging
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fastphash.base.machine import free_memory
from fastphash.errors import TooManyPairsError, UsageError
from fastphash.external.join import DiskJoin
from fastphash.external.scratch import Scratch, check_space, show_bytes
from fastphash.external.store_stream import StoreStream
from fastphash.external.streams import HashStream
from fastphash.groups.grouping import Grouping, filter_pairs
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.results.alone import NeedsAllRowsError, RowCheck
from fastphash.results.disk_groups import DiskGroups
from fastphash.results.groups import GroupedRows, group_rows
from fastphash.results.priority import priority
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria

# what a row takes while it is grouped, each of its hashes, its colours, and its thumbnail
# unless that is of a store: those are in a file
_ROW_BYTES = 400
_HASH_BYTES = 24
_COLOUR_BYTES = 200
_THUMBNAIL_BYTES = 1300
# the most pairs of rows that are grouped on the disk, by row: in a crowd each may be near each
_MOST_PAIRS = 32
_LEAST_PAIRS = 1 << 20
# the part of the memory that rows may take together
_SHARE = 1
# what a row takes on the disk meanwhile, in times of its bytes in memory
_TIMES_WRITTEN = 2
# the part of the memory for thumbnails of pairs that are compared at once
_SEEN_SHARE = 1 / 8

_log = logging.getLogger(__name__)


def group_candidates(
    stream: HashStream,
    join: DiskJoin,
    scratch: Scratch,
    split_order: Sequence[str],
    criteria: CopyCriteria,
    grouping: Grouping,
) -> GroupedRows | DiskGroups:
    """The groups of the rows of a stream, in memory or on the disk: all of their pieces are equal.

    Those on the disk are for rows that may have a copy, where these don't fit into the memory.
    Where each of a crowd is near each, or rows say too little by themselves, they are in memory.

    Parameters
    ----------
    stream : HashStream
    join : DiskJoin
        Of the stream with itself.
    scratch : Scratch
        Of the join; it is used until the last of the pieces is taken.
    split_order : sequence of str
        As of `fastphash.results.priority.order_splits`.
    criteria : CopyCriteria
    grouping : {"star", "components"}

    Raises
    ------
    UsageError
        Rows that must be in memory are too many, or the disk has no room.
    """
    partnered = join.partnered(scratch)
    each = _bytes_of_row(stream) + (_THUMBNAIL_BYTES if stream.has_thumbnails else 0)
    if partnered.size * each > criteria.options.memory * _SHARE:
        needed = partnered.size * each * _TIMES_WRITTEN
        check_space(scratch, needed)
        _log.info(
            "%s images may have a copy: more than fit into the memory, so that they are put in "
            "order on the disk, in up to %s.",
            f"{partnered.size:,}",
            show_bytes(needed),
        )
        limited = join.limited_to(_MOST_PAIRS * partnered.size + _LEAST_PAIRS)
        copies = copies_of_stream(stream, limited.matches(scratch), criteria)
        try:
            with scratch.naming_full_disk():
                return DiskGroups(scratch, stream, copies, split_order, criteria, grouping, each)
        except (TooManyPairsError, NeedsAllRowsError):
            _log.info("These are grouped in memory: they are crowded, or partly unknown.")
    ranked = look_up_candidates(stream, partnered, split_order)
    return group_rows(ranked, criteria, grouping)


def copies_of_stream(
    stream: HashStream, matches: Iterable[Matches], criteria: CopyCriteria
) -> Iterator[NDArray[np.int64]]:
    """The pairs of rows of a stream that are copies: int64 (n, 2), some at a time.

    All are where there are no thumbnails. Otherwise those of pairs are read, some at a time.

    Raises
    ------
    NeedsAllRowsError
        What is known of a row depends on all others.
    """
    check = RowCheck(stream)
    seen = 2 * (_THUMBNAIL_BYTES + _COLOUR_BYTES)
    at_once = max(int(criteria.options.memory * _SEEN_SHARE) // seen, 1)
    for block in matches:
        if not stream.has_thumbnails:
            yield np.stack([block.left, block.right], axis=1)
            continue
        for start in range(0, block.left.size, at_once):
            some = block.take(slice(start, start + at_once))
            pairs = np.stack([some.left, some.right], axis=1)
            rows, places = np.unique(pairs, return_inverse=True)
            left, right = np.ascontiguousarray(places.reshape(-1, 2).T)
            table = stream.take(rows)
            check.add(table)
            some = some._replace(left=left, right=right)
            index = Index(table.hashes, table.known)
            copies = filter_pairs(some, index, table.content, criteria)
            yield np.stack([rows[copies.left], rows[copies.right]], axis=1)


def look_up_candidates(
    stream: HashStream, rows: NDArray[np.int64], split_order: Sequence[str]
) -> HashTable:
    """Some rows of a stream, in order of priority.

    Parameters
    ----------
    stream : HashStream
    rows : int64 (n,)
        Those that may be within the radius of another, ascending.
    split_order : sequence of str
        As of `fastphash.results.priority.order_splits`.

    Raises
    ------
    UsageError
        They are too many for the memory that is free.
    """
    each = _bytes_of_row(stream)
    if stream.has_thumbnails and not isinstance(stream, StoreStream):
        each += _THUMBNAIL_BYTES
    needed, free = rows.size * each, free_memory()
    if needed > free:
        raise UsageError(
            f"{rows.size:,} of {len(stream):,} images may have a copy: to group them takes about "
            f"{needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free"
        )
    found = stream.take(rows)
    return found.take(priority(found, split_order))


def _bytes_of_row(stream: HashStream) -> int:
    """What a row takes while it is grouped, less its thumbnail."""
    each = _ROW_BYTES + _HASH_BYTES * len(stream.known)
    return each + _COLOUR_BYTES if stream.has_thumbnails else each

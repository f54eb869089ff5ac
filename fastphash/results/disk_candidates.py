"""Rows to be grouped of which a join on the disk said that they may have copies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastphash.base.machine import free_memory
from fastphash.errors import UsageError
from fastphash.external.store_stream import StoreStream
from fastphash.external.streams import HashStream
from fastphash.results.priority import priority
from fastphash.store.rows import HashTable

# what a row takes while it is grouped, each of its hashes, its colours, and its thumbnail
# unless that is of a store: those are in a file
_ROW_BYTES = 400
_HASH_BYTES = 24
_COLOUR_BYTES = 200
_THUMBNAIL_BYTES = 1300


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
    each = _ROW_BYTES + _HASH_BYTES * len(stream.known)
    if stream.has_thumbnails:
        each += _COLOUR_BYTES + (0 if isinstance(stream, StoreStream) else _THUMBNAIL_BYTES)
    needed, free = rows.size * each, free_memory()
    if needed > free:
        raise UsageError(
            f"{rows.size:,} of {len(stream):,} images may have a copy: to group them takes about "
            f"{needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free"
        )
    found = stream.take(rows)
    return found.take(priority(found, split_order))

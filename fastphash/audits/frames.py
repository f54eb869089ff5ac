"""Hashes of whole images that windows are compared with."""

import numpy as np

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.hashing.algorithms import PHASH
from fastphash.hashing.stored_thumbnails import hash_stored_thumbnails
from fastphash.joins.index import Index
from fastphash.store.rows import HashTable


def find_frames(rows: HashTable) -> Index:
    """The phash of each row, which that of a window is compared with, in the known orientations.

    Rows that are compared by another algorithm may have it stored; otherwise it is made from their
    thumbnails, which they must have.
    """
    if PHASH.name in rows.algorithms:
        stored = rows if rows.algorithm == PHASH else rows.compared_by(PHASH.name)
        return Index(stored.hashes, stored.known)
    # what is compared later is read now
    thumbnails = rows.appearance.placed(rows.appearance.thumbnails)
    assert thumbnails is not None
    turned = len(rows.known) > 1
    hashes = hash_stored_thumbnails(thumbnails, orientations=turned)
    known = rows.known if hashes.shape[1] == len(ORIENTATIONS) else (0,)
    return Index(np.ascontiguousarray(hashes), known)

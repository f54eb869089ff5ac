"""Batches put together, and files hashed by an executor."""

import os

import numpy as np

from fastphash.ingest.batch import Batch
from fastphash.ingest.executor import hash_entries
from fastphash.sources.local import LocalReader
from fastphash.sources.protocol import Entry

#: Lists of a batch with an entry for each row.
ROW_LISTS = (
    "paths",
    "stamps",
    "digests",
    "formats",
    "shapes",
    "multiframe",
    "chroma",
    "evidence",
)


def reader(folder):
    """What reads files below a folder."""
    return LocalReader(os.fsencode(folder))


def hash_all(executor, folder, names):
    """One batch of the files of these names."""
    return merge(list(hash_entries(executor, reader(folder), map(Entry, names))))


def merge(batches):
    """One batch with the rows of several, in order."""
    whole = Batch()
    for batch in batches:
        for name in ROW_LISTS:
            getattr(whole, name).extend(getattr(batch, name))
        whole.rejected += batch.rejected
        whole.skipped += batch.skipped
        whole.unchanged |= batch.unchanged
    full = [batch for batch in batches if batch.paths]
    if full:
        whole.hashes = {
            name: np.concatenate([batch.hashes[name] for batch in full]) for name in full[0].hashes
        }
        whole.qualities = {
            name: np.concatenate([batch.qualities[name] for batch in full])
            for name in full[0].qualities
        }
        whole.thumbnails = np.concatenate([batch.thumbnails for batch in full])
    return whole

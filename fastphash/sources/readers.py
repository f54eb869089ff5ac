"""Readers of splits that were hashed before."""

from fastphash.sources.local import LocalReader
from fastphash.sources.protocol import Reader


def reader_at(root: bytes) -> Reader:
    """The reader for a root that a store remembers: a folder, so far."""
    return LocalReader(root)

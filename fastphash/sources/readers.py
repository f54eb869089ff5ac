"""Readers of splits that were hashed before."""

from collections.abc import Mapping
from typing import Any

from fastphash.sources.local import LocalReader
from fastphash.sources.member_reader import ContainerReader
from fastphash.sources.origins import origin_of
from fastphash.sources.protocol import Reader
from fastphash.sources.remote.address import is_remote
from fastphash.sources.remote.objects import ObjectReader


def reader_at(root: bytes, stored: Mapping[str, Any] | None = None) -> Reader:
    """The reader for a split that a store remembers: its root, and its origin if it has one."""
    origin = origin_of(stored)
    if origin is None and is_remote(root):
        return ObjectReader(root)
    if origin is not None:
        return ContainerReader(root, origin.image_column)
    return LocalReader(root)

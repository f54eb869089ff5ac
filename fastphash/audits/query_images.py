"""The images of a query: files, members of containers, and all members of some."""

import os
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby, islice
from typing import NamedTuple

from fastphash.ingest.batch import Rejection
from fastphash.sources.container_source import ContainerSource, list_container
from fastphash.sources.containers import is_container
from fastphash.sources.local import LocalReader
from fastphash.sources.member_paths import SEPARATOR, split_path
from fastphash.sources.member_reader import ContainerReader
from fastphash.sources.protocol import Reader, TaskReader
from fastphash.sources.remote.address import is_remote
from fastphash.sources.remote.objects import ObjectReader

# images hashed at once
_AT_ONCE = 64
_FILE, _OBJECT, _MEMBER, _CONTAINER = range(4)


class QueryImages(NamedTuple):
    """Images to hash at once.

    Attributes
    ----------
    reader : TaskReader
    paths : list of bytes
    named : bool
        Whether each was named, so that it should be an image.
    """

    reader: TaskReader
    paths: list[bytes]
    named: bool


def query_images(
    names: Iterable[bytes], image_column: str | None, rejected: list[Rejection]
) -> Iterator[QueryImages]:
    """Images by their names, in this order; a container that can't be listed is `rejected`."""
    containers = ContainerReader(b"", image_column)
    readers: dict[int, Reader] = {
        _FILE: LocalReader(b""),
        _OBJECT: ObjectReader(b""),
        _MEMBER: containers,
    }
    for kind, several in groupby(names, partial(_kind_of, image_column)):
        if kind == _CONTAINER:
            for name in several:
                yield from _all_members(name, containers, rejected)
            continue
        while paths := list(islice(several, _AT_ONCE)):
            yield QueryImages(readers[kind], paths, named=True)


def _all_members(
    name: bytes, reader: ContainerReader, rejected: list[Rejection]
) -> Iterator[QueryImages]:
    source = ContainerSource("", b"", (name,), reader.image_column, hidden=True)
    listing = list_container(b"", name, reader.image_column)
    if listing.problem:
        rejected.append(Rejection(name, "list", listing.problem))
    if listing.stamp is None:
        return
    members = (entry for entry in source.entries_of(name, listing) if entry.member)
    while some := list(islice(members, _AT_ONCE)):
        paths = [entry.path for entry in some]
        yield QueryImages(reader.for_task(some), paths, named=False)


def _kind_of(image_column: str | None, name: bytes) -> int:
    if is_remote(name):
        if is_container(name, image_column):
            return _CONTAINER
        loose = _OBJECT
    elif os.path.isfile(name):
        return _CONTAINER if is_container(name, image_column) else _FILE
    else:
        loose = _FILE
    is_inside = SEPARATOR in name and is_container(split_path(name)[0], image_column)
    return _MEMBER if is_inside else loose

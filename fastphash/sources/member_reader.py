"""Readers of the members of containers."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import xxhash

from fastphash.base.paths import leaves_folder
from fastphash.errors import ImageError
from fastphash.images.sniff import SNIFFED, promises_image, sniff
from fastphash.sources.containers.format import ContainerError, Member
from fastphash.sources.member_paths import split_path
from fastphash.sources.open_containers import container_stamp, opened, reason_of
from fastphash.sources.protocol import UNKNOWN_SIZE, Entry, OutsideError, Stamp
from fastphash.sources.remote.address import below, is_remote

_CHANGED = "the container changed after it was listed: hash again"


class ContainerReader(NamedTuple):
    """Finds members of containers by their paths.

    Attributes
    ----------
    root : bytes
        Absolute folder; paths of containers are relative to it, or absolute.
    image_column : str or None
        Column of Parquet files with the images.
    """

    root: bytes
    image_column: str | None = None

    def for_task(self, entries: Sequence[Entry]) -> "MemberReader":
        """A reader of listed members of one container."""
        stamp = entries[0].stamp
        assert stamp is not None
        places = {
            entry.path: (entry.member.offset, entry.member.size)
            for entry in entries
            if entry.member
        }
        return MemberReader(self, stamp, places)

    def read(self, path: bytes) -> tuple[bytes | None, Stamp]:
        """As of `Reader`: none if neither the name nor the first bytes are an image's."""
        try:
            data, stamp = self._read(path)
        except OSError as error:
            raise ImageError("read", reason_of(error)) from error
        return _if_image(path, data), stamp._replace(size=len(data))

    def stamp(self, path: bytes) -> Stamp:
        """The stamp of the container as it is now, of unknown size; errors are those of `Reader`.

        The container isn't opened: as long as it is as it was, so are its members.
        """
        container, _ = split_path(path)
        return container_stamp(below(self.root, container))._replace(size=UNKNOWN_SIZE)

    def read_hashed(self, path: bytes, size: int, *, follow_links: bool = True) -> bytes:  # noqa: ARG002 - members are no links
        """As of `Reader`."""
        return self._read(path)[0][: size + 1]

    def digest(self, path: bytes) -> bytes:
        """As of `Reader`."""
        digest: bytes = xxhash.xxh3_128_digest(self._read(path)[0])
        return digest

    def find_members(self, container: bytes, names: Iterable[bytes]) -> list[bytes]:
        """Those of some names that members of a container have; none if it can't be read."""
        try:
            with opened(below(self.root, container), self.image_column) as found:
                return [name for name in names if found.has(name)]
        except (OSError, ContainerError):
            return []

    def resolve(self, path: bytes) -> bytes:
        """The path itself: a link to a container was named, or found by a pattern, on purpose."""
        container, _ = split_path(path)
        is_whole = os.path.isabs(container) or is_remote(container)
        if not is_whole and leaves_folder(container):
            raise OutsideError
        return path

    def _read(self, path: bytes) -> tuple[bytes, Stamp]:
        container, name = split_path(path)
        try:
            with opened(below(self.root, container), self.image_column) as found:
                return found.read_named(name), found.stamp
        except ContainerError as error:
            raise OSError(str(error)) from error


class MemberReader:
    """Reads listed members of one container, one after the other: what a worker needs of them.

    Parameters
    ----------
    reader : ContainerReader
    stamp : Stamp
        Of the container when it was listed.
    places : mapping of bytes to tuple of int
        Offset and size of each member, as of `Member`, by path, in the order of reading.
    """

    def __init__(
        self, reader: ContainerReader, stamp: Stamp, places: Mapping[bytes, tuple[int, int]]
    ) -> None:
        self._reader = reader
        self._stamp = stamp
        self._places = places
        self._coming: Iterator[tuple[bytes, bytes | ImageError]] | None = None

    def read(self, path: bytes) -> tuple[bytes | None, Stamp]:
        """As of `Reader`; quick if paths come in the order of `places`."""
        try:
            data = self._next(path)
        except (OSError, ContainerError) as error:
            raise ImageError("read", reason_of(error)) from error
        if isinstance(data, ImageError):
            raise data
        return _if_image(path, data), self._stamp._replace(size=len(data))

    def _next(self, path: bytes) -> bytes | ImageError:
        """The bytes of a member: the next one, or else from there on."""
        if self._coming is not None:
            found, data = next(self._coming, (b"", b""))
            if found == path:
                return data
        self._coming = self._read_from(path)
        return next(self._coming)[1]

    def _read_from(self, path: bytes) -> Iterator[tuple[bytes, bytes | ImageError]]:
        if path not in self._places:
            raise FileNotFoundError(2, "not in the container any more")
        paths = list(self._places)
        paths = paths[paths.index(path) :]
        container = split_path(path)[0]
        members = [Member(split_path(one)[1], b"", *self._places[one]) for one in paths]
        name = below(self._reader.root, container)
        with opened(name, self._reader.image_column) as found:
            if found.stamp != self._stamp:
                raise ImageError("read", _CHANGED)
            content = found.read_images(members)
        # a worker has one thread: the container stays its own
        yield from zip(paths, content, strict=True)


def _if_image(path: bytes, data: bytes) -> bytes | None:
    """The bytes of a member, or none if neither the name nor the first bytes are an image's.

    A row of a Parquet file is an image by the column it is in.
    """
    container, name = split_path(path)
    promised = container.lower().endswith(b".parquet") or promises_image(name)
    return data if promised or sniff(data[:SNIFFED]) else None

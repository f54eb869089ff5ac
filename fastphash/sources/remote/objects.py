"""Loose objects in a bucket, as a split: listed once a thousand, fetched many at a time."""

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import xxhash

from fastphash.base.paths import leaves_folder
from fastphash.errors import ImageError, RemoteError
from fastphash.images.sniff import SNIFFED, promises_image, sniff
from fastphash.sources.hidden import is_hidden
from fastphash.sources.name_patterns import ALL_NAMES, NamePatterns
from fastphash.sources.protocol import Entry, OutsideError, Stamp
from fastphash.sources.remote.address import below, is_remote
from fastphash.sources.remote.client import (
    Fetched,
    ReplacedError,
    fetch,
    list_objects,
    request_threads,
    stamp_of,
)

# objects that a task asks for before their turn, and their bytes
_AT_ONCE = 48
_BYTES_AHEAD = 64 << 20
# objects are fetched as a whole only up to here, those named like images up to the larger size: of
# others the first bytes decide
_SMALL, _LARGE = 1 << 16, 64 << 20


@dataclass(frozen=True, slots=True)
class ObjectSource:
    """One split of objects in a bucket.

    Attributes
    ----------
    split : str
    root : bytes
        Address that the names of all objects begin with, without a slash behind it.
    hidden : bool
        Whether objects that are hidden, or below hidden names, belong to it.
    patterns : NamePatterns
        What is left out by name.
    """

    split: str
    root: bytes
    hidden: bool = False
    patterns: NamePatterns = ALL_NAMES

    @property
    def listed(self) -> bool:
        """False: all that lies there belongs to it."""
        return False

    @property
    def containers_to_list(self) -> None:
        """None: objects are loose."""

    @property
    def given(self) -> None:
        """None: objects are read where they lie."""

    @property
    def reader(self) -> "ObjectReader":
        """Reads the objects."""
        return ObjectReader(self.root)

    def entries(self, avoid: Path | None = None) -> Iterator[Entry]:  # noqa: ARG002 - no folder
        """Every object in the order of the bucket, that of its bytes.

        Raises
        ------
        RemoteError
            The bucket can't be listed to its end, or has nothing there.
        """
        is_empty = True
        for path, stamp in list_objects(self.root):
            is_empty = False
            if not self.hidden and any(map(is_hidden, path.split(b"/"))):
                yield Entry(path, hidden=True)
            elif self.patterns.leave_out(path):
                yield Entry(path, hidden=True, excluded=True)
            else:
                yield Entry(path, stamp=stamp)
        if is_empty:
            raise RemoteError(f"nothing lies below {os.fsdecode(self.root)!r}: is its name right?")


class ObjectReader(NamedTuple):
    """Reads objects by their paths.

    Attributes
    ----------
    root : bytes
        Address; paths are relative to it, or addresses themselves.
    """

    root: bytes

    def for_task(self, entries: Sequence[Entry]) -> "ObjectTaskReader":
        """A reader that fetches these objects ahead."""
        return ObjectTaskReader(self.root, {entry.path: entry.stamp for entry in entries})

    def read(self, path: bytes) -> tuple[bytes | None, Stamp]:
        """As of `Reader`."""
        try:
            return fetch_image(below(self.root, path), None)
        except OSError as error:
            raise _image_error(error) from error

    def stamp(self, path: bytes) -> Stamp:
        """As of `Reader`: its size and ETag."""
        return stamp_of(below(self.root, path))

    def read_hashed(self, path: bytes, size: int, *, follow_links: bool = True) -> bytes:  # noqa: ARG002 - objects are no links
        """As of `Reader`."""
        return fetch(below(self.root, path), span=(0, size + 1)).data

    def digest(self, path: bytes) -> bytes:
        """As of `Reader`."""
        digest: bytes = xxhash.xxh3_128_digest(fetch(below(self.root, path)).data)
        return digest

    def resolve(self, path: bytes) -> bytes:
        """The path itself: an object is no link."""
        if not is_remote(path) and leaves_folder(path):
            raise OutsideError
        return path


class ObjectTaskReader:
    """Reads the objects of one task: while one is hashed, the next are on their way.

    Parameters
    ----------
    root : bytes
    stamps : mapping of bytes to Stamp or None
        Of each object when it was listed, by path, in the order of reading.
    """

    def __init__(self, root: bytes, stamps: Mapping[bytes, Stamp | None]) -> None:
        self._root = root
        self._stamps = dict(stamps)
        self._ahead: _Ahead | None = None

    def read(self, path: bytes) -> tuple[bytes | None, Stamp]:
        """As of `Reader`; one that was replaced since it was listed is read as it is now."""
        if self._ahead is None:
            self._ahead = _Ahead(self._root, self._stamps)
        try:
            return self._ahead.take(path)
        except OSError as error:
            raise _image_error(error) from error


class _Ahead:
    """Objects that are on their way."""

    def __init__(self, root: bytes, stamps: Mapping[bytes, Stamp | None]) -> None:
        self._root = root
        self._stamps = stamps
        self._rest = iter(stamps)
        self._coming: OrderedDict[bytes, Future[tuple[bytes | None, Stamp]]] = OrderedDict()
        self._bytes = 0

    def take(self, path: bytes) -> tuple[bytes | None, Stamp]:
        """An object, once it has come; those before it that nobody took are given up."""
        self._request()
        while self._coming:
            found, answer = self._coming.popitem(last=False)
            self._bytes -= self._size(found)
            if found == path:
                return answer.result()
            answer.cancel()
            self._request()
        raise FileNotFoundError(2, "not among the objects of this task")

    def _request(self) -> None:
        while len(self._coming) < _AT_ONCE and (not self._coming or self._bytes < _BYTES_AHEAD):
            path = next(self._rest, None)
            if path is None:
                return
            name = below(self._root, path)
            self._coming[path] = request_threads().submit(fetch_image, name, self._stamps[path])
            self._bytes += self._size(path)

    def _size(self, path: bytes) -> int:
        stamp = self._stamps[path]
        return 0 if stamp is None else stamp.size


def fetch_image(name: bytes, listed: Stamp | None) -> tuple[bytes | None, Stamp]:
    """The bytes and the stamp of an object; no bytes if it isn't named or begins like an image.

    Of a large one that is only named like an image these are the first bytes. One request for what
    is named like an image and not large, or small.
    """
    promised = promises_image(name)
    if listed is not None and listed.size > (_LARGE if promised else _SMALL):
        head = _fetch(name, listed, (0, SNIFFED))
        if not sniff(head.data):
            return head.data if promised else None, head.stamp
    found = _fetch(name, listed)
    is_image = promised or sniff(found.data[:SNIFFED])
    return found.data if is_image else None, found.stamp


def _fetch(name: bytes, listed: Stamp | None, span: tuple[int, int] | None = None) -> Fetched:
    try:
        return fetch(name, listed, span)
    except ReplacedError:
        return fetch(name, None, span)


def _image_error(error: OSError) -> ImageError:
    return ImageError("read", error.strerror or str(error))

"""Containers that this process has opened: a few stay open, each with an index of its members."""

import contextlib
import errno
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from fastphash.errors import ImageError
from fastphash.sources.containers import open_container
from fastphash.sources.containers.format import Container, ContainerError, Member
from fastphash.sources.local import LocalReader
from fastphash.sources.protocol import Stamp
from fastphash.sources.remote.address import is_remote
from fastphash.sources.remote.client import stamp_of

# containers that stay open: pairs of images from two of them are looked at in turn
_MOST_OPEN = 4


class MemberIndex(NamedTuple):
    """Where members are, by their names: 24 bytes for each, because a container may have millions.

    Attributes
    ----------
    keys : uint64 (n,)
        Hashes of the names, ascending.
    offsets, sizes : int64 (n,)
        As of `Member`.
    """

    keys: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @classmethod
    def of(cls, members: Iterable[Member]) -> "MemberIndex":
        """The index of these members; of a damaged container, of those before the damage."""
        found: list[tuple[int, int, int]] = []
        with contextlib.suppress(ContainerError):
            found.extend((_key(member.name), member.offset, member.size) for member in members)
        keys = np.array([key for key, _, _ in found], np.uint64)
        places = np.array([place for _, *place in found], np.int64).reshape(-1, 2)
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], places[order, 0], places[order, 1])

    def find(self, name: bytes) -> Member | None:
        """The member of this name."""
        key = np.uint64(_key(name))
        at = int(np.searchsorted(self.keys, key))
        if at == len(self.keys) or self.keys[at] != key:
            return None
        return Member(name, b"", int(self.offsets[at]), int(self.sizes[at]))


class OpenContainer:
    """An open container; its index is made when it is first needed."""

    def __init__(self, container: Container, stamp: Stamp) -> None:
        self.container = container
        self.stamp = stamp
        self._index: MemberIndex | None = None

    def read_named(self, name: bytes) -> bytes:
        """The bytes of a member by its name.

        Raises
        ------
        FileNotFoundError
            There is none.
        OSError
            It can't be read.
        """
        member = self._find(name)
        if member is None:
            raise FileNotFoundError(errno.ENOENT, "the container has no such member")
        data = next(iter(self.container.read([member])))
        if isinstance(data, ImageError):
            raise OSError(data.reason)
        return data

    def has(self, name: bytes) -> bool:
        """Whether there is a member of this name."""
        return self._find(name) is not None

    def _find(self, name: bytes) -> Member | None:
        if self._index is None:
            self._index = MemberIndex.of(self.container.members())
        return self._index.find(name)

    def read_images(self, members: Sequence[Member]) -> Iterator[bytes | ImageError]:
        """As of `Container`."""
        return self.container.read_images(members)


_open: OrderedDict[tuple[bytes, str | None], OpenContainer] = OrderedDict()
# threads of the inspector read, too; a container is for one thread at a time
_lock = threading.RLock()


@contextlib.contextmanager
def opened(path: bytes, image_column: str | None = None) -> Iterator[OpenContainer]:
    """A container as it is now, for this thread alone; it stays open.

    Raises
    ------
    OSError
        It is gone, can't be reached, or is no regular file.
    ContainerError
        It can't be read.
    """
    key = path, image_column
    with _lock:
        stamp = container_stamp(path)
        kept = _open.pop(key, None)
        if kept is not None and kept.stamp != stamp:
            kept.container.__exit__(None, None, None)
            kept = None
        if kept is None:
            _close_but(_MOST_OPEN - 1)
            kept = OpenContainer(open_container(path, image_column).__enter__(), stamp)
        _open[key] = kept
        yield kept


def container_stamp(path: bytes) -> Stamp:
    """The stamp of a container as it is now, by its name or address; errors as of `opened`."""
    return stamp_of(path) if is_remote(path) else LocalReader(b"").stamp(path)


def close_containers() -> None:
    """Close all containers that this process has open."""
    with _lock:
        _close_but(0)


def _close_but(most: int) -> None:
    while len(_open) > most:
        _open.popitem(last=False)[1].container.__exit__(None, None, None)


def _key(name: bytes) -> int:
    key: int = xxhash.xxh3_64_intdigest(name)
    return key


def reason_of(error: Exception) -> str:
    """Why a container can't be read, in one line."""
    said = error.strerror if isinstance(error, OSError) else None
    text = " ".join((said or str(error)).split())[:300]
    if isinstance(error, OSError | ContainerError):
        return text or type(error).__name__
    return f"{type(error).__name__}: {text} (a fault of fastphash: please report it)"

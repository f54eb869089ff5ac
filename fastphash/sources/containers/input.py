"""The bytes of a container, by offset."""

import io
import os
import stat
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, Self

from fastphash.base.system import open_to_read
from fastphash.errors import ImageError
from fastphash.sources.containers.format import ContainerError, Member
from fastphash.sources.remote.address import is_remote

#: Reason of what doesn't fit.
OVER_SIZE = "it needs more memory than is left"


class InputError(Exception):
    """Bytes can't be read; the text says why."""


def read_each(
    read: Callable[[Member], bytes], members: Iterable[Member]
) -> Iterator[bytes | ImageError]:
    """What `read` gives for each member, or why it gives nothing: one costs none of the others."""
    for member in members:
        try:
            yield read(member)
        except InputError as error:
            yield ImageError("read", str(error))
        except ImageError as error:
            yield error


class Input(Protocol):
    """Where a container's bytes come from."""

    def read_at(self, offset: int, size: int) -> bytes:
        """These bytes; fewer where the container ends.

        Raises
        ------
        InputError
            They can't be read.
        """

    def reaches(self, offset: int) -> bool:
        """Whether there are at least `offset` bytes; raises as `read_at`."""

    def close(self) -> None:
        """Close the file."""


class PlainInput(Input, Protocol):
    """A container as it is stored.

    Attributes
    ----------
    size : int
        Bytes when it was opened.
    """

    size: int

    def as_file(self) -> io.RawIOBase | io.BufferedIOBase:
        """The same as a file, which is closed with it."""


def open_input(path: bytes) -> PlainInput:
    """A container by its name or address.

    Raises
    ------
    ContainerError
        It can't be opened, or is no regular file.
    """
    if not is_remote(path):
        return FileInput(path)
    # requests are made by what imports this module
    from fastphash.sources.containers.remote_input import RemoteInput

    return RemoteInput(path)


class InputContainer(ABC):
    """A container that is read by offset: what tar and zip have in common.

    Parameters
    ----------
    source : Input
        Closed with the container.
    """

    def __init__(self, source: Input) -> None:
        self._source = source

    def read(self, members: Sequence[Member]) -> Iterator[bytes | ImageError]:
        """As of `Container`."""
        return read_each(self._read, members)

    def read_images(self, members: Sequence[Member]) -> Iterator[bytes | ImageError]:
        """As of `Container`."""
        return read_each(lambda member: self._read(member, images_only=True), members)

    @property
    def source(self) -> Input:
        """Its bytes, unfolded if it is compressed; in ascending order that is done once."""
        return self._source

    @abstractmethod
    def _read(self, member: Member, *, images_only: bool = False) -> bytes:
        """The bytes of a member, or as of `read_images`; raises ImageError or InputError."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._source.close()


class FileInput:
    """A file as it is.

    Parameters
    ----------
    path : bytes

    Attributes
    ----------
    size : int
        Bytes of the file when it was opened.

    Raises
    ------
    ContainerError
        It can't be opened, or is no regular file.
    """

    def __init__(self, path: bytes) -> None:
        self._file = open_regular(path)
        self._descriptor = self._file.fileno()
        self.size = os.fstat(self._file.fileno()).st_size

    def read_at(self, offset: int, size: int) -> bytes:
        """Bytes of the file; without a request where it doesn't reach."""
        if offset + size > self.size:
            size = max(self.size - offset, 0)
        try:
            data = _read(self._descriptor, size, offset)
            while len(data) < size and (
                more := _read(self._descriptor, size - len(data), offset + len(data))
            ):
                # the system returns at most 2 GB at once
                data += more
        except OSError as error:
            raise InputError(error.strerror or str(error)) from error
        except (MemoryError, OverflowError) as error:
            raise InputError(OVER_SIZE) from error
        return data

    def reaches(self, offset: int) -> bool:
        """Whether the file had so many bytes when it was opened."""
        return offset <= self.size

    def as_file(self) -> io.RawIOBase:
        """The file itself."""
        return self._file

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Forward:
    """Reads an input in ascending order, each byte once, and some bytes ahead.

    Parameters
    ----------
    source : Input
    ahead : int
        How many bytes to read at least.

    Attributes
    ----------
    ahead : int
        It may change between reads.
    """

    def __init__(self, source: Input, ahead: int) -> None:
        self._source = source
        self.ahead = ahead
        self._start = 0
        self._held = b""

    def read_at(self, offset: int, size: int) -> bytes:
        """These bytes, none of them before those read last; raises as an input does."""
        start = offset - self._start
        held = self._held
        if not 0 <= start <= len(held) - size:
            rest = held[start:] if 0 <= start < len(held) else b""
            more = max(size, self.ahead) - len(rest)
            self._held = held = rest + self._source.read_at(offset + len(rest), more)
            self._start, start = offset, 0
        return held[start : start + size]

    def reaches(self, offset: int) -> bool:
        """Whether the input has at least so many bytes."""
        return offset <= self._start + len(self._held) or self._source.reaches(offset)


def _read(descriptor: int, size: int, offset: int) -> bytes:
    if sys.platform == "win32":
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)
    return os.pread(descriptor, size, offset)


def open_regular(path: bytes) -> io.FileIO:
    """An open file, unbuffered; ContainerError if it can't be opened or is no regular one."""
    try:
        fd = open_to_read(path)
    except OSError as error:
        raise ContainerError(error.strerror or str(error)) from error
    except ValueError as error:  # a name with a NUL
        raise ContainerError(str(error)) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise ContainerError("not a regular file")
    return io.FileIO(fd, "rb")

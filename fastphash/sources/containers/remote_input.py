"""The bytes of a container that lies in a bucket or on a web server."""

import io
import os
from typing import Any

from fastphash.sources.containers.format import ContainerError
from fastphash.sources.containers.input import InputError
from fastphash.sources.remote.ranges import RangedObject

_FILE_BUFFER = 1 << 16


class RemoteInput:
    """An object in a bucket or on a web server.

    Parameters
    ----------
    name : bytes
        Its address.

    Attributes
    ----------
    size : int
        Bytes of the object when it was opened.

    Raises
    ------
    ContainerError
        It is gone, or can't be asked for.
    """

    def __init__(self, name: bytes) -> None:
        try:
            self._object = RangedObject(name)
        except OSError as error:
            raise ContainerError(error.strerror or str(error)) from error
        self.size = self._object.size

    def read_at(self, offset: int, size: int) -> bytes:
        """Bytes of the object, as long as it is the one that was opened."""
        try:
            return self._object.read_at(offset, size)
        except OSError as error:
            raise InputError(error.strerror or str(error)) from error

    def reaches(self, offset: int) -> bool:
        """Whether the object had so many bytes when it was opened."""
        return offset <= self.size

    def as_file(self) -> io.BufferedReader:
        """The object as a file."""
        return io.BufferedReader(_ObjectFile(self._object), _FILE_BUFFER)

    def close(self) -> None:
        """Give up what was fetched."""
        self._object.forget()


class _ObjectFile(io.RawIOBase):
    """An object as a file that can be read."""

    def __init__(self, source: RangedObject) -> None:
        self._object = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._object.size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._object.read_at(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._object.forget()
        super().close()

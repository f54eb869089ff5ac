"""The bytes of a container that lies in a bucket or on a web server."""

import io

from fastphash.sources.containers.format import ContainerError
from fastphash.sources.containers.input import InputError
from fastphash.sources.remote.ranges import RangedFile, RangedObject

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
        return io.BufferedReader(RangedFile(self._object), _FILE_BUFFER)

    def close(self) -> None:
        """Give up what was fetched."""
        self._object.forget()

"""Addresses as paths: what reads a folder of files reads one of a bucket by the same calls."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Self

from fastphash.errors import RemoteError
from fastphash.sources.remote.client import fetch, list_objects, stamp_of
from fastphash.sources.remote.ranges import RangedFile, RangedObject

# a system has one kind of paths, and only these are a `Path`
_Local: Any = type(Path())


class RemotePath(_Local):  # type: ignore[misc]
    """An object of a bucket, or what lies below an address there, to be read only.

    Errors are `RemoteError`, or FileNotFoundError where there is no object.
    """

    __slots__ = ()

    def __str__(self) -> str:
        """The address: paths have one slash where others have two."""
        scheme, _, rest = super().__str__().replace(os.sep, "/").partition(":/")
        return f"{scheme}://{rest}"

    def __fspath__(self) -> str:
        return str(self)

    def absolute(self) -> Self:
        """It is."""
        return self

    def exists(self, **_: Any) -> bool:
        """Whether there is such an object, or there are some below it."""
        return self.is_file() or any(True for _ in self.names())

    def is_file(self, **_: Any) -> bool:
        """Whether there is such an object."""
        try:
            stamp_of(os.fsencode(str(self)))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise RemoteError(f"can't read {str(self)!r}: {error}") from error
        return True

    def names(self) -> Iterator[str]:
        """The objects below it."""
        return (os.fsdecode(path) for path, _ in list_objects(os.fsencode(str(self))))

    def glob(self, *_: Any, **__: Any) -> Iterator[Self]:
        """Nothing: drafts and leftovers are looked for so, and nobody writes there."""
        return iter(())

    def read_bytes(self) -> bytes:
        """The bytes of the object."""
        return fetch(os.fsencode(str(self))).data

    def open(self, *_: Any, **__: Any) -> IO[bytes]:
        """The object as a file of bytes, which is read by ranges."""
        return RangedFile(RangedObject(os.fsencode(str(self))))  # type: ignore[return-value]

"""What a source of images offers, whatever it reads from."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One input of a split.

    Attributes
    ----------
    path : bytes
        Relative to the split's root; with the split it names the input.
    problem : str or None
        Why it can't be read at all: a folder that may not be listed.
    special : bool
        Neither a file nor a folder: a pipe, a socket, a device.
    """

    path: bytes
    problem: str | None = None
    special: bool = False


class Stamp(NamedTuple):
    """What tells one state of an input from another.

    Attributes
    ----------
    size : int
        Bytes.
    mtime_ns : int
        Time of the last change, nanoseconds.
    version : int
        What else the place knows of it: the inode of a file.
    """

    size: int
    mtime_ns: int
    version: int = 0


class Reader(Protocol):
    """Reads the inputs of one split. It is small: every task for a worker process carries it."""

    def read(self, path: bytes) -> tuple[bytes | None, Stamp]:
        """The bytes of an input, None if neither its name nor its first bytes are an image's.

        Raises
        ------
        ImageError
            It can't be read.
        """

    def stamp(self, path: bytes) -> Stamp:
        """The stamp of an input as it is now.

        Raises
        ------
        OSError
            It isn't there; `SpecialFileError` if it is no regular file.
        """

    def read_hashed(self, path: bytes, size: int) -> bytes:
        """The bytes of an input that had `size` bytes when it was hashed, one more if it has grown.

        Raises
        ------
        OSError
            It isn't there, or can't be read; `SpecialFileError` if it is no regular file.
        """

    def digest(self, path: bytes) -> bytes:
        """XXH3-128 of an input's bytes; OSError if it can't be read."""


class Source(Protocol):
    """One split: it lists its inputs, and its reader reads and stamps them."""

    @property
    def split(self) -> str:
        """Name of the split."""

    @property
    def root(self) -> bytes:
        """Where the split lies."""

    @property
    def listed(self) -> bool:
        """Whether the user listed the inputs, so that the root may hold others."""

    @property
    def reader(self) -> Reader:
        """What reads the inputs."""

    def entries(self, avoid: Path | None = None) -> Iterator[Entry]:
        """Every input, in an order that never changes, but for those in a folder to avoid."""


class SpecialFileError(OSError):
    """A pipe, a socket, a device or a folder stands where a file was."""


class OutsideError(Exception):
    """A path leads out of the folder of its split."""

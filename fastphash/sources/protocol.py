"""The protocol of sources: what a store's update asks of the place where images lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from fastphash.sources.containers.format import Member

#: Of a stamp: fits every size.
UNKNOWN_SIZE = -1


@dataclass(frozen=True, slots=True)
class Entry:
    """One input of a split, or a folder that can't be listed.

    Attributes
    ----------
    path : bytes
        Name within the split, parts separated by slashes; ``b"."`` for the root itself.
    problem : str or None
        Why a folder can't be listed. Everything stored below its path is kept then.
    special : bool
        Neither a file nor a folder: a pipe, a socket, a device.
    hidden : bool
        A hidden file or folder that the source leaves out: no input, and nothing below it is one.
    unfinished : bool
        Hidden because a move of it was interrupted: the file of an image under a name of fastphash.
    below : bytes
        What follows `path` in the paths of everything below it.
    member : Member or None
        Where an input in a container is.
    stamp : Stamp or None
        Of the container of an input.
    """

    path: bytes
    problem: str | None = None
    special: bool = False
    hidden: bool = False
    unfinished: bool = False
    below: bytes = b"/"
    member: Member | None = None
    stamp: "Stamp | None" = None


class Stamp(NamedTuple):
    """Tells whether an input has changed: equal stamps, equal bytes.

    Attributes
    ----------
    size : int
        Bytes; `UNKNOWN_SIZE` of a member of a container that isn't opened for it.
    mtime_ns : int
        Time of the last change, nanoseconds; 64 bits with a sign.
    inode : int
        Number of the file in its file system, 64 bits; 0 if there is none.
    ctime_ns : int
        Time of the last change of the file, its name or its rights, which programs can't set: as
        `mtime_ns`; 0 if it is unknown.
    """

    size: int
    mtime_ns: int
    inode: int = 0
    ctime_ns: int = 0

    def compare(self, now: "Stamp") -> Literal["same", "unsure", "changed"]:
        """Whether an input with this stamp has changed if it has another one now.

        same: it is believed to be as it was. unsure: only its bytes can tell. changed: its size is
        another one.
        """
        if not now.has_size(self.size):
            return "changed"
        return "same" if now[1:] == self[1:] else "unsure"

    def has_size(self, size: int) -> bool:
        """Whether the input may have so many bytes."""
        return self.size in (UNKNOWN_SIZE, size)


class Reader(Protocol):
    """Reads the inputs of one split, by their paths in it.

    Every task for a worker process carries a reader, so it is small and can be pickled.
    """

    def read(self, path: bytes) -> tuple[bytes | None, Stamp]:
        """The bytes of an input and their stamp.

        The bytes are None if neither the name nor the first bytes are an image's. If only the name
        is, the first bytes will do.

        Raises
        ------
        ImageError
            It can't be read.
        """

    def stamp(self, path: bytes) -> Stamp:
        """The stamp of an input as it is now.

        Raises
        ------
        FileNotFoundError, NotADirectoryError
            It is gone.
        OSError
            It can't be reached for another reason; `SpecialFileError` if it is no regular file.
        """

    def read_hashed(self, path: bytes, size: int, *, follow_links: bool = True) -> bytes:
        """The bytes of an input that had `size` bytes when it was hashed.

        At most `size` + 1 bytes, which is enough to see that it has grown.

        Raises
        ------
        OSError
            It is gone, can't be read or, without `follow_links`, is a link; `SpecialFileError` if
            it is no regular file.
        """

    def digest(self, path: bytes) -> bytes:
        """XXH3-128 of an input's bytes; OSError if it can't be read."""

    def resolve(self, path: bytes) -> bytes:
        """The path with all links followed, which the other methods take too.

        Raises
        ------
        OutsideError
            The input lies outside of the split.
        """


class Source(Protocol):
    """One split: lists its inputs, and has a reader for them."""

    @property
    def split(self) -> str:
        """Name of the split."""

    @property
    def root(self) -> bytes:
        """The place of the split: the absolute path of a folder, for example.

        Stores keep it as text. If it changes, everything in the split is hashed again; of two
        splits, neither may lie in the other's root (`check_sources`).
        """

    @property
    def listed(self) -> bool:
        """Whether the user listed the inputs: the root may hold other files then."""

    @property
    def reader(self) -> Reader:
        """Reads the inputs."""

    def entries(self, avoid: Path | None = None) -> Iterator[Entry]:
        """Every input in an order that never changes, without those below the folder `avoid`."""


class SpecialFileError(OSError):
    """The path of an image is now a pipe, a socket, a device or a folder."""


class OutsideError(Exception):
    """A path leads out of its split."""

"""The protocol of sources: what a store's update asks of the place where images lie."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from fastphash.sources.containers.format import Member
from fastphash.sources.name_patterns import NamePatterns

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
    excluded : bool
        Hidden because patterns leave it out, by its name.
    mask : str
        Hidden because it is a mask of another image of the split, by this pair of folders, such as
        "images=gt".
    unfinished : bool
        Hidden because a move of it was interrupted: the file of an image under a name of fastphash.
    below : bytes
        What follows `path` in the paths of everything below it.
    container : bytes
        Path of the container of an input; empty if it lies in none.
    member : Member or None
        Where an input in a container is.
    stamp : Stamp or None
        Of the container of an input.
    """

    path: bytes
    problem: str | None = None
    special: bool = False
    hidden: bool = False
    excluded: bool = False
    mask: str = ""
    unfinished: bool = False
    below: bytes = b"/"
    container: bytes = b""
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
    etag : str
        Of an object in a bucket, without quotes: its version; empty of a file.
    """

    size: int
    mtime_ns: int
    inode: int = 0
    ctime_ns: int = 0
    etag: str = ""

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


class Listing(NamedTuple):
    """The members of a container.

    Attributes
    ----------
    stamp : Stamp or None
        Of the container; None if it can't be reached.
    members : list of Member
        In the container's order.
    problem : str or None
        Why there may be more members, which can't be listed.
    """

    stamp: Stamp | None
    members: list[Member]
    problem: str | None = None


class Item(NamedTuple):
    """An image that a program hands over.

    Attributes
    ----------
    path : bytes
        Its key.
    data : bytes
        Of an image file.
    problem : str
        Why there are none; empty if there are.
    """

    path: bytes
    data: bytes
    problem: str = ""


class TaskReader(Protocol):
    """Reads the inputs of one task for a worker process: it is small, and can be pickled."""

    def read(self, path: bytes) -> tuple[bytes | None, Stamp]:
        """As of `Reader`; quick if paths come in the order of the task."""


class Reader(Protocol):
    """Reads the inputs of one split, by their paths in it."""

    def for_task(self, entries: Sequence[Entry]) -> TaskReader:
        """A reader of these inputs, which lie in one container or in none."""

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


class Containers(Protocol):
    """The containers of a split, whose members are listed by workers, not by `entries`."""

    @property
    def split(self) -> str:
        """Name of the split."""

    @property
    def root(self) -> bytes:
        """The place that all containers lie in."""

    @property
    def containers(self) -> tuple[bytes, ...]:
        """Paths below the root, in canonical order."""

    @property
    def image_column(self) -> str | None:
        """Column of Parquet files with the images."""

    @property
    def key(self) -> str | None:
        """How the keys of members are made, as of `key_rule`."""

    @property
    def hidden(self) -> bool:
        """Whether hidden members are inputs."""

    @property
    def patterns(self) -> NamePatterns:
        """Which members are inputs, by name."""

    @property
    def files(self) -> list[bytes]:
        """What tells containers of different splits apart: their absolute names."""

    def stamp(self, container: bytes) -> Stamp:
        """The stamp of a container as it is now; errors are those of `Reader.stamp`."""

    def entries_of(self, container: bytes, listing: Listing) -> Iterator[Entry]:
        """The members of a container, given its listing, and what keeps it from being listed."""


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

    @property
    def containers_to_list(self) -> Containers | None:
        """What workers list; None if inputs lie in no containers."""

    @property
    def given(self) -> Iterable[Item] | None:
        """Inputs that come once, and replace what a store has of the split; else None."""

    def entries(self, avoid: Path | None = None) -> Iterator[Entry]:
        """Every input in an order that never changes, without those below the folder `avoid`."""


class SpecialFileError(OSError):
    """The path of an image is now a pipe, a socket, a device or a folder."""


class OutsideError(Exception):
    """A path leads out of its split."""

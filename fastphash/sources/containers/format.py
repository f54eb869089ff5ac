"""What every format of containers offers: a list of members, and their bytes."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, Self

from fastphash.errors import FastphashError, ImageError

#: Most bytes of a member that is stored compressed: a few bytes of a container can unfold to any
#: number. What isn't compressed is limited by the size of its container.
MOST_BYTES = 1 << 30


class Member(NamedTuple):
    """One image or other file in a container.

    Attributes
    ----------
    name : bytes
        Its name in the container; of Parquet the number of its row in decimal digits. Of members
        with equal names the second ends with ``#2``, the third with ``#3``, and so on.
    key : bytes
        Name of its sample. WebDataset: the path up to the first dot of its file name. Empty if
        there is none.
    offset : int
        Where it is in the container: of its data (tar), of its header (zip), its row (Parquet).
    size : int
        Bytes as stored; 0 where that takes reading them (Parquet).
    """

    name: bytes
    key: bytes
    offset: int
    size: int


class ContainerError(FastphashError):
    """A container is damaged, or can't be read."""


class Container(Protocol):
    """One open container; a context manager, for one thread at a time."""

    def members(self) -> Iterator[Member]:
        """The members in the container's order.

        Raises
        ------
        ContainerError
            The container is cut short or damaged. Members before that are whole.
        """

    def read(self, members: Sequence[Member]) -> Iterator[bytes | ImageError]:
        """The bytes of each of these members, in this order, or why it can't be read.

        A damaged member costs only itself. So does one that isn't where `members` found it,
        because the container was changed or replaced.
        """

    def __enter__(self) -> Self:
        """The container itself."""

    def __exit__(self, *_: object) -> None:
        """Close its file."""


def sample_key(name: bytes) -> bytes:
    """The WebDataset key of a member: its path up to the first dot of its file name.

    >>> sample_key(b"a.b/0001.seg.png"), sample_key(b"0001"), sample_key(b".hidden")
    (b'a.b/0001', b'0001', b'')
    """
    folder, slash, file_name = name.rpartition(b"/")
    stem = file_name.partition(b".")[0]
    return folder + slash + stem if stem else b""

"""What every format of containers offers: a list of members, and their bytes."""

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, Self

from fastphash.errors import FastphashError, ImageError

#: Most bytes of a member that is stored compressed: a few bytes of a container can unfold to any
#: number. What isn't compressed is limited by the size of its container.
MOST_BYTES = 1 << 30

#: Where images are looked for, members of more bytes are read whole only if they begin like one.
LARGE = 1 << 20

#: Reason of a member that isn't where it was listed.
CHANGED = "the container has changed: this member isn't where it was"


class Member(NamedTuple):
    """One image or other file in a container.

    Attributes
    ----------
    name : bytes
        Its name in the container; of Parquet the number of its row in decimal digits. Of members
        with equal names, the second has ``#2`` before its suffix, the third ``#3``, and so on.
    key : bytes
        Name of its sample, by `keys.key_rule`. Empty if there is none.
    offset : int
        Where it is in the container: its first header (tar, zip), its row (Parquet). Of a
        compressed tar file, the offset in what it unfolds to.
    size : int
        Bytes as stored; 0 where that takes reading them (Parquet) and of a hard link (tar).
    """

    name: bytes
    key: bytes
    offset: int
    size: int


class ContainerError(FastphashError):
    """A container is damaged, or can't be read: the text says why, without its path."""


class Container(Protocol):
    """One open container; a context manager, for one thread at a time."""

    def members(self, key: str | None = None) -> Iterator[Member]:
        """The members in the container's order, with keys as of `keys.key_rule`.

        Raises
        ------
        ContainerError
            The container is cut short or damaged. Members before that are whole.
        """

    def read(self, members: Sequence[Member]) -> Iterator[bytes | ImageError]:
        """The bytes of each of these members, in this order, or why it can't be read.

        A damaged member costs only itself. So does one that isn't where `members` found it, because
        the container was changed or replaced.
        """

    def read_images(self, members: Sequence[Member]) -> Iterator[bytes | ImageError]:
        """As `read`; the first bytes alone of a `LARGE` member that doesn't begin like an image."""

    def __enter__(self) -> Self:
        """The container itself."""

    def __exit__(self, *_: object) -> None:
        """Close its file."""


class OwnNames:
    """Gives each member of a container a name of its own."""

    def __init__(self) -> None:
        self._times: dict[bytes, int] = {}

    def own(self, name: bytes) -> bytes:
        """The same name; if an earlier member has it, with a number before its suffix.

        >>> names = OwnNames()
        >>> [names.own(b"a/x.jpg") for _ in range(3)]
        [b'a/x.jpg', b'a/x#2.jpg', b'a/x#3.jpg']
        """
        own = name
        while own in self._times:
            self._times[name] += 1
            stem, suffix = os.path.splitext(name)
            own = b"%b#%d%b" % (stem, self._times[name], suffix)
        self._times[own] = 1
        return own


def is_name_of(member: bytes, stored: bytes) -> bool:
    """Whether a member may have got its name from this one, by `OwnNames`.

    >>> [is_name_of(name, b"x.jpg") for name in (b"x.jpg", b"x#2.jpg", b"y#2.jpg", b"x#y.jpg")]
    [True, True, False, False]
    """
    if member == stored:
        return True
    stem, suffix = os.path.splitext(stored)
    number = member[len(stem) + 1 : len(member) - len(suffix)]
    return number.isdigit() and member == stem + b"#" + number + suffix

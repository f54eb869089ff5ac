"""What the copy of every format of containers offers."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple, Protocol, Self

from fastphash.files.assembled import Output
from fastphash.sources.containers.format import Member
from fastphash.sources.containers.input import InputError

_PIECE = 1 << 20


class Range(NamedTuple):
    """Bytes of a container."""

    start: int
    end: int


class Shard(Protocol):
    """An open container that is copied without some samples; a context manager."""

    def members(self) -> list[Member]:
        """As `Container.members`; ContainerError if the container is damaged anywhere."""

    def write(self, going: Collection[bytes], output: Output) -> None:
        """Write the container without these samples, by `samples.sample_of`.

        What belongs to no sample stays.

        Raises
        ------
        ContainerError
            The container is damaged, or can't be read.
        """

    def __enter__(self) -> Self:
        """The shard itself."""

    def __exit__(self, *_: object) -> None:
        """Close its file."""


def joined(ranges: Iterable[Range]) -> Iterator[Range]:
    """Ranges, those as one that follow one another.

    >>> list(joined([Range(0, 2), Range(2, 5), Range(7, 9)]))
    [Range(start=0, end=5), Range(start=7, end=9)]
    """
    run = Range(0, 0)
    for one in ranges:
        if one.start != run.end:
            if run.end > run.start:
                yield run
            run = Range(one.start, one.start)
        run = run._replace(end=one.end)
    if run.end > run.start:
        yield run


def copy_range(read_at: Callable[[int, int], bytes], part: Range, output: Output) -> None:
    """Copy bytes of a container; InputError if it ends before, or can't be read."""
    at = part.start
    while at < part.end:
        data = read_at(at, min(_PIECE, part.end - at))
        if not data:
            raise InputError("it is cut short")
        output.write(data)
        at += len(data)

"""What the copy of every format of containers offers."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, Protocol, Self

from fastphash.files.assembled import NewFile, Output
from fastphash.sources.containers.format import Member
from fastphash.sources.containers.input import FileInput, Input, InputError

# bytes that are read at once, and those that the system copies between two looks at signals
_PIECE, _TAKEN = 1 << 20, 64 << 20


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


def copy_range(source: Input, part: Range, output: Output) -> None:
    """Copy bytes of a container; InputError if it ends before, or can't be read."""
    at = _take(source, part, output)
    while at < part.end:
        data = source.read_at(at, min(_PIECE, part.end - at))
        if not data:
            raise InputError("it is cut short")
        output.write(data)
        at += len(data)


def _take(source: Input, part: Range, output: Output) -> int:
    """Copy what goes from file to file inside the system; the offset that it came to."""
    at = part.start
    if isinstance(source, FileInput) and isinstance(output, NewFile):
        descriptor = source.as_file().fileno()
        while taken := output.take(descriptor, at, min(_TAKEN, part.end - at)):
            at += taken
    return at

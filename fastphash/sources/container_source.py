"""Splits whose images lie in containers: tar, zip and Parquet files."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fastphash.base.paths import with_slashes
from fastphash.errors import UsageError
from fastphash.sources.containers.format import Member
from fastphash.sources.hidden import is_hidden
from fastphash.sources.local import LocalReader
from fastphash.sources.member_paths import SEPARATOR, member_path
from fastphash.sources.member_reader import ContainerReader
from fastphash.sources.open_containers import opened, reason_of
from fastphash.sources.protocol import Entry, Listing, Stamp
from fastphash.sources.splits import check_split


@dataclass(frozen=True, slots=True)
class ContainerSource:
    """One split of containers.

    Attributes
    ----------
    split : str
    root : bytes
        Absolute folder that all containers lie in.
    containers : tuple of bytes
        Paths below the root, in canonical order.
    image_column : str or None
        Column of Parquet files with the images.
    hidden : bool
        Whether members that are hidden, or in hidden folders, belong to it.
    """

    split: str
    root: bytes
    containers: tuple[bytes, ...]
    image_column: str | None = None
    hidden: bool = False

    @property
    def listed(self) -> bool:
        """True: the root may hold other files."""
        return True

    @property
    def files(self) -> list[bytes]:
        """Absolute names of the containers."""
        return [os.path.join(self.root, name) for name in self.containers]

    @property
    def containers_to_list(self) -> "ContainerSource":
        """Its containers."""
        return self

    @property
    def given(self) -> None:
        """None: images are read where they lie."""

    @property
    def reader(self) -> ContainerReader:
        """Reads the members."""
        return ContainerReader(self.root, self.image_column)

    def entries(self, avoid: Path | None = None) -> Iterator[Entry]:  # noqa: ARG002 - containers were named
        """Every member, in the order of the containers and then in that of each."""
        for name in self.containers:
            yield from self.entries_of(name, list_container(self.root, name, self.image_column))

    def stamp(self, container: bytes) -> Stamp:
        """The stamp of a container as it is now; errors are those of `Reader.stamp`."""
        return LocalReader(self.root).stamp(container)

    def entries_of(self, container: bytes, listing: Listing) -> Iterator[Entry]:
        """The members of a container, given its listing, and what keeps it from being listed."""
        for member in listing.members:
            path = member_path(container, member.name)
            if not self.hidden and any(map(is_hidden, _steps(member.name))):
                yield Entry(path, hidden=True)
            else:
                yield Entry(path, container=container, member=member, stamp=listing.stamp)
        if listing.problem:
            yield Entry(container, problem=listing.problem, below=SEPARATOR)


def container_source(
    split: str,
    files: Iterable[bytes],
    *,
    image_column: str | None = None,
    hidden: bool = False,
) -> ContainerSource:
    """A split of containers, each once, in the order of their paths.

    Parameters
    ----------
    split : str
    files : iterable of bytes
        At least one.
    image_column : str, optional
    hidden : bool

    Raises
    ------
    UsageError
        No usable name, containers on different drives, or a path with ``::``.
    """
    # one that has several names by links is read once
    places = {os.path.realpath(file): os.path.abspath(file) for file in sorted(files, reverse=True)}
    paths = sorted(places.values())
    try:
        root = os.path.commonpath([os.path.dirname(path) for path in paths])
    except ValueError as error:
        raise UsageError(
            f"the containers of split {split!r} lie on different drives: make them several splits"
        ) from error
    names = [with_slashes(os.path.relpath(path, root)) for path in paths]
    for name in names:
        if SEPARATOR in name:
            raise UsageError(
                f"{os.fsdecode(name)!r} has '::' in its name, which stands between a container and "
                "its member: rename it"
            )
    ordered = sorted(names, key=lambda name: name.split(b"/"))
    return ContainerSource(check_split(split), root, tuple(ordered), image_column, hidden)


def list_container(
    root: bytes,
    name: bytes,
    image_column: str | None = None,
    alive: Callable[[], None] = lambda: None,
) -> Listing:
    """List a container; what is wrong with it costs only what can't be listed.

    Parameters
    ----------
    root, name : bytes
    image_column : str, optional
    alive : callable, optional
        Called again and again while the listing goes on.
    """
    members: list[Member] = []
    stamp = None
    try:
        with opened(os.path.join(root, name), image_column) as found:
            stamp = found.stamp
            for member in found.container.members():
                # a member of a compressed tar may take long
                alive()
                members.append(member)
        if LocalReader(root).stamp(name) != stamp:
            return Listing(None, [], "the container changed while it was listed")
    except Exception as error:  # costs this container only
        return Listing(stamp, members, reason_of(error))
    return Listing(stamp, members)


def _steps(name: bytes) -> list[bytes]:
    return [step for step in name.split(b"/") if step not in (b"", b".", b"..")]

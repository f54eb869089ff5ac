"""Splits whose images lie in containers: tar, zip and Parquet files."""

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fastphash.base.paths import with_slashes
from fastphash.errors import UsageError
from fastphash.sources.containers.format import Member
from fastphash.sources.containers.keys import is_parquet
from fastphash.sources.hidden import is_hidden
from fastphash.sources.member_paths import SEPARATOR, member_path
from fastphash.sources.member_reader import ContainerReader
from fastphash.sources.name_patterns import ALL_NAMES, NamePatterns
from fastphash.sources.open_containers import container_stamp, opened, reason_of
from fastphash.sources.protocol import Entry, Listing, Stamp
from fastphash.sources.remote.address import below, is_remote
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
    key : str or None
        How the keys of members are made, as of `key_rule`.
    patterns : NamePatterns
        Which members belong to it: of tar and zip files by their names, of Parquet files by the
        paths beside the bytes of their images, which are keys there.
    """

    split: str
    root: bytes
    containers: tuple[bytes, ...]
    image_column: str | None = None
    hidden: bool = False
    key: str | None = None
    patterns: NamePatterns = ALL_NAMES

    @property
    def listed(self) -> bool:
        """True: the root may hold other files."""
        return True

    @property
    def files(self) -> list[bytes]:
        """Absolute names of the containers."""
        return [below(self.root, name) for name in self.containers]

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
            listing = list_container(self.root, name, self.image_column, self.key)
            yield from self.entries_of(name, listing)

    def stamp(self, container: bytes) -> Stamp:
        """The stamp of a container as it is now; errors are those of `Reader.stamp`."""
        return container_stamp(below(self.root, container))

    def entries_of(self, container: bytes, listing: Listing) -> Iterator[Entry]:
        """The members of a container, given its listing, and what keeps it from being listed."""
        problem = listing.problem
        members = listing.members
        if self.patterns != ALL_NAMES and _are_nameless(container, members):
            problem = problem or "its images have no paths, by which patterns choose"
            members = []
        for member in members:
            path = member_path(container, member.name)
            if not self.hidden and any(map(is_hidden, _steps(member.name))):
                yield Entry(path, hidden=True)
            elif self.patterns.leave_out(name_to_choose(container, member)):
                yield Entry(path, hidden=True, excluded=True)
            else:
                yield Entry(path, container=container, member=member, stamp=listing.stamp)
        if problem:
            yield Entry(container, problem=problem, below=SEPARATOR)


def _are_nameless(container: bytes, members: list[Member]) -> bool:
    return bool(members) and not any(name_to_choose(container, member) for member in members)


def name_to_choose(container: bytes, member: Member) -> bytes:
    """The path of a member that patterns are compared with; empty if it has none."""
    name = member.key if is_parquet(container) else member.name
    return b"/".join(_steps(name))


def container_source(
    split: str,
    files: Iterable[bytes],
    *,
    image_column: str | None = None,
    hidden: bool = False,
    key: str | None = None,
) -> ContainerSource:
    """A split of containers, each once, in the order of their paths.

    Parameters
    ----------
    split : str
    files : iterable of bytes
        At least one.
    image_column : str, optional
    hidden : bool
    key : str, optional
        As of `key_rule`.

    Raises
    ------
    UsageError
        No usable name, containers on different drives or in different buckets, or a path with
        ``::``.
    """
    paths = _without_doubles(files)
    try:
        root = common_root(paths)
    except ValueError as error:
        raise UsageError(
            f"the containers of split {split!r} lie on different drives or in different buckets: "
            "make them several splits"
        ) from error
    names = [_relative(path, root) for path in paths]
    for name in names:
        if SEPARATOR in name:
            raise UsageError(
                f"{os.fsdecode(name)!r} has '::' in its name, which stands between a container and "
                "its member: rename it"
            )
    ordered = sorted(names, key=lambda name: name.split(b"/"))
    return ContainerSource(check_split(split), root, tuple(ordered), image_column, hidden, key)


def list_container(
    root: bytes,
    name: bytes,
    image_column: str | None = None,
    key: str | None = None,
    alive: Callable[[], None] = lambda: None,
) -> Listing:
    """List a container; what is wrong with it costs only what can't be listed.

    Parameters
    ----------
    root, name : bytes
    image_column : str, optional
    key : str, optional
        As of `key_rule`.
    alive : callable, optional
        Called again and again while the listing goes on.
    """
    members: list[Member] = []
    stamp = None
    try:
        place = below(root, name)
        with opened(place, image_column) as found:
            stamp = found.stamp
            for member in found.container.members(key):
                # a member of a compressed tar may take long
                alive()
                members.append(member)
        if container_stamp(place) != stamp:
            return Listing(None, [], "the container changed while it was listed")
    except Exception as error:  # costs this container only
        return Listing(stamp, members, reason_of(error))
    return Listing(stamp, members)


def common_root(paths: Iterable[bytes]) -> bytes:
    """The folder that all files lie in, absolute, or the address that all begin with.

    Raises
    ------
    ValueError
        There is none.
    """
    paths = list(paths)
    if not any(map(is_remote, paths)):
        return os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in paths])
    if not all(map(is_remote, paths)):
        raise ValueError("files and addresses")
    places = {_base(path) for path in paths}
    if len(places) > 1:
        raise ValueError("several buckets")
    base = places.pop()
    folders = [posixpath.dirname(path[len(base) :]) for path in paths]
    return base + posixpath.commonpath(folders).rstrip(b"/")


def _base(path: bytes) -> bytes:
    """Scheme and bucket, or scheme and host."""
    return b"/".join(path.split(b"/", 3)[:3])


def _without_doubles(files: Iterable[bytes]) -> list[bytes]:
    """Absolute names in order; a file that has several by links is read once."""
    places = {}
    for file in sorted(files, reverse=True):
        if is_remote(file):
            places[file] = file
        else:
            places[os.path.realpath(file)] = os.path.abspath(file)
    return sorted(places.values())


def _relative(path: bytes, root: bytes) -> bytes:
    if is_remote(path):
        return path[len(root) + 1 :]
    return with_slashes(os.path.relpath(path, root))


def _steps(name: bytes) -> list[bytes]:
    return [step for step in name.split(b"/") if step not in (b"", b".", b"..")]

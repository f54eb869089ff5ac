"""Images that a program hands over, each with a key: they are read once, and never again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fastphash.errors import ImageError
from fastphash.sources.local import LocalReader
from fastphash.sources.protocol import Entry, Reader, Stamp


class Item(NamedTuple):
    """An image as it was handed over.

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


@dataclass(frozen=True, slots=True)
class ItemSource:
    """One split of images that are handed over: each run replaces its rows."""

    split: str
    items: Iterable[Item]

    @property
    def root(self) -> bytes:
        """Empty: keys are no paths."""
        return b""

    @property
    def listed(self) -> bool:
        """True: there is no folder."""
        return True

    @property
    def reader(self) -> Reader:
        """Finds files, if keys are their names."""
        return LocalReader(self.root)

    def entries(self, avoid: Path | None = None) -> Iterator[Entry]:  # noqa: ARG002 - no folder
        """Nothing that could be compared with stored rows."""
        return iter(())


class ItemReader:
    """Hands out items; the other methods are those of a reader of files."""

    def __init__(self, items: Mapping[bytes, Item]) -> None:
        self._items = items

    def read(self, path: bytes) -> tuple[bytes, Stamp]:
        """The bytes of an item, whatever they are; ImageError if it has a problem."""
        _, data, problem = self._items[path]
        if problem:
            raise ImageError("read", problem)
        return data, Stamp(len(data), 0)

    def stamp(self, path: bytes) -> Stamp:
        """As of `LocalReader`."""
        return LocalReader(b"").stamp(path)

    def read_hashed(self, path: bytes, size: int, *, follow_links: bool = True) -> bytes:
        """As of `LocalReader`."""
        return LocalReader(b"").read_hashed(path, size, follow_links=follow_links)

    def digest(self, path: bytes) -> bytes:
        """As of `LocalReader`."""
        return LocalReader(b"").digest(path)

    def resolve(self, path: bytes) -> bytes:
        """As of `LocalReader`."""
        return LocalReader(b"").resolve(path)

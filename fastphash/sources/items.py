"""Images that a program hands over, each with a key: they are read once, and never again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastphash.errors import ImageError
from fastphash.sources.local import LocalReader
from fastphash.sources.protocol import Entry, Item, Reader, Stamp


@dataclass(frozen=True, slots=True)
class ItemSource:
    """One split of images that are handed over: each run replaces its rows."""

    split: str
    given: Iterable[Item]

    @property
    def root(self) -> bytes:
        """Empty: keys are no paths."""
        return b""

    @property
    def listed(self) -> bool:
        """True: there is no folder."""
        return True

    @property
    def containers_to_list(self) -> None:
        """None: there are none."""

    @property
    def reader(self) -> Reader:
        """Finds files, if keys are their names."""
        return LocalReader(self.root)

    def entries(self, avoid: Path | None = None) -> Iterator[Entry]:  # noqa: ARG002 - no folder
        """Nothing that could be compared with stored rows."""
        return iter(())


class ItemReader:
    """Hands out the items of one task."""

    def __init__(self, items: Mapping[bytes, Item]) -> None:
        self._items = items

    def read(self, path: bytes) -> tuple[bytes, Stamp]:
        """The bytes of an item, whatever they are; ImageError if it has a problem."""
        _, data, problem = self._items[path]
        if problem:
            raise ImageError("read", problem)
        return data, Stamp(len(data), 0)

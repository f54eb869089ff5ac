"""What runs hashing tasks: the seam between a store's update and the processes that hash."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol, Self

from fastphash.ingest.batch import Batch
from fastphash.sources.base import Reader

# images of one task, and bytes of their names: enough to hide the cost of passing it, few enough
# to keep all workers busy, and to wait in a pipe
_BATCH = 64
_NAMES = 3000


class Task(NamedTuple):
    """Some inputs of one split to be hashed: what travels to a worker."""

    reader: Reader
    paths: list[bytes]


class Executor(Protocol):
    """Hashes tasks somewhere. It is a context: leaving it ends whatever it started."""

    def __enter__(self) -> Self:
        """Start."""

    def __exit__(self, kind: object, *rest: object) -> None:
        """End, at once where an exception passes."""

    def map(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        """Batches in the order of the tasks, which are read only a little ahead."""


def hash_paths(executor: Executor, reader: Reader, paths: Iterable[bytes]) -> Iterator[Batch]:
    """Batches in the order of `paths`, which are read only a little ahead of what is taken."""
    return executor.map(Task(reader, paths) for paths in _batches(paths))


def _batches(paths: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for path in paths:
        batch.append(path)
        size += len(path)
        if len(batch) == _BATCH or size >= _NAMES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch

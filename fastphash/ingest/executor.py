"""The protocol of executors, which run hashing tasks for a store's update."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol, Self

from fastphash.ingest.batch import Batch
from fastphash.sources.protocol import Reader

# Inputs per task, and bytes of their names: enough to hide the cost of passing a task, few enough
# to keep all workers busy, and short enough to wait in a pipe.
_TASK_INPUTS = 64
_TASK_BYTES = 3000


class Task(NamedTuple):
    """Some inputs of one split, to be hashed by one worker."""

    reader: Reader
    paths: list[bytes]


class Executor(Protocol):
    """Hashes tasks somewhere: a context, which starts with processes and ends them."""

    def __enter__(self) -> Self:
        """Start."""

    def __exit__(self, kind: object, *rest: object) -> None:
        """End; at once if there is an exception."""

    def map(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        """Batches in the order of the tasks, which are read only a little ahead."""


def hash_paths(executor: Executor, reader: Reader, paths: Iterable[bytes]) -> Iterator[Batch]:
    """Batches in the order of `paths`, which are read only a little ahead."""
    return executor.map(Task(reader, task_paths) for task_paths in _split_paths(paths))


def _split_paths(paths: Iterable[bytes]) -> Iterator[list[bytes]]:
    task_paths: list[bytes] = []
    size = 0
    for path in paths:
        task_paths.append(path)
        size += len(path)
        if len(task_paths) == _TASK_INPUTS or size >= _TASK_BYTES:
            yield task_paths
            task_paths, size = [], 0
    if task_paths:
        yield task_paths

"""The protocol of executors, which run hashing tasks for a store's update."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol, Self

from fastphash.ingest.batch import Batch
from fastphash.sources.protocol import Reader

# Inputs per task, and bytes of their names: enough to hide the cost of passing a task, few enough
# to keep all workers busy, and short enough to wait in a pipe.
_TASK_INPUTS = 64
_TASK_BYTES = 3000


class Task(NamedTuple):
    """Some inputs of one split, to be hashed by one worker.

    Attributes
    ----------
    reader : Reader
    paths : list of bytes
    known : dict of bytes to bytes
        Digests by path: an input whose bytes have it still isn't hashed.
    """

    reader: Reader
    paths: list[bytes]
    known: dict[bytes, bytes]


class Executor(Protocol):
    """Hashes tasks somewhere: a context, which starts with processes and ends them."""

    def __enter__(self) -> Self:
        """Start."""

    def __exit__(self, kind: object, *rest: object) -> None:
        """End; at once if there is an exception."""

    def map(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        """Batches in the order of the tasks, which are read only a little ahead."""


def hash_paths(
    executor: Executor,
    reader: Reader,
    paths: Iterable[bytes],
    known: Mapping[bytes, bytes] | None = None,
) -> Iterator[Batch]:
    """Batches in the order of `paths`, which are read only a little ahead.

    Inputs whose bytes still have the digest that is `known` of them aren't hashed again.
    """
    return executor.map(_tasks(reader, paths, known or {}))


def _tasks(reader: Reader, paths: Iterable[bytes], known: Mapping[bytes, bytes]) -> Iterator[Task]:
    task = Task(reader, [], {})
    size = 0
    for path in paths:
        task.paths.append(path)
        size += len(path)
        if path in known:
            task.known[path] = known[path]
            size += len(path) + len(known[path])
        if len(task.paths) == _TASK_INPUTS or size >= _TASK_BYTES:
            yield task
            task, size = Task(reader, [], {}), 0
    if task.paths:
        yield task

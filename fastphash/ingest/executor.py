"""The protocol of executors, which run hashing tasks for a store's update."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple, Protocol, Self

from fastphash.ingest.batch import Batch
from fastphash.sources.items import ItemReader
from fastphash.sources.protocol import Entry, Item, Listing, Reader, TaskReader

# Inputs per task, and bytes of their names: enough to hide the cost of passing a task, few enough
# to keep all workers busy, and short enough to wait in a pipe.
_TASK_INPUTS = 64
_TASK_BYTES = 3000
# bytes of a member, or of a digest, in a task besides those of its path
_PLACE_BYTES = 16
# Members per task where reading one means to read what comes before it, in a row group or in the
# whole container: many, so that not every worker reads everything.
_MANY_AT_ONCE = {b".parquet": 1024, b".gz": 8192, b".tgz": 8192}

# items that a program hands over, and their bytes: per task, and those that are held until all of
# them are hashed
_GIVEN_INPUTS = 16
_GIVEN_TASK_BYTES = 1 << 20
_GIVEN_AHEAD = 2048
_GIVEN_BYTES = 32 << 20


class Task(NamedTuple):
    """Some inputs of one split, to be hashed by one worker.

    Attributes
    ----------
    reader : TaskReader
    paths : list of bytes
    known : dict of bytes to bytes
        Digests by path: an input whose bytes have it still isn't hashed.
    """

    reader: TaskReader
    paths: list[bytes]
    known: dict[bytes, bytes]


class ListTask(NamedTuple):
    """A container to be listed by one worker."""

    root: bytes
    container: bytes
    image_column: str | None
    key: str | None


class Executor(Protocol):
    """Hashes tasks somewhere: a context, which starts with processes and ends them."""

    def __enter__(self) -> Self:
        """Start."""

    def __exit__(self, kind: object, *rest: object) -> None:
        """End; at once if there is an exception."""

    def map(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        """Batches in the order of the tasks, which are read only a little ahead."""

    def list(self, tasks: Iterable[ListTask]) -> Iterator[Listing]:
        """Listings of containers, in the order of the tasks."""


def hash_entries(
    executor: Executor,
    reader: Reader,
    entries: Iterable[Entry],
    known: Mapping[bytes, bytes] | None = None,
) -> Iterator[Batch]:
    """Batches in the order of `entries`, with the `keys` of members of containers.

    Inputs whose bytes still have the digest that is `known` of them aren't hashed again.
    """
    digests = known or {}
    keys: dict[bytes, bytes] = {}

    def tasks() -> Iterator[Task]:
        for some in _divide(entries, digests):
            keys.update((entry.path, entry.member.key) for entry in some if entry.member)
            paths = [entry.path for entry in some]
            of_task = {path: digests[path] for path in paths if path in digests}
            yield Task(reader.for_task(some), paths, of_task)

    for batch in executor.map(tasks()):
        batch.keys = {path: keys.pop(path) for path in batch.input_paths() if path in keys}
        yield batch


def hash_given(executor: Executor, items: Iterable[Item]) -> Iterator[Batch]:
    """Batches in the order of `items`, which are read a few megabytes ahead."""
    coming = iter(items)
    while some := _take(coming):
        yield from executor.map(_given_tasks(some))


def _given_tasks(items: list[Item]) -> Iterator[Task]:
    given: dict[bytes, Item] = {}
    size = 0
    for item in items:
        # a second item of a key, which is rejected, goes into a task of its own
        if item.path in given or len(given) == _GIVEN_INPUTS or size >= _GIVEN_TASK_BYTES:
            yield Task(ItemReader(given), list(given), {})
            given, size = {}, 0
        given[item.path] = item
        size += len(item.data)
    yield Task(ItemReader(given), list(given), {})


def _take(items: Iterator[Item]) -> list[Item]:
    """The next items: not too many, and no more than one beyond the bytes that are held."""
    some: list[Item] = []
    size = 0
    while len(some) < _GIVEN_AHEAD and size < _GIVEN_BYTES and (item := next(items, None)):
        some.append(item)
        size += len(item.data)
    return some


def _divide(entries: Iterable[Entry], known: Mapping[bytes, bytes]) -> Iterator[list[Entry]]:
    """Inputs of one container each, or of none, as many as make a task."""
    for container, inputs in groupby(entries, key=lambda entry: entry.container):
        ending = container.lower()[container.rfind(b".") :]
        most = _MANY_AT_ONCE.get(ending) if container else None
        some: list[Entry] = []
        size = 0
        for entry in inputs:
            some.append(entry)
            size += len(entry.path) + (_PLACE_BYTES if container else 0)
            if entry.path in known:
                size += len(entry.path) + _PLACE_BYTES
            if len(some) == (most or _TASK_INPUTS) or (not most and size >= _TASK_BYTES):
                yield some
                some, size = [], 0
        if some:
            yield some

"""The protocol of executors, which run hashing tasks for a store's update."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple, Protocol, Self

from fastphash.ingest.batch import Batch
from fastphash.sources.container_source import Listing
from fastphash.sources.items import Item, ItemReader
from fastphash.sources.member_paths import split_path
from fastphash.sources.member_reader import ContainerReader, MemberReader
from fastphash.sources.protocol import Entry, Reader

# Inputs per task, and bytes of their names: enough to hide the cost of passing a task, few enough
# to keep all workers busy, and short enough to wait in a pipe.
_TASK_INPUTS = 64
_TASK_BYTES = 3000
# bytes of a member in a task besides those of its path
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
    reader : Reader
    paths : list of bytes
    known : dict of bytes to bytes
        Digests by path: an input whose bytes have it still isn't hashed.
    """

    reader: Reader
    paths: list[bytes]
    known: dict[bytes, bytes]


class ListTask(NamedTuple):
    """A container to be listed by one worker."""

    root: bytes
    container: bytes
    image_column: str | None


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


def hash_members(
    executor: Executor,
    reader: ContainerReader,
    entries: Iterable[Entry],
    known: Mapping[bytes, bytes] | None = None,
) -> Iterator[Batch]:
    """Batches in the order of `entries`, which are members of containers, with their `keys`.

    Members whose bytes still have the digest that is `known` of them aren't hashed again.
    """
    keys: deque[dict[bytes, bytes]] = deque()

    def tasks() -> Iterator[Task]:
        for members in _divide(entries):
            keys.append({entry.path: entry.member.key for entry in members if entry.member})
            yield _member_task(reader, members, known or {})

    for batch in executor.map(tasks()):
        batch.keys = keys.popleft()
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


def _member_task(
    reader: ContainerReader, entries: list[Entry], known: Mapping[bytes, bytes]
) -> Task:
    places = {
        entry.path: (entry.member.offset, entry.member.size) for entry in entries if entry.member
    }
    stamp = entries[0].stamp
    assert stamp is not None
    paths = [entry.path for entry in entries]
    digests = {path: known[path] for path in paths if path in known}
    return Task(MemberReader(reader, stamp, places), paths, digests)


def _divide(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Members of one container each, as many as make a task."""
    for container, members in groupby(entries, key=lambda entry: split_path(entry.path)[0]):
        ending = container.lower()[container.rfind(b".") :]
        most, bytes_left = _MANY_AT_ONCE.get(ending), _TASK_BYTES
        some: list[Entry] = []
        for entry in members:
            some.append(entry)
            bytes_left -= len(entry.path) + _PLACE_BYTES
            if len(some) == (most or _TASK_INPUTS) or (not most and bytes_left <= 0):
                yield some
                some, bytes_left = [], _TASK_BYTES
        if some:
            yield some

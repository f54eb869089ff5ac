"""The caller's own process, as an executor."""

from collections.abc import Iterable, Iterator
from typing import Self

from fastphash.ingest.batch import Batch
from fastphash.ingest.executor import ListTask, Task
from fastphash.ingest.worker import Hasher, Recipe
from fastphash.sources.container_source import list_container
from fastphash.sources.open_containers import close_containers
from fastphash.sources.protocol import Listing


class InProcess:
    """Hashes without worker processes.

    There is nobody to end an image that takes too long or too much memory, and a decoder that
    crashes takes the caller with it.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._hasher = Hasher(recipe)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        """Close the containers that were read."""
        close_containers()

    def map(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        """Batches in the order of the tasks."""
        for task in tasks:
            yield self._hasher.hash_files(task.reader, task.paths, task.known)

    def list(self, tasks: Iterable[ListTask]) -> Iterator[Listing]:
        """Listings in the order of the tasks."""
        return (list_container(*task) for task in tasks)

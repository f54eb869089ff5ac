"""Worker processes of this machine, as an executor."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Self

from fastphash.base.machine import free_memory
from fastphash.base.supervisor import Supervisor
from fastphash.defaults import TIMEOUT
from fastphash.ingest.batch import Batch
from fastphash.ingest.executor import Executor, ListTask, Task
from fastphash.ingest.in_process import InProcess
from fastphash.ingest.options import IngestOptions, check_timeout, worker_count
from fastphash.ingest.worker import Recipe, start_worker
from fastphash.sources.protocol import Listing

# bytes that a worker may always take: enough for the largest image that is decoded
_LEAST_MEMORY = 2 << 30


class Workers:
    """The executor of this machine: worker processes.

    A context: leaving it ends the processes, at once if there is an exception.

    Parameters
    ----------
    count : int
        Processes.
    recipe : Recipe
    timeout : float
        Seconds for one image; a worker that takes longer is ended. An image that ends two workers,
        by time or by a crash, is rejected.

    Raises
    ------
    UsageError
        `count` is less than one, or `timeout` is not above 0.
    WorkerError
        Processes can't be started.
    """

    def __init__(self, count: int, recipe: Recipe, timeout: float = TIMEOUT) -> None:
        worker_count(count)
        check_timeout(timeout)
        memory = max(free_memory() // (count + 1), _LEAST_MEMORY)
        self._supervisor = Supervisor(count, timeout, start_worker, (recipe, memory))

    def __enter__(self) -> Self:
        self._supervisor.__enter__()
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        self._supervisor.__exit__(kind, *rest)

    def map(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        """Batches in the order of the tasks, which are read only a little ahead."""
        return self._supervisor.map(tasks)

    def list(self, tasks: Iterable[ListTask]) -> Iterator[Listing]:
        """Listings in the order of the tasks."""
        return self._supervisor.map(tasks)


def start_workers(options: IngestOptions) -> Executor:
    """What the options ask for: worker processes, or this process."""
    if options.workers == 0:
        return InProcess(recipe_of(options))
    return Workers(worker_count(options.workers), recipe_of(options), options.timeout)


def recipe_of(options: IngestOptions) -> Recipe:
    """The part of the options that workers need."""
    definition = options.definition
    return Recipe(
        replace(definition.decoding(), max_pixels=options.max_pixels),
        definition.pass_order,
        (definition.algorithm, *options.layout.further),
        options.layout.orientations,
        options.max_pixels,
    )

"""Worker processes of this machine, as an executor."""

from collections.abc import Iterable, Iterator
from typing import Self

from fastphash.base.machine import core_count, free_memory
from fastphash.base.supervisor import Supervisor
from fastphash.defaults import TIMEOUT
from fastphash.errors import UsageError
from fastphash.ingest.batch import Batch
from fastphash.ingest.executor import Task
from fastphash.ingest.hasher import Recipe, start_worker

# bytes that a worker may take whatever is free: enough for images as large as may be
_LEAST_MEMORY = 2 << 30


class Workers:
    """The executor of this machine: worker processes.

    Use it as a context: leaving it ends the processes, at once where an exception passes.

    Parameters
    ----------
    count : int
        Processes.
    recipe : Recipe
    timeout : float
        Seconds that a worker may take for one image; it is ended then. An image that has ended two
        workers, so or by a crash, is rejected.

    Raises
    ------
    UsageError
        `count` is less than one, or `timeout` is no time.
    WorkerError
        Processes can't be started.
    """

    def __init__(self, count: int, recipe: Recipe, timeout: float = TIMEOUT) -> None:
        if count < 1:
            raise UsageError(f"workers must be at least 1, not {count}")
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


def worker_count(workers: int | None) -> int:
    """The number asked for, or one for each core that this process may use."""
    if workers is None:
        return core_count()
    if workers < 1:
        raise UsageError(f"workers must be at least 1, not {workers}")
    return workers


def check_timeout(timeout: float) -> None:
    """Raise UsageError for what is no time to wait."""
    if not timeout > 0:
        raise UsageError(f"a timeout is a number of seconds above 0, not {timeout:g}")

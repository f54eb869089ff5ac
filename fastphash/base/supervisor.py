"""Supervised worker processes: an item is given up only after two of them die of it.

The pools of libraries have one of two faults: the whole pool breaks when one process dies, or all
processes answer through one pipe, which becomes unreadable if a process is killed while it writes.
Here each process has its own pipe, and records in shared memory which item it works on.
"""

import contextlib
import ctypes
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import connection
from typing import Any, NamedTuple, Self

from fastphash.base.processes import new_process
from fastphash.base.system import wait_for
from fastphash.base.worker_start import how_ended, start_process, worker_context
from fastphash.errors import WorkerError

#: Called with the number of an item when work on the item begins.
At = Callable[[int], None]
#: Called as work(task, refused, at); `refused` gives the items to skip, each with its reason.
Work = Callable[[Any, dict[int, str], At], Any]

# tasks that one worker holds, including the one in progress
_HELD = 2
# How many tasks may be read while the oldest one is unfinished, so that a task that hangs does not
# delay the others: `_AHEAD` for each worker, and at least `_MIN_AHEAD`.
_AHEAD = 4
_MIN_AHEAD = 256
# bytes that a pipe holds before its worker reads; a larger task goes only to a worker without tasks
_PIPE_CAPACITY = 4096
# deaths of workers after which an item is given up
_MAX_KILLS = 2
# consecutive deaths of idle workers after which the supervisor gives up
_MAX_IDLE_DEATHS = 3
_NO_ITEM = -1
# seconds: longest wait for an answer before the deadlines are checked, and margin past a deadline
_MAX_WAIT = 1.0
_MARGIN = 0.001
# a worker that holds tasks but works on none is stuck after the timeout and this many seconds
_STALL = 60.0
# seconds that a worker has to leave when asked, before it is killed
_LEAVE = 5.0


class Refusals:
    """What workers died of or were late with, by keys that several tasks may have in common.

    Such an item is given up in all tasks. It costs its time twice, and once more for each other
    worker that has a task with it already.

    Parameters
    ----------
    keys_of : callable
        Called with a task: the keys of its first items.
    """

    def __init__(self, keys_of: Callable[[Any], Sequence[Hashable]]) -> None:
        self._keys_of = keys_of
        self._kills: dict[Hashable, int] = {}
        self._reasons: dict[Hashable, str] = {}

    def of(self, task: Any) -> dict[int, str]:
        """The items of a task that are given up, each with its reason."""
        keys = enumerate(self._keys_of(task)) if self._reasons else ()
        return {item: self._reasons[key] for item, key in keys if key in self._reasons}

    def count(self, task: Any, item: int, reason: str) -> None:
        """Note that a worker died of an item."""
        keys = self._keys_of(task)
        if item < len(keys):
            self._kills[keys[item]] = self._kills.get(keys[item], 0) + 1
            if self._kills[keys[item]] >= _MAX_KILLS:
                self._reasons[keys[item]] = reason


@dataclass(slots=True, eq=False)
class _Task:
    value: Any
    kills: dict[int, int] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    result: Any = None
    done: bool = False


@dataclass(slots=True, eq=False)
class _Worker:
    """One process. It shares `current`: its item, and the time in ns when work on it began."""

    process: Any
    pipe: Any
    current: Any
    held: deque[_Task] = field(default_factory=deque)
    late: bool = False
    idle_since: float | None = None

    def seconds_at_item(self) -> float:
        """How long the worker has worked on its item; 0 without an item."""
        item, began = self.current
        return 0.0 if item == _NO_ITEM else (time.monotonic_ns() - began) / 1e9


class _Failure(NamedTuple):
    """A worker's answer when its work raises: an error of the program, not of an item."""

    reason: str


class Supervisor:
    """Processes that work on tasks of several items; results come in the order of the tasks.

    Use it as a context manager. On exit the processes leave; on an exception they are killed.

    Parameters
    ----------
    count : int
        Number of processes.
    timeout : float
        Seconds that a process may take for one item before it is killed.
    start, arguments
        ``start(*arguments)`` is called in each process and returns its `Work`.

    Raises
    ------
    WorkerError
        Processes can't be started.
    """

    def __init__(
        self, count: int, timeout: float, start: Callable[..., Work], arguments: tuple[Any, ...]
    ) -> None:
        self._timeout = timeout
        self._start = start
        self._arguments = arguments
        self._context = worker_context()
        self._ahead = max(_AHEAD * count, _MIN_AHEAD)
        self._queue: deque[_Task] = deque()
        self._refusals: Refusals | None = None
        self._idle_deaths = 0
        self._workers: list[_Worker] = []
        try:
            for _ in range(count):
                self._workers.append(self._start_worker())
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        end = self.close if kind is None else self.kill
        end()

    def close(self) -> None:
        """Ask the processes to leave, give them time to, and kill those that don't."""
        for worker in self._workers:
            with contextlib.suppress(OSError):
                worker.pipe.send_bytes(pickle.dumps(None))
        end = time.monotonic() + _LEAVE
        for worker in self._workers:
            worker.process.join(max(end - time.monotonic(), 0))
        self.kill()

    def kill(self) -> None:
        """Kill the processes, whatever they are doing."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
        self._workers = []

    def map(self, tasks: Iterable[Any], refusals: Refusals | None = None) -> Iterator[Any]:
        """Results in the order of the tasks; tasks are read only a little ahead.

        What `refusals` give up is refused in these tasks as well, and they are told of more.
        """
        self._refusals = refusals
        source = iter(tasks)
        waiting: deque[_Task] = deque()
        while True:
            fresh = [_Task(value) for value in islice(source, self._ahead - len(waiting))]
            waiting += fresh
            self._queue += fresh
            if not waiting:
                return
            self._deal()
            self._attend(0 if waiting[0].done else self._next_deadline())
            while waiting and waiting[0].done:
                yield waiting.popleft().result

    def _next_deadline(self) -> float:
        """Seconds until a worker may be late."""
        left = (self._timeout - worker.seconds_at_item() for worker in self._workers)
        return max(min(_MAX_WAIT, *left), 0) + _MARGIN

    def _deal(self) -> None:
        """Give tasks to the workers that hold the fewest."""
        while self._queue:
            worker = min(self._workers, key=lambda worker: len(worker.held))
            task = self._queue[0]
            if self._refusals is not None:
                task.refused |= self._refusals.of(task.value)
            message = pickle.dumps((task.value, task.refused))
            if len(worker.held) >= (_HELD if len(message) <= _PIPE_CAPACITY else 1):
                return
            worker.held.append(self._queue.popleft())
            with contextlib.suppress(OSError):  # the worker is dead: `_attend` replaces it
                worker.pipe.send_bytes(message)

    def _attend(self, seconds: float) -> None:
        """Wait for answers and take them, kill workers that are late, replace dead ones."""
        owner = {worker.pipe: worker for worker in self._workers}
        owner |= {worker.process.sentinel: worker for worker in self._workers}
        ready = {id(owner[end]): owner[end] for end in wait_for(list(owner), seconds)}
        for worker in ready.values():
            # checked before the pipe is read: what a worker sent before it died still counts
            alive = worker.process.is_alive()
            if not (self._take_results(worker) and alive):
                self._replace(worker)
        for worker in self._workers:
            if worker.seconds_at_item() > self._timeout:
                worker.late = True
                worker.process.kill()
            elif not worker.held or worker.current[0] != _NO_ITEM:
                worker.idle_since = None
            elif worker.idle_since is None:
                worker.idle_since = time.monotonic()
            elif time.monotonic() - worker.idle_since > self._timeout + _STALL:
                worker.process.kill()

    def _take_results(self, worker: _Worker) -> bool:
        """Take the results that have arrived; False if the pipe is broken."""
        try:
            while worker.pipe.poll():
                result = worker.pipe.recv()
                if isinstance(result, _Failure):
                    raise WorkerError(f"a worker process failed: {result.reason}")
                task = worker.held.popleft()
                task.result, task.done = result, True
                worker.idle_since = None
                self._idle_deaths = 0
        except (EOFError, OSError, pickle.UnpicklingError):
            return False
        return True

    def _replace(self, dead: _Worker) -> None:
        dead.process.kill()
        dead.process.join()
        dead.pipe.close()
        item = dead.current[0]
        if dead.held and item != _NO_ITEM:
            task = dead.held[0]
            task.kills[item] = task.kills.get(item, 0) + 1
            if task.kills[item] >= _MAX_KILLS:
                task.refused[item] = self._reason(dead)
            if self._refusals is not None:
                self._refusals.count(task.value, item, self._reason(dead))
        else:
            self._idle_deaths += 1
            if self._idle_deaths >= _MAX_IDLE_DEATHS:
                raise WorkerError(f"worker processes keep dying: {how_ended(dead.process)}")
        self._queue.extendleft(reversed(dead.held))
        self._workers[self._workers.index(dead)] = self._start_worker()

    def _reason(self, dead: _Worker) -> str:
        if dead.late:
            return f"not done after {self._timeout:g} s, twice"
        return f"the worker process died of it twice, {how_ended(dead.process)}"

    def _start_worker(self) -> _Worker:
        supervisor_end, worker_end = self._context.Pipe()
        current = self._context.RawArray(ctypes.c_int64, [_NO_ITEM, 0])
        # a server that workers are forked from keeps the environment that it was started with
        arguments = (worker_end, current, dict(os.environ), self._start, self._arguments)
        process = new_process(self._context.get_start_method(), _serve, arguments)
        start_process(process, self._context)
        worker_end.close()
        return _Worker(process, supervisor_end, current)


def _serve(
    pipe: Any,
    current: Any,
    environment: dict[str, str],
    start: Callable[..., Work],
    arguments: tuple[Any, ...],
) -> None:
    """Work on tasks until the supervisor says to leave: the whole life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    work = start(*arguments)

    def at(item: int) -> None:
        # set the time first: otherwise this item would seem as old as the last one
        current[1] = time.monotonic_ns()
        current[0] = item

    # the supervisor is gone: the pipe ends, or breaks
    with contextlib.suppress(EOFError, ConnectionError):
        while task := pipe.recv():
            value, refused = task
            try:
                result = work(value, refused, at)
            except Exception as error:
                result = _Failure(f"{type(error).__name__}: {error}")
            at(_NO_ITEM)
            pipe.send(result)


def _leave_with_parent() -> None:
    """End this process when its parent is gone, whatever it is doing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)

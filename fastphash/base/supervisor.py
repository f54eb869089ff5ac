"""Worker processes under supervision: an item that ends two of them is given up, and no other.

Pools of libraries either break as a whole when one process dies, or have all processes answer
through one pipe, which nobody can read any more once one was killed while it wrote. Here each has a
pipe of its own, and writes into shared memory which item it is at.
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
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import connection
from typing import Any, NamedTuple, Self

from fastphash.errors import WorkerError

#: Called with the number of the item that is begun now.
At = Callable[[int], None]
#: Called as work(task, refused, at); `refused` are items that it must not begin, with the reasons.
Work = Callable[[Any, dict[int, str], At], Any]

# tasks that a process holds, one of them in work
_HELD = 2
# tasks begun before the first of them is done, so that one that hangs holds nobody up: for each
# process, and at least
_AHEAD = 4
_LEAST_AHEAD = 256
# bytes that a pipe takes although nobody reads; a larger task goes to a process that waits for it
_PIPE_TAKES = 4096
# processes that an item may end, and that may end one after the other while they are at none
_KILLS = 2
_LOST = 3
_NO_ITEM = -1
# seconds: between looks at the clock at most, past a deadline, and until a process that was asked
# to leave is killed
_LOOK = 1.0
_TICK = 0.001
# more than the timeout, until one that holds tasks and is at none of them is taken for stuck
_STALL = 60.0
_LEAVE = 5.0


@dataclass(slots=True, eq=False)
class _Task:
    value: Any
    kills: dict[int, int] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    result: Any = None
    done: bool = False


@dataclass(slots=True, eq=False)
class _Process:
    """One process; `place` is shared with it: its item, and when it began that, in ns."""

    process: Any
    pipe: Any
    place: Any
    held: deque[_Task] = field(default_factory=deque)
    late: bool = False
    idle_since: float | None = None

    def seconds_at_item(self) -> float:
        """How long it has been at its item; 0 while it is at none."""
        item, since = self.place
        return 0.0 if item == _NO_ITEM else (time.monotonic_ns() - since) / 1e9


class _Failed(NamedTuple):
    """What a process says of an error that is nobody's but ours."""

    reason: str


class Supervisor:
    """Processes that work on tasks of several items and answer in the order of the tasks.

    Use it as a context: leaving it ends the processes, at once where an exception passes.

    Parameters
    ----------
    count : int
        Processes.
    timeout : float
        Seconds after which a process is ended that is still at the same item.
    start, arguments
        ``start(*arguments)`` is called in each process and gives its `Work`.

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
        self._context = _context(start.__module__)
        self._ahead = max(_AHEAD * count, _LEAST_AHEAD)
        self._queue: deque[_Task] = deque()
        self._lost = 0
        self._processes: list[_Process] = []
        try:
            for _ in range(count):
                self._processes.append(self._new_process())
        except BaseException:
            self._kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._dismiss()
        self._kill()

    def map(self, tasks: Iterable[Any]) -> Iterator[Any]:
        """Results in the order of tasks, which are read only a little ahead of what is taken."""
        source = iter(tasks)
        waiting: deque[_Task] = deque()
        while True:
            fresh = [_Task(value) for value in islice(source, self._ahead - len(waiting))]
            waiting += fresh
            self._queue += fresh
            if not waiting:
                return
            self._deal()
            self._attend(0 if waiting[0].done else self._patience())
            while waiting and waiting[0].done:
                yield waiting.popleft().result

    def _patience(self) -> float:
        """Seconds until one of the processes may be late."""
        left = (self._timeout - process.seconds_at_item() for process in self._processes)
        return max(min(_LOOK, *left), 0) + _TICK

    def _deal(self) -> None:
        """Give tasks to the processes that hold the fewest."""
        while self._queue:
            process = min(self._processes, key=lambda process: len(process.held))
            task = self._queue[0]
            message = pickle.dumps((task.value, task.refused))
            if len(process.held) >= (_HELD if len(message) <= _PIPE_TAKES else 1):
                return
            process.held.append(self._queue.popleft())
            with contextlib.suppress(OSError):  # it is dead: that is noticed next
                process.pipe.send_bytes(message)

    def _attend(self, seconds: float) -> None:
        """Take what has been answered, end what takes too long, replace what is dead."""
        owner = {process.pipe: process for process in self._processes}
        owner |= {process.process.sentinel: process for process in self._processes}
        ready = {id(owner[one]): owner[one] for one in connection.wait(list(owner), seconds)}
        for process in ready.values():
            # looked at first: what it has sent before it died still counts
            alive = process.process.is_alive()
            if not (self._take_results(process) and alive):
                self._replace(process)
        for process in self._processes:
            if process.seconds_at_item() > self._timeout:
                process.late = True
                process.process.kill()
            elif not process.held or process.place[0] != _NO_ITEM:
                process.idle_since = None
            elif process.idle_since is None:
                process.idle_since = time.monotonic()
            elif time.monotonic() - process.idle_since > self._timeout + _STALL:
                process.process.kill()

    def _take_results(self, process: _Process) -> bool:
        """Whether the pipe is still whole."""
        try:
            while process.pipe.poll():
                result = process.pipe.recv()
                if isinstance(result, _Failed):
                    raise WorkerError(f"a worker process failed: {result.reason}")
                task = process.held.popleft()
                task.result, task.done = result, True
                process.idle_since = None
                self._lost = 0
        except (EOFError, OSError, pickle.UnpicklingError):
            return False
        return True

    def _replace(self, dead: _Process) -> None:
        dead.process.kill()
        dead.process.join()
        dead.pipe.close()
        item = dead.place[0]
        if dead.held and item != _NO_ITEM:
            task = dead.held[0]
            task.kills[item] = task.kills.get(item, 0) + 1
            if task.kills[item] >= _KILLS:
                task.refused[item] = self._reason(dead)
        else:
            self._lost += 1
            if self._lost >= _LOST:
                raise WorkerError(f"worker processes don't last: {_how_ended(dead.process)}")
        self._queue.extendleft(reversed(dead.held))
        self._processes[self._processes.index(dead)] = self._new_process()

    def _reason(self, dead: _Process) -> str:
        if dead.late:
            return f"not done after {self._timeout:g} s, twice"
        return f"the worker process died of it twice, {_how_ended(dead.process)}"

    def _new_process(self) -> _Process:
        ours, theirs = self._context.Pipe()
        place = self._context.RawArray(ctypes.c_int64, [_NO_ITEM, 0])
        process = self._context.Process(
            target=_serve, args=(theirs, place, self._start, self._arguments), daemon=True
        )
        with _start_errors():
            process.start()
        theirs.close()
        return _Process(process, ours, place)

    def _dismiss(self) -> None:
        for process in self._processes:
            with contextlib.suppress(OSError):
                process.pipe.send_bytes(pickle.dumps(None))
        end = time.monotonic() + _LEAVE
        for process in self._processes:
            process.process.join(max(end - time.monotonic(), 0))

    def _kill(self) -> None:
        for process in self._processes:
            process.process.kill()
        for process in self._processes:
            process.process.join()
            process.pipe.close()
        self._processes = []


def _how_ended(process: Any) -> str:
    code = process.exitcode
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"by {signal.Signals(-code).name}"
    return f"with exit status {code}"


def _serve(pipe: Any, place: Any, start: Callable[..., Work], arguments: tuple[Any, ...]) -> None:
    """What a process does until it is told to leave."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    work = start(*arguments)

    def at(item: int) -> None:
        # in this order, or it would seem to have been at this item since the last one began
        place[1] = time.monotonic_ns()
        place[0] = item

    with contextlib.suppress(EOFError):
        while task := pipe.recv():
            value, refused = task
            try:
                result = work(value, refused, at)
            except Exception as error:
                result = _Failed(f"{type(error).__name__}: {error}")
            at(_NO_ITEM)
            pipe.send(result)


def _leave_with_parent() -> None:
    """End this process when its parent is gone, whatever it is at."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _context(preloaded: str) -> Any:
    """Where processes come from: one that has imported everything once, or else from scratch."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        from multiprocessing import forkserver  # there is none on Windows

        context: Any = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([preloaded])
        with _interrupts_ignored(), _start_errors():
            forkserver.ensure_running()
    else:
        context = multiprocessing.get_context("spawn")
    # one that does nothing tells whether any can be started, and ends when imports are done:
    # workers that are stopped while they start leave their tracebacks on the screen
    first = context.Process(target=_nothing)
    with _start_errors():
        first.start()
    first.join()
    if first.exitcode:
        raise WorkerError(
            "worker processes can't be started: in a script, call below if __name__ == '__main__':"
        )
    return context


@contextlib.contextmanager
def _start_errors() -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, RuntimeError) as error:
        raise WorkerError(f"worker processes can't be started: {error}") from error


def _nothing() -> None:
    """The work of the first process."""


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes started meanwhile never see Ctrl-C, not even while they import: the parent does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

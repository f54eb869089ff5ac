"""Jobs run side by side in threads."""

import _thread
import sys
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
_END = object()


def run_all(threads: int, jobs: Iterable[Callable[[], object]]) -> None:
    """Run all jobs, each as soon as a thread is free."""
    for _ in interleave(threads, (_once(job) for job in jobs)):
        pass


def interleave(threads: int, jobs: Iterable[Iterator[T]]) -> Iterator[T]:
    """The items of all iterators in any order; each thread advances one iterator at a time.

    No iterator runs more than one item ahead of the consumer. If the consumer stops or is
    interrupted, items in progress are finished and no other begins. No thread is left then.
    """
    if threads <= 1:
        for job in jobs:
            yield from job
        return
    source = iter(jobs)
    team: _Team[T] = _Team()
    running = 0
    try:
        for _, job in zip(range(threads), source, strict=False):
            team.add_thread()
            team.advance(job)
            running += 1
        while running:
            job, item = team.next_step()
            if item is not _END:
                team.advance(job)
                yield item  # type: ignore[misc]  # only _END is no T
            elif (following := next(source, None)) is not None:
                team.advance(following)
            else:
                running -= 1
    finally:
        team.dismiss()


class _Step(NamedTuple, Generic[T]):
    """One step of an iterator: its item, `_END`, or the error that it raised."""

    job: Iterator[T]
    item: T | object
    error: BaseException | None = None


class _Team(Generic[T]):
    """Threads that advance iterators.

    They are started and waited for by calls that a signal can't leave half done. Its exception may
    come between any two instructions of the main thread; in the middle of `threading.Thread.start`,
    or of a pool of the standard library, it leaves a lock behind that is waited for, for ever.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Iterator[T] | None] = SimpleQueue()
        self._steps: SimpleQueue[_Step[T] | None] = SimpleQueue()
        self._threads = 0

    def add_thread(self) -> None:
        """Start a thread, if there is memory for it; it never keeps the process from ending.

        Raises
        ------
        MemoryError
            Not even a first one can be started.
        """
        try:
            _thread.start_new_thread(_work, (self._jobs, self._steps))
        except RuntimeError as error:
            if not self._threads:
                raise MemoryError("no thread can be started") from error
        else:
            self._threads += 1

    def advance(self, job: Iterator[T]) -> None:
        """Let a thread take the next item of an iterator."""
        self._jobs.put(job)

    def next_step(self) -> tuple[Iterator[T], T | object]:
        """Wait for a step: its iterator and item, or `_END`; raises what the iterator raised."""
        step = self._steps.get()
        assert step is not None
        if step.error is not None:
            raise step.error
        return step.job, step.item

    def dismiss(self) -> None:
        """Let all threads end, and wait for them, unless Python itself ends.

        An iterator that an error left behind may be closed that late. No thread runs any more then.
        """
        self._jobs.put(None)
        while self._threads and not sys.is_finalizing():
            if self._steps.get() is None:
                self._threads -= 1

    def __del__(self) -> None:
        # `dismiss` may have been interrupted
        self._jobs.put(None)


def _work(jobs: "SimpleQueue[Iterator[T] | None]", steps: "SimpleQueue[_Step[T] | None]") -> None:
    while (job := jobs.get()) is not None:
        try:
            step: _Step[T] = _Step(job, next(job, _END))
        except BaseException as error:
            step = _Step(job, _END, error)
        steps.put(step)
        # an item may be large
        del step
    # for the next thread: there may be one that was started, but not counted
    jobs.put(None)
    steps.put(None)


def _once(job: Callable[[], object]) -> Iterator[object]:
    job()
    return
    yield

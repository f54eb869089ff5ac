"""Jobs run side by side in threads."""

from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from threading import Thread
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
                yield item  # type: ignore[misc]
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

    They wait in SimpleQueue only. A signal may raise an exception between any two instructions of
    the main thread; pools and locks written in Python can be left locked by it, and wait for ever.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Iterator[T] | None] = SimpleQueue()
        self._steps: SimpleQueue[_Step[T]] = SimpleQueue()
        self._threads: list[Thread] = []

    def add_thread(self) -> None:
        """Start a thread; as a daemon, it never keeps a process that was interrupted here."""
        thread = Thread(target=_work, args=(self._jobs, self._steps), daemon=True)
        thread.start()
        self._threads.append(thread)

    def advance(self, job: Iterator[T]) -> None:
        """Let a thread take the next item of an iterator."""
        self._jobs.put(job)

    def next_step(self) -> tuple[Iterator[T], T | object]:
        """Wait for a step: its iterator and item, or `_END`; raises what the iterator raised."""
        step = self._steps.get()
        if step.error is not None:
            raise step.error
        return step.job, step.item

    def dismiss(self) -> None:
        """Let all threads end, and wait for them."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()


def _work(jobs: "SimpleQueue[Iterator[T] | None]", steps: "SimpleQueue[_Step[T]]") -> None:
    while (job := jobs.get()) is not None:
        try:
            step: _Step[T] = _Step(job, next(job, _END))
        except BaseException as error:
            step = _Step(job, _END, error)
        steps.put(step)
        # an item may be large
        del step


def _once(job: Callable[[], object]) -> Iterator[object]:
    job()
    return
    yield

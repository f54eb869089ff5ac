"""Jobs run side by side in threads."""

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
_END = object()


def run_all(threads: int, jobs: Iterable[Callable[[], object]]) -> None:
    """Run all jobs, each as soon as a thread is free."""
    for _ in interleave(threads, (_once(job) for job in jobs)):
        pass


def interleave(threads: int, jobs: Iterable[Iterator[T]]) -> Iterator[T]:
    """The items of all iterators in any order; each thread advances one iterator at a time.

    No iterator runs more than one item ahead of the consumer. If the consumer stops or is
    interrupted, items in progress are finished and no other begins.
    """
    if threads <= 1:
        for job in jobs:
            yield from job
        return
    source = iter(jobs)
    pool = _pool(threads)
    running: dict[Future[object], Iterator[T]] = {}

    def advance(job: Iterator[T]) -> None:
        running[pool.submit(next, job, _END)] = job

    try:
        for _, job in zip(range(threads), source, strict=False):
            advance(job)
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                job = running.pop(future)
                item = future.result()
                if item is _END:
                    following = next(source, None)
                    if following is not None:
                        advance(following)
                else:
                    advance(job)
                    yield item  # type: ignore[misc]
    finally:
        wait(running)


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


if hasattr(os, "register_at_fork"):
    # a forked child doesn't have its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)


def _once(job: Callable[[], object]) -> Iterator[object]:
    job()
    return
    yield

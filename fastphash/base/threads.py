"""Jobs side by side in threads."""

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
_END = object()


def run_all(threads: int, jobs: Iterable[Callable[[], object]]) -> None:
    """Run jobs to their ends, the next as soon as a thread is free."""
    for _ in interleave(threads, (_once(job) for job in jobs)):
        pass


def interleave(threads: int, jobs: Iterable[Iterator[T]]) -> Iterator[T]:
    """What iterators yield, as many of them advanced at once as there are threads, in any order.

    None of them is advanced further than one item ahead of what is taken. If the taker stops, or
    is interrupted, the items at work are finished and no other is begun.
    """
    if threads <= 1:
        for job in jobs:
            yield from job
        return
    source = iter(jobs)
    pool = _pool(threads)
    working: dict[Future[object], Iterator[T]] = {}

    def advance(job: Iterator[T]) -> None:
        working[pool.submit(next, job, _END)] = job

    try:
        for _, job in zip(range(threads), source, strict=False):
            advance(job)
        while working:
            done, _ = wait(working, return_when=FIRST_COMPLETED)
            for future in done:
                job = working.pop(future)
                item = future.result()
                if item is _END:
                    following = next(source, None)
                    if following is not None:
                        advance(following)
                else:
                    advance(job)
                    yield item  # type: ignore[misc]
    finally:
        wait(working)


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


if hasattr(os, "register_at_fork"):
    # a forked child has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)


def _once(job: Callable[[], object]) -> Iterator[object]:
    job()
    return
    yield

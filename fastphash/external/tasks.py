"""Steps of a join that uses the disk: what it may use, and how far it is."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

from fastphash.base.threads import interleave
from fastphash.joins.options import JoinOptions

T = TypeVar("T")


class Steps:
    """Counts steps, and reports them; the number of all grows as they become known."""

    def __init__(self, options: JoinOptions) -> None:
        self._advance = options.advance
        self._threads = options.threads
        self._done = 0
        self._total = 0

    def expect(self, steps: int) -> None:
        """So many steps more will be taken."""
        self._total += steps
        self._advance(self._done, self._total)

    def skip(self, steps: int = 1) -> None:
        """So many steps were taken, now or by an earlier run."""
        self._done += steps
        self._advance(self._done, self._total)

    def run(self, jobs: Iterable[Callable[[], T]]) -> Iterator[T]:
        """What jobs return, in any order, each a step; all threads work on them."""
        for result in interleave(self._threads, (_once(job) for job in jobs)):
            yield result
            self.skip()

    def run_in_order(self, jobs: Iterable[Callable[[], T]]) -> Iterator[T]:
        """What jobs return, in their order, each a step; all threads work on them."""
        waiting = dict[int, T]()
        following = 0
        numbered = (partial(_numbered, number, job) for number, job in enumerate(jobs))
        for number, result in self.run(numbered):
            waiting[number] = result
            while following in waiting:
                yield waiting.pop(following)
                following += 1


def _once(job: Callable[[], T]) -> Iterator[T]:
    yield job()


def _numbered(number: int, job: Callable[[], T]) -> tuple[int, T]:
    return number, job()

"""How to hash images into a store."""

from dataclasses import dataclass, field

from fastphash.base.machine import processes_that_fit
from fastphash.defaults import MAX_PIXELS, TIMEOUT
from fastphash.errors import UsageError
from fastphash.hashing.definition import Definition
from fastphash.store.schema import Layout

# bytes that a worker takes for images of 16 megapixels
_WORKER_MEMORY = 256 << 20


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How to hash images, and what a store keeps of them.

    Attributes
    ----------
    definition : Definition
        What the hashes mean; must be the store's if there is one.
    layout : Layout
        Which optional columns the store has; must be the store's if there is one.
    workers : int or None
        Processes; None for one per core, or fewer where memory is short.
    timeout : float
        Seconds for one image. An image that takes longer twice is rejected, like one that crashes
        its worker twice.
    max_pixels : int
        Images with more pixels, by their headers, are rejected.
    keep_missing : bool
        Keep the rows of files that are gone, but not the rows of a folder that the split has left.

    Raises
    ------
    UsageError
        `workers` is less than one, or `timeout` is not above 0.
    """

    definition: Definition = field(default_factory=Definition)
    layout: Layout = field(default_factory=Layout)
    workers: int | None = None
    timeout: float = TIMEOUT
    max_pixels: int = MAX_PIXELS
    keep_missing: bool = False

    def __post_init__(self) -> None:
        worker_count(self.workers)
        check_timeout(self.timeout)


def worker_count(workers: int | None) -> int:
    """The number asked for, or one for each core that this process may use, if memory allows."""
    if workers is None:
        return processes_that_fit(_WORKER_MEMORY)
    if workers < 1:
        raise UsageError(f"workers must be at least 1, not {workers}")
    return workers


def check_timeout(timeout: float) -> None:
    """Raise UsageError unless a timeout is above 0."""
    if not timeout > 0:
        raise UsageError(f"a timeout is a number of seconds above 0, not {timeout:g}")

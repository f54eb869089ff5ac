"""How to hash images into a store."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict

import numpy as np

from fastphash.base.machine import processes_that_fit
from fastphash.defaults import MAX_PIXELS, TIMEOUT
from fastphash.errors import UsageError
from fastphash.hashing.algorithms import algorithm_names
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
        Processes; None for one per core, or fewer where memory is short. 0 hashes in this process:
        nobody ends an image that takes too long, and one that crashes its decoder ends the program.
    timeout : float
        Seconds for one image. An image that takes longer twice is rejected, like one that crashes
        its worker twice.
    max_pixels : int
        Images with more pixels, by their headers, are rejected.
    keep_missing : bool
        Keep the rows of files that are gone, but not the rows of a folder that the split has left.
    rehash : bool
        Read all files again: a file whose size, times and inode are as they were isn't believed to
        have the same bytes.

    Raises
    ------
    UsageError
        `workers` is less than 0, `timeout` is not above 0, or a value has another type.
    """

    definition: Definition = field(default_factory=Definition)
    layout: Layout = field(default_factory=Layout)
    workers: int | None = None
    timeout: float = TIMEOUT
    max_pixels: int = MAX_PIXELS
    keep_missing: bool = False
    rehash: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.definition, Definition):
            raise UsageError(
                f"a definition must be a fastphash.Definition, not {self.definition!r}"
            )
        if self.workers is not None:
            check_whole(self.workers, "workers", least=0)
        check_timeout(self.timeout)
        check_whole(self.max_pixels, "max_pixels", least=1)


class Hashing(TypedDict, total=False):
    """How to hash images, as keywords: those of `hashing_options`, for functions that pass them on.

    `fastphash.hash_images` documents them.
    """

    workers: int | None
    definition: Definition | None
    hashes: Sequence[str] | None
    orientations: bool
    thumbnails: bool
    timeout: float
    max_pixels: int


def hashing_options(
    *,
    workers: int | None = None,
    definition: Definition | None = None,
    hashes: Sequence[str] | None = None,
    orientations: bool = True,
    thumbnails: bool = True,
    timeout: float = TIMEOUT,
    max_pixels: int = MAX_PIXELS,
    keep_missing: bool = False,
    rehash: bool = False,
) -> IngestOptions:
    """How to hash, as callers of the library say it; errors are those of `IngestOptions`."""
    definition, further = with_algorithms(definition or Definition(), hashes)
    return IngestOptions(
        definition,
        Layout(orientations, thumbnails, further),
        workers,
        timeout,
        max_pixels,
        keep_missing,
        rehash,
    )


def with_algorithms(
    definition: Definition, names: Sequence[str] | None
) -> tuple[Definition, tuple[str, ...]]:
    """The definition for the first of some algorithms, and the names of the others.

    Without names, it stays as it is. UsageError as of `algorithm_names`.
    """
    if names is None:
        return definition, ()
    if isinstance(names, str):
        raise UsageError(f"`hashes` takes several names, not one: [{names!r}]")
    if not isinstance(names, Iterable):
        raise UsageError(f"`hashes` must be a sequence of names, not {names!r}")
    first, *further = algorithm_names(names, 64)
    return replace(definition, algorithm=first), tuple(further)


def worker_count(workers: int | None) -> int:
    """The number asked for, or one for each core that this process may use, if memory allows."""
    if workers is None:
        return processes_that_fit(_WORKER_MEMORY)
    check_whole(workers, "workers", least=1)
    return workers


def check_timeout(timeout: float) -> None:
    """Raise UsageError unless a timeout is above 0."""
    if not isinstance(timeout, (int, float, np.number)) or not timeout > 0:
        raise UsageError(f"`timeout` must be a number of seconds above 0, not {timeout!r}")


def check_whole(value: int, name: str, least: int) -> None:
    """Raise UsageError unless a parameter is a whole number, and at least this one."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise UsageError(f"`{name}` must be a whole number of {least} or more, not {value!r}")

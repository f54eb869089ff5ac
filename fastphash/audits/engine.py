"""What does the work of an audit that may be done on several machines."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress
from fastphash.external.streams import HashStream
from fastphash.ingest.executor import Executor
from fastphash.ingest.options import IngestOptions
from fastphash.ingest.pool import start_workers
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria


class Engine(Protocol):
    """Hashes images, and finds rows that are near others."""

    def start_executor(self, store: Path, options: IngestOptions) -> Executor:
        """What hashes images for a store."""

    def has_partner(
        self, rows: HashTable, criteria: CopyCriteria, progress: Progress
    ) -> NDArray[np.bool_] | None:
        """Which rows are within the radius of another, bool (n,); None to have it looked for."""

    @property
    def partnered(self) -> Callable[[HashStream, int, Progress], NDArray[np.int64]] | None:
        """What finds the rows of a stream within a radius of another, ascending.

        None if all rows are to be read into memory.
        """


class ThisMachine:
    """Does it all on this machine: see `Engine`."""

    partnered = None

    def start_executor(self, store: Path, options: IngestOptions) -> Executor:  # noqa: ARG002
        """Start worker processes."""
        return start_workers(options)

    def has_partner(
        self,
        rows: HashTable,  # noqa: ARG002 - as of `Engine`
        criteria: CopyCriteria,  # noqa: ARG002
        progress: Progress,  # noqa: ARG002
    ) -> None:
        """Leave it to the search for copies."""
        return


THIS_MACHINE = ThisMachine()

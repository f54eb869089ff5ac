"""Spark as the engine of an audit."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress
from fastphash.cluster.executor import SparkExecutor
from fastphash.cluster.matches import SparkJoin
from fastphash.cluster.session import Session
from fastphash.cluster.tables import has_partner
from fastphash.external.streams import HashStream
from fastphash.ingest.executor import Executor
from fastphash.ingest.options import IngestOptions
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria


class SparkEngine:
    """Has Spark hash images, and find the rows that are near others: see `fastphash.audits.engine`.

    The other steps of an audit are those of one machine, on the driver.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def start_executor(self, store: Path, options: IngestOptions) -> Executor:
        """An executor that hashes on Spark, and writes into the store meanwhile."""
        return SparkExecutor(self._session, options, store)

    def has_partner(
        self, rows: HashTable, criteria: CopyCriteria, progress: Progress
    ) -> NDArray[np.bool_]:
        """Which rows are within the radius of another: bool (n,)."""
        return has_partner(self._session, rows, criteria.radius, progress=progress)

    def partnered(self, rows: HashStream, radius: int, progress: Progress) -> NDArray[np.int64]:
        """The rows of a stream within the radius of another, ascending."""
        return SparkJoin(self._session, rows, None, radius, progress=progress).partnered()

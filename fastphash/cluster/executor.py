"""Hashing on Spark, as an executor of `fastphash.ingest`."""

import itertools
import pickle
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import pyarrow as pa
import xxhash

from fastphash.base.versions import version_of
from fastphash.cluster.fragments import read_fragment
from fastphash.cluster.hash_stages import FRAGMENTS, hash_shards
from fastphash.cluster.jobs import cancel_jobs, join_jobs
from fastphash.cluster.session import Session, frame_of, map_batches, table_of
from fastphash.errors import StoreError
from fastphash.ingest.batch import Batch
from fastphash.ingest.executor import ListTask, Task
from fastphash.ingest.options import IngestOptions
from fastphash.ingest.pool import start_workers
from fastphash.sources.protocol import Listing
from fastphash.store.create import FRAGMENTS_FOLDER

T = TypeVar("T")

# tasks of one fragment, 64 images or so each: starting a worker for them takes a tenth of a second
_SHARD_TASKS = 16
# fragments of one Spark job, which hold 300 MB: while they become parts, the next ones are hashed
_JOB_SHARDS = 256


class SparkExecutor:
    """Hashes on Spark; a context.

    Each task of Spark hashes some images in a supervised process of its own, and writes a fragment
    into the store, which all machines must see. The driver makes parts of the fragments, in order:
    the store has the bytes that one machine gives it. When all is done, the fragments go; after a
    failure they stay, and the next run reads them.

    Parameters
    ----------
    session : SparkSession
    options : IngestOptions
    store : Path
        Its folder.
    """

    def __init__(self, session: Session, options: IngestOptions, store: Path) -> None:
        self._session = session
        self._folder = store.absolute() / FRAGMENTS_FOLDER
        # a task of Spark has one core
        self._start = partial(start_workers, replace(options, workers=1))
        self._salt = pickle.dumps((version_of("fastphash"), options.definition, options.layout))
        self._thread = ThreadPoolExecutor(1, initializer=partial(join_jobs, session))

    def __enter__(self) -> Self:
        self._folder.mkdir(exist_ok=True)
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is not None:
            # otherwise what is hashed now would be waited for
            cancel_jobs(self._session)
        self._thread.shutdown(cancel_futures=True)
        if kind is None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def map(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        """Batches in the order of the tasks."""
        return self._results(tasks, Batch)

    def _run(self, shards: list[list[Any]]) -> list[tuple[str, bytes]]:
        """Have Spark hash shards: the names of their fragments, with their digests."""
        pickled = [pickle.dumps(tasks) for tasks in shards]
        names = [f"{xxhash.xxh3_128_hexdigest(self._salt + one)}.batches" for one in pickled]
        numbers = pa.array(range(len(shards)), pa.int32())
        table = pa.table({"shard": numbers, "name": names, "tasks": pickled})
        frame = frame_of(self._session, table)
        stage = partial(hash_shards, folder=str(self._folder), start_executor=self._start)
        done = table_of(map_batches(frame, stage, FRAGMENTS)).sort_by("shard")
        return list(zip(names, done["digest"].to_pylist(), strict=True))

    def list(self, tasks: Iterable[ListTask]) -> Iterator[Listing]:
        """Listings in the order of the tasks."""
        return self._results(tasks, Listing)

    def _results(self, tasks: Iterable[Any], kind: type[T]) -> Iterator[T]:
        """What Spark gives for each task; the next job runs while a caller takes them."""
        shards = _chunks(tasks, _SHARD_TASKS)
        jobs = (self._thread.submit(self._run, job) for job in _chunks(shards, _JOB_SHARDS))
        running = next(jobs, None)
        while running is not None:
            names = running.result()
            running = next(jobs, None)
            for name, digest in names:
                path = self._folder / name
                fragment, results = read_fragment(path)
                if fragment.digest != digest:
                    raise StoreError(f"{path} has changed: is another program writing the store?")
                for result in results:
                    assert isinstance(result, kind)
                    yield result
                path.unlink()


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while some := list(itertools.islice(iterator, size)):
        yield some

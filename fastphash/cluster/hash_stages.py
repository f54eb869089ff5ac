"""The stage of hashing: tasks of inputs to fragments. Pure: it runs without Spark as well."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from fastphash.cluster.fragments import read_fragment, write_fragment
from fastphash.cluster.join_stages import batch_of
from fastphash.errors import StoreError
from fastphash.ingest.executor import Executor

#: What the stage takes: the name of a fragment, and its tasks.
SHARDS = "shard int, name string, tasks binary"
#: What it yields, when the fragment is written.
FRAGMENTS = "shard int, rows long, rejected long, digest binary"


def hash_shards(
    batches: Iterator[pa.RecordBatch], folder: str, start_executor: Callable[[], Executor]
) -> Iterator[pa.RecordBatch]:
    """Hash what the tasks of shards name, each shard to a fragment in the folder.

    The executor has processes of its own, so that a decoder that crashes or hangs ends none of
    Spark's. A fragment that is there is not made again.
    """
    for batch in batches:
        columns = (batch.column(i).to_pylist() for i in range(3))
        for shard, name, tasks in zip(*columns, strict=True):
            path = Path(folder, name)
            try:
                fragment, _ = read_fragment(path)
            except (OSError, StoreError):
                with start_executor() as executor:
                    # what the driver of this very job has pickled
                    write_fragment(path, [*executor.map(pickle.loads(tasks))])  # noqa: S301
                fragment, _ = read_fragment(path)
            rows, rejected, digest = fragment
            yield batch_of(FRAGMENTS, [shard], [rows], [rejected], [digest])

"""Shares of the rows that are joined: what one task reads.

A share is a chunk of a stream, cut out of it: it names files, so that a worker reads them by
itself. Spark has no unsigned numbers, and would make decimals of hashes.
"""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.external.streams import Cut, HashStream

#: The columns of shares: whose rows, and the pickled `Cut`.
SHARE_SCHEMA = pa.schema([("side", pa.int32()), ("share", pa.binary())])


class Share(NamedTuple):
    """The hashes of a share: uint64 (n,) of each orientation asked for; `first` is its first row.

    Sides are 0, the left one, and 1.
    """

    side: int
    first: int
    hashes: dict[int, NDArray[np.uint64]]


def share_table(sides: Sequence[HashStream]) -> pa.Table:
    """The shares of all sides, as Spark passes them to tasks: columns of `SHARE_SCHEMA`."""
    cuts = [
        (side, stream.cut(chunk)) for side, stream in enumerate(sides) for chunk in stream.chunks()
    ]
    shares = [pickle.dumps(cut) for _, cut in cuts]
    columns = [pa.array([side for side, _ in cuts], pa.int32()), pa.array(shares, pa.binary())]
    return pa.table(columns, schema=SHARE_SCHEMA)


def read_shares(
    batches: Iterator[pa.RecordBatch], wanted: Mapping[int, Sequence[int]]
) -> Iterator[Share]:
    """The shares in batches of `SHARE_SCHEMA`, with the orientations wanted of each side."""
    for batch in batches:
        for side, pickled in zip(batch["side"].to_pylist(), batch["share"], strict=True):
            orientations = wanted.get(side, ())
            if not orientations:
                continue
            # what the driver of this very job has pickled
            cut: Cut = pickle.loads(pickled.as_buffer())  # noqa: S301
            read = [columns for _, columns in cut.read(orientations)]
            hashes = [
                np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
                for pieces in zip(*read, strict=True)
            ]
            yield Share(side, cut.first, dict(zip(orientations, hashes, strict=True)))

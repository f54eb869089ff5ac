"""Groups of edges that are streamed: Arrow in, Arrow out.

An edge is a pair of rows that are copies. Rows have numbers in order of priority, so that the first
row of a group is its keeper. Memory holds a bit for each row, or 4 bytes for components, and never
more edges than a batch has. An engine for large data sorts edges and has one task stream them.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.errors import UsageError
from fastphash.groups.grouping import Grouping, check_grouping
from fastphash.kernels import union_find

#: What comes in: the lower row first.
EDGES = pa.schema([("left", pa.int64()), ("right", pa.int64())])
#: What comes out: each row that is a copy, and the keeper of its group.
KEEPERS = pa.schema([("row", pa.int64()), ("keeper", pa.int64())])

_BITS = 64
# rows that have numbers of 32 bits
_MOST_ROWS = 1 << 32
# rows whose roots are looked up at once
_ROWS_AT_ONCE = 1 << 18

_Edges = tuple[NDArray[np.int64], NDArray[np.int64]]


def group_edges(
    edges: Iterable[pa.RecordBatch], rows: int, grouping: Grouping = "star"
) -> Iterator[pa.RecordBatch]:
    """Group rows by edges that come in batches.

    Parameters
    ----------
    edges : iterable of pyarrow.RecordBatch
        `EDGES`, without nulls; an edge may come again. For stars they ascend by left.
    rows : int
        How many rows there are: all numbers are below.
    grouping : {"star", "components"}
        star: each row joins the first keeper that it has an edge with, or is a keeper.
        components: rows that chains of edges connect are one group, its first row the keeper.

    Yields
    ------
    pyarrow.RecordBatch
        `KEEPERS`: each copy once. Stars come by keeper while edges are read, and by row within it
        if edges ascend by (left, right); components come by row, once all edges are read.

    Raises
    ------
    UsageError
        Unknown grouping; edges don't ascend, or aren't of two of these rows, the lower first; or
        components of more than 2^32 rows.

    Examples
    --------
    >>> chain = pa.record_batch([[0, 1], [1, 2]], schema=EDGES)
    >>> [batch.to_pylist() for batch in group_edges([chain], 3)]
    [[{'row': 1, 'keeper': 0}]]
    >>> [batch["keeper"].to_pylist() for batch in group_edges([chain], 3, "components")]
    [[0, 0]]
    """
    check_grouping(grouping)
    if grouping == "components" and rows > _MOST_ROWS:
        raise UsageError(f"components are of {_MOST_ROWS:,} rows at most, not {rows:,}")
    checked = _checked(edges, rows, ascending=grouping == "star")
    if grouping == "star":
        return _stars(checked, rows)
    return _components(checked, rows)


def _stars(edges: Iterable[_Edges], rows: int) -> Iterator[pa.RecordBatch]:
    copies = np.zeros(-(-rows // _BITS), np.uint64)
    for left, right in edges:
        row, keeper = np.empty_like(left), np.empty_like(left)
        count = union_find.stream_stars(left, right, copies, row, keeper)
        if count:
            yield pa.record_batch([row[:count], keeper[:count]], schema=KEEPERS)


def _components(edges: Iterable[_Edges], rows: int) -> Iterator[pa.RecordBatch]:
    root = np.arange(rows, dtype=np.uint32)
    for left, right in edges:
        union_find.unite_few(left, right, root)
    for first in range(0, rows, _ROWS_AT_ONCE):
        last = min(first + _ROWS_AT_ONCE, rows)
        row, keeper = np.empty(last - first, np.int64), np.empty(last - first, np.int64)
        count = union_find.copies_of_roots(root, first, last, row, keeper)
        if count:
            yield pa.record_batch([row[:count], keeper[:count]], schema=KEEPERS)


def _checked(edges: Iterable[pa.RecordBatch], rows: int, *, ascending: bool) -> Iterator[_Edges]:
    """The columns of each batch; edges out of order would make other groups, silently."""
    before = 0
    for batch in edges:
        if not batch.num_rows:
            continue
        left, right = (_numbers(batch, name) for name in EDGES.names)
        if left.min() < 0 or right.max() >= rows or (left >= right).any():
            raise UsageError(f"edges are of two of {rows:,} rows, the lower one first")
        if ascending and (left[0] < before or (left[1:] < left[:-1]).any()):
            raise UsageError("edges must ascend by left: sort them")
        before = int(left[-1])
        yield left, right


def _numbers(batch: pa.RecordBatch, name: str) -> NDArray[np.int64]:
    if batch.schema.names.count(name) != 1 or batch.schema.field(name).type != pa.int64():
        raise UsageError(f"edges have the columns {', '.join(EDGES.names)} of int64")
    column = batch.column(name)
    if column.null_count:
        raise UsageError(f"an edge has no {name}")
    return np.ascontiguousarray(column.to_numpy())
